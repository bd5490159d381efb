"""The sender of the latents channel: the quality, residues and threshold that cost least.

A message of b bits a symbol takes cosets of spacing 2^b, so a long one is carried best by finer
symbols, that is by a higher quality than the user asked for, at the user's own Lagrangian:

    L = R + λ1·D,    D in the symbols of the quality asked for (channels/latents.py)

is compared between qualities and b; the file and the picture that come out are near those that the
user asked for, and the quality in the header is one that any plain file could have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from latentink.channels.latents import (
    DISTORTION_BITS,
    PREAMBLE_SYMBOLS,
    LatentsPlan,
    LatentsWriter,
    information,
)
from latentink.codecs.codec import Latents
from latentink.container import QUALITY_UNIT
from latentink.errors import CapacityError
from latentink.hiding.job import Carried, Job

_MOST_BITS = 4
_QUALITY_STEP = round(0.5 / QUALITY_UNIT)
# A message below this share of the plain file's bits changes nothing that a search would find.
_SMALL_SHARE = 0.01
_LEAST_ROW = 4  # σ = 0.18: below, a forced residue costs more than ten bits.


@dataclass(frozen=True)
class _Candidate:
    latents: Latents
    symbols: int
    objective: float


def carry_in_latents(job: Job) -> Carried:
    """Return latents whose symbols carry the message.

    Raises:
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
    """
    best = None
    highest = round(job.codec.qualities[-1] / QUALITY_UNIT)
    small = len(job.sealed) < _SMALL_SHARE * job.plain.file_bytes
    for bits in range(1, 2 if small else _MOST_BITS + 1):
        last = None
        for quality in range(job.quality, highest + 1, _QUALITY_STEP):
            candidate = _candidate(job, quality, bits)
            if candidate is None:
                continue
            if best is None or candidate.objective < best.objective:
                best = candidate
            if small or (last is not None and candidate.objective > last.objective):
                break
            last = candidate
    if best is None:
        symbols = int((job.plain.latents.indexes >= _LEAST_ROW).sum()) - PREAMBLE_SYMBOLS
        overhead = len(job.sealed) - len(job.message)
        fitting = max(0, _MOST_BITS * symbols // 8 - overhead)
        raise CapacityError(
            f"The message does not fit into this photo's latents: they hold {fitting} bytes at "
            "most at this quality. Shorten the message, raise --quality or take a larger photo."
        )
    return Carried(best.latents, best.symbols, 0, "symbols", lambda picture: 1.0)


def _candidate(job: Job, quality: int, bits: int) -> _Candidate | None:
    """Return the latents at a quality code and b bits a symbol, or None: too few symbols."""
    codec = job.codec
    ratio = codec.gain(quality) / codec.gain(job.quality)
    v = job.plain.v * ratio
    z = job.plain.latents.z if quality == job.quality else codec.hyper_analyse(v)
    plain = job.plain.latents if quality == job.quality else codec.quantise(v, z, quality)
    needed = math.ceil(8 * len(job.sealed) / bits) + PREAMBLE_SYMBOLS
    rows = plain.indexes.ravel()
    if needed > np.count_nonzero(rows >= _LEAST_ROW):
        return None
    threshold = int(np.partition(rows, len(rows) - needed)[len(rows) - needed])
    # In ELIC the rows follow the symbols: the message itself moves some below the threshold.
    for lower in range(threshold, _LEAST_ROW - 1, -1):
        plan = LatentsPlan(len(job.sealed), lower, bits)
        writer = LatentsWriter(plan, job.sealed, job.keys, rows.size, codec.scales)
        latents = codec.quantise(v, z, quality, writer)
        if writer.left == 0:
            symbols = len(writer.residues) + PREAMBLE_SYMBOLS
            return _Candidate(
                latents, symbols, _objective(job, v[0].numpy(), latents, ratio[0].numpy())
            )
    return None


def _objective(job: Job, v: np.ndarray, latents: Latents, ratio: np.ndarray) -> float:
    """Return L in bits."""
    rate = information(latents.y, job.codec.scales[latents.indexes]).sum()
    moved = (latents.values - v) / ratio
    return float(rate + DISTORTION_BITS * np.square(moved).sum())
