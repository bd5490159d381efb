"""The sender of the latents channel: the quality, residues and threshold that cost least.

A message of b bits a symbol takes cosets of spacing 2^b, so a long one is carried best by finer
symbols, that is by a higher quality than the user asked for, at the user's own Lagrangian:

    L = R + w·D,    D = Σ (v − v̂)² in the symbols of the quality asked for

is compared between qualities and b, w being the slope at which this photo's own plain files trade
rate for distortion there, so that without a message the quality asked for would be the best. The
file and the picture that come out are near those that the user asked for, and the quality in the
header is one that any plain file could have. Then all symbols are refined together, where the codec
lets them move without moving the message (editing/refinement.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from latentink.channels.latents import (
    DISTORTION_BITS,
    PREAMBLE_ROW,
    PREAMBLE_SYMBOLS,
    LatentsPlan,
    LatentsWriter,
    has_room_for_preamble,
    information,
)
from latentink.codecs.codec import Latents
from latentink.container import QUALITY_UNIT
from latentink.editing.refinement import RefineTask, refine
from latentink.errors import CapacityError
from latentink.hiding.job import Carried, Job
from latentink.losses.distortion import squared_error_bits
from latentink.payload.sealing import SEALED_OVERHEAD

_MOST_BITS = 4
_QUALITY_STEP = round(0.5 / QUALITY_UNIT)
# A message below this share of the plain file is not worth the time of a search.
_SMALL_SHARE = 0.01
# A larger photo takes minutes, and is refined when the user names the steps.
_REFINED_PIXELS = 2_000_000
_LEAST_ROW = 4  # σ = 0.18: below, a forced residue costs more than ten bits.


@dataclass(frozen=True)
class _PlainAt:
    """The photo at one quality code, without the message."""

    v: Tensor
    side: Tensor
    latents: Latents


@dataclass(frozen=True)
class _Candidate:
    plan: LatentsPlan
    latents: Latents
    moduli: np.ndarray
    objective: float


def carry_in_latents(job: Job) -> Carried:
    """Return latents whose symbols carry the message.

    Raises:
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
    """
    plain_at = _plains(job)
    small = len(job.sealed) < _SMALL_SHARE * job.plain.file_bytes
    weight = DISTORTION_BITS if small else _slope(job, plain_at)
    best = None
    highest = round(job.codec.qualities[-1] / QUALITY_UNIT)
    for bits in range(1, 2 if small else _MOST_BITS + 1):
        last = None
        for quality in range(job.quality, highest + 1, _QUALITY_STEP):
            candidate = _candidate(job, plain_at(quality), bits, weight)
            if candidate is None:
                continue
            if best is None or candidate.objective < best.objective:
                best = candidate
            if small or (last is not None and candidate.objective > last.objective):
                break
            last = candidate
    if best is None:
        fitting = room_in_latents(job.plain.latents)[1]
        raise CapacityError(
            f"The message does not fit into this photo's latents: they hold {fitting} bytes at "
            "most at this quality. Shorten the message, raise --quality or take a larger photo."
        )
    latents, steps = best.latents, _refinement_steps(job)
    if steps:
        refined = _refined(job, plain_at(latents.quality), best, steps)
        # The relaxed objective falls always, that of the file not in every textured photo.
        latents = min(latents, refined, key=lambda found: _objective(job, found))
    # A file's symbols are what was written, or the file is refused.
    symbols = int((best.moduli > 1).sum())
    return Carried(latents, symbols, steps, "symbols", lambda picture: 1.0)


def room_in_latents(latents: Latents) -> tuple[int, int]:
    """Return the bytes of a message that plain latents hold easily, and at most, at their quality.

    Easily: one bit in each symbol whose scale would let it carry the preamble. At most: as many
    bits as the sender ever tries in each that may carry at all.
    """

    def fitting(least_row: int, bits: int) -> int:
        symbols = int((latents.indexes >= least_row).sum()) - PREAMBLE_SYMBOLS
        return max(0, bits * symbols // 8 - SEALED_OVERHEAD)

    return fitting(PREAMBLE_ROW, 1), fitting(_LEAST_ROW, _MOST_BITS)


def _candidate(job: Job, plain: _PlainAt, bits: int, weight: float) -> _Candidate | None:
    """Return latents at the quality of ``plain`` and b bits a symbol, or None: too few symbols."""
    codec, quality = job.codec, plain.latents.quality
    rows = plain.latents.indexes.ravel()
    needed = math.ceil(8 * len(job.sealed) / bits) + PREAMBLE_SYMBOLS
    if not has_room_for_preamble(rows[codec.passes(plain.latents.y.shape)[0]]):
        return None
    if needed > np.count_nonzero(rows >= _LEAST_ROW):
        return None
    threshold = int(np.partition(rows, len(rows) - needed)[len(rows) - needed])
    # In ELIC the rows follow the symbols: the message itself moves some below the threshold.
    for lower in range(threshold, _LEAST_ROW - 1, -1):
        plan = LatentsPlan(len(job.sealed), lower, bits)
        writer = LatentsWriter(plan, job.sealed, job.keys, rows.size, codec.scales)
        latents = codec.quantise(plain.v, plain.latents.z, quality, writer, plain.side)
        if writer.left == 0:
            rate, distortion = _cost(job, latents)
            moduli = writer.moduli.reshape(latents.y.shape)
            return _Candidate(plan, latents, moduli, rate + weight * distortion)
    return None


def _refinement_steps(job: Job) -> int:
    """Return how many steps refine the symbols that were found, 0 for none."""
    # Where symbols depend on each other, moving one moves the places of the message.
    if len(job.codec.passes(job.plain.latents.y.shape)) > 1:
        return 0
    if job.steps is not None:
        return job.steps
    height, width = job.size
    return job.preset.refinement_steps if height * width <= _REFINED_PIXELS else 0


def _refined(job: Job, plain: _PlainAt, found: _Candidate, steps: int) -> Latents:
    """Return latents with the residues of ``found`` whose symbols were moved together."""
    codec, quality = job.codec, found.latents.quality
    y = torch.from_numpy(found.latents.y).float()[None]
    moduli = torch.from_numpy(found.moduli).float()[None]
    task = RefineTask(
        cover=job.plain.cover,
        v=torch.where(moduli > 1, y, plain.v),
        side=codec.table_scales(torch.from_numpy(found.latents.indexes))[None],
        quality=quality,
        lagrangian=codec.lagrangian(job.quality),
        residues=torch.remainder(y, moduli),
        moduli=moduli,
    )
    v = refine(codec, task, steps, job.seed, job.on_step)
    writer = LatentsWriter(found.plan, job.sealed, job.keys, y.numel(), codec.scales)
    return codec.quantise(v, found.latents.z, quality, writer, plain.side)


def _plains(job: Job) -> Callable[[int], _PlainAt]:
    """Return a function of a quality code that gives the plain photo there, computed once."""

    @cache
    def plain_at(quality: int) -> _PlainAt:
        if quality == job.quality:
            return _PlainAt(job.plain.v, job.plain.side, job.plain.latents)
        v = job.plain.v * (job.codec.gain(quality) / job.codec.gain(job.quality))
        z = job.codec.hyper_analyse(v)
        side = job.codec.side(z, (v.shape[-2], v.shape[-1]))
        return _PlainAt(v, side, job.codec.quantise(v, z, quality, side=side))

    return plain_at


def _slope(job: Job, plain_at: Callable[[int], _PlainAt]) -> float:
    """Return w: bits that the plain photo spends for a unit less of distortion, about its quality.

    A central difference: one to the next quality alone would call that one as good as this.
    """
    low, high = (round(q / QUALITY_UNIT) for q in (job.codec.qualities[0], job.codec.qualities[-1]))
    below, above = max(job.quality - _QUALITY_STEP, low), min(job.quality + _QUALITY_STEP, high)
    rate, distortion = _cost(job, plain_at(below).latents)
    finer_rate, finer_distortion = _cost(job, plain_at(above).latents)
    if distortion <= finer_distortion:  # A codec of one quality.
        return DISTORTION_BITS
    return max((finer_rate - rate) / (distortion - finer_distortion), 0.0)


def _objective(job: Job, latents: Latents) -> float:
    """Return R + λ1·L_recon in bits, of the picture that the symbols decode to."""
    picture = job.codec.synthesise(latents.values, latents.quality, job.size)
    rate = information(latents.y, job.codec.scales[latents.indexes]).sum()
    distortion = squared_error_bits(job.plain.cover, picture, job.codec.lagrangian(job.quality))
    return float(rate) + float(distortion)


def _cost(job: Job, latents: Latents) -> tuple[float, float]:
    """Return R of the latent in bits, and D in symbols of the quality asked for, squared."""
    codec = job.codec
    ratio = (codec.gain(job.quality) / codec.gain(latents.quality))[0].numpy()
    rate = information(latents.y, codec.scales[latents.indexes]).sum()
    moved = latents.values * ratio - job.plain.v[0].numpy()
    return float(rate), float(np.square(moved).sum())
