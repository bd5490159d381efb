"""The sender of longer messages: the quality, residues and threshold that cost least.

A short message changes least where each bit has many symbols to choose from. A long one takes
cosets of spacing 2^b and is carried best by finer symbols, that is by a higher quality than the
user asked for, at the user's own Lagrangian:

    L = R + w·D,    D = Σ (v − v̂)² in the symbols of the quality asked for

is compared between qualities and codings, w being the slope at which this photo's own plain files
trade rate for distortion there, so that without a message the quality asked for would be the best.
The file and the picture that come out are near those that the user asked for, and the quality in
the header is one that any plain file could have.

Where the user names a number of steps, all symbols are then refined together, if the codec lets
them move without moving the message (refinement.py). That saves some bits, and shows: a plain file
has not been refined (docs/channels.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from latentink.channels.channel import Carried, Job, Room, carries_nothing
from latentink.channels.latents.measured.change_probabilities import change_probabilities
from latentink.channels.latents.measured.coding import FLAT_SCALE, in_coset
from latentink.channels.latents.measured.places import has_room_for_preamble
from latentink.channels.latents.measured.preamble import PREAMBLE_SYMBOLS, LatentsPlan
from latentink.channels.latents.measured.refinement import RefineTask, refine
from latentink.channels.latents.measured.syndrome_trellis import COLUMNS
from latentink.channels.latents.measured.writer import LatentsWriter, keeping
from latentink.codecs.codec import Codec
from latentink.codecs.coins import CoinFlips, coins_of, exchanges
from latentink.codecs.entropy_model import Latents
from latentink.container import QUALITY_UNIT
from latentink.errors import CapacityError, OptionError
from latentink.losses.distortion import squared_error_bits
from latentink.losses.rate import information
from latentink.payload.keystream import KEY_BYTES
from latentink.payload.sealing import SEALED_OVERHEAD
from latentink.picture import psnr_db, to_picture

DISTORTION_BITS = 6 / math.log(2)
"""λ1·distortion, in bits, of moving a value by one symbol.

At the optimum of a uniform quantiser at high rate, R = −½·log2 D with D = w/12 for a step of one
symbol, and λ·dD = −dR gives λ·w = 6 / ln 2.
"""

# Bits a symbol and symbols a bit.
_CODINGS = (*((1, width) for width in COLUMNS), *((bits, 1) for bits in range(1, 5)))
_QUALITY_STEP = round(0.5 / QUALITY_UNIT)
# A message below this share of the plain file is not worth the time of finding the slope.
_SMALL_SHARE = 0.01
# Bits of R + w·D for each bit of the message.
_CHEAP = 0.5
# Symbols that are looked at to tell what a coding will cost.
_SAMPLE = 32768
# σ = 0.18: below, a forced residue costs more than ten bits, and a parity hardly ever turns.
_LEAST_ROW = 4


@dataclass(frozen=True)
class _PlainAt:
    """The photo at one quality code, without the message.

    Attributes:
        v: its latent.
        side: of the entropy model.
        latents: the symbols.
        values: (M, h, w), what was rounded to them: v less the means.
        weights: (M, 1, 1), bits that a squared symbol of distortion is worth.
        objective: R + w·D of the symbols.
    """

    v: Tensor
    side: np.ndarray
    latents: Latents
    values: np.ndarray
    weights: np.ndarray
    objective: float


@dataclass(frozen=True)
class _Candidate:
    """A coding at a quality, with the R + w·D that it should lead to."""

    plan: LatentsPlan
    plain: _PlainAt
    least: int
    objective: float


@dataclass(frozen=True)
class _Written:
    """Symbols with the message in them, and their moduli, see :class:`LatentsWriter`."""

    latents: Latents
    moduli: np.ndarray


def carry_measured(job: Job) -> Carried:
    """Return latents whose symbols carry the message at little cost.

    Raises:
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
        OptionError: steps are asked for that this codec's symbols do not allow.
    """
    steps = _refinement_steps(job)
    plain_at = _plains(job)
    found = None
    for flat in (True, False):
        found = _first_written(job, _candidates(job, plain_at, flat)) or found
        # A cheap message has spoiled nothing, and synthesising a large photo takes seconds.
        if found is not None and (_is_cheap(found[0]) or _is_good(job, found[1].latents)):
            break
    if found is None:
        fitting = measured_room(job.codec, job.plain.latents).limit_bytes
        if fitting == 0:
            raise carries_nothing()
        raise CapacityError(
            f"The message does not fit into this photo's latents: they hold {fitting} bytes at "
            "most at this quality. Shorten the message or take a larger photo."
        )
    candidate, written = found
    latents = written.latents
    if steps:
        refined = _refined(job, candidate, written, steps)
        # Refinement lowers the relaxed objective, but on some textured photos not the file's.
        latents = min(latents, refined, key=lambda found: _objective(job, found))
    # A file's symbols are what was written, or the file is refused.
    symbols = int((written.moduli > 1).sum())
    return Carried(latents, symbols, steps, "symbols", None, lambda picture: 1.0)


def _first_written(job: Job, candidates: list[_Candidate]) -> tuple[_Candidate, _Written] | None:
    """Return the first candidate that takes the message, with its symbols."""
    for candidate in candidates:
        written = _written(job, candidate)
        if written is not None:
            return candidate, written
    return None


def _is_good(job: Job, latents: Latents) -> bool:
    """Return whether the picture lost no more than the preset allows."""
    picture = to_picture(job.codec.synthesise(latents.values, latents.quality_code, job.size))
    return job.plain.psnr_db - psnr_db(job.cover, picture) <= job.preset.psnr_loss_limit


def _candidates(job: Job, plain_at: Callable[[int], _PlainAt], flat: bool) -> list[_Candidate]:
    """Return the codings with symbols enough, that which should cost least first.

    Args:
        job: the message and the photo.
        plain_at: the photo at a quality code.
        flat: only symbols of residues that are uniform without a message, see ``FLAT_SCALE``.
    """
    highest = round(job.codec.qualities[-1] / QUALITY_UNIT)
    candidates: list[_Candidate] = []
    # Each coding is followed to higher qualities as long as they pay.
    rising = dict.fromkeys(_CODINGS, np.inf)
    for quality_code in range(job.quality_code, highest + 1, _QUALITY_STEP):
        if not rising or any(_is_cheap(candidate) for candidate in candidates):
            break
        plain = plain_at(quality_code)
        for bits, width in list(rising):
            is_flat = flat and width == 1
            row = _flat_row(job.codec.entropy.scales, bits) if is_flat else _LEAST_ROW
            one = _candidate(job, plain, LatentsPlan(job.sealed_bytes, row, bits, width))
            if one is None:
                continue
            candidates.append(one)
            if one.objective > rising[bits, width]:
                del rising[bits, width]
            else:
                rising[bits, width] = one.objective
    return sorted(candidates, key=lambda candidate: candidate.objective)


def measured_room(codec: Codec, latents: Latents) -> Room:
    """Return the lengths of messages that plain latents take at their quality.

    The acceptable length puts one bit into each symbol whose residue does not show. The limit puts
    as many bits as the sender ever tries into each symbol that may carry at all.

    Args:
        codec: of the plain photo.
        latents: of the plain photo.
    """
    scales = codec.entropy.scales
    if not has_room_for_preamble(latents.indexes.ravel()[codec.entropy.passes(latents.y.shape)[0]]):
        return Room(0, 0, False)

    def fitting(least_row: int, bits: int) -> int:
        symbols = int((latents.indexes >= least_row).sum()) - PREAMBLE_SYMBOLS
        return max(0, bits * symbols // 8 - SEALED_OVERHEAD)

    most = max(bits for bits, _ in _CODINGS)
    return Room(fitting(_flat_row(scales, 1), 1), fitting(_LEAST_ROW, most), False)


def _is_small(job: Job) -> bool:
    """Return whether the message is too short for a search of the quality's slope to pay."""
    return job.sealed_bytes < _SMALL_SHARE * job.plain.file_bytes


def _is_cheap(candidate: _Candidate) -> bool:
    """Return whether the message costs so little that no other quality could save much."""
    return (
        candidate.objective - candidate.plain.objective < _CHEAP * 8 * candidate.plan.sealed_bytes
    )


def _flat_row(scales: np.ndarray, bits: int) -> int:
    """Return the least row of the Gaussian table whose residues modulo 2^bits are uniform."""
    return int(np.searchsorted(scales, FLAT_SCALE * 2**bits))


def _candidate(job: Job, plain: _PlainAt, lowest: LatentsPlan) -> _Candidate | None:
    """Return the candidate of a coding at the quality of ``plain``, or None: too few symbols.

    Args:
        job: the message and the photo.
        plain: the photo at a quality.
        lowest: the coding, with the least row of the Gaussian table that may carry.
    """
    codec, rows = job.codec, plain.latents.indexes.ravel()
    carriers = math.ceil(8 * lowest.sealed_bytes / lowest.bits) * lowest.width
    needed = carriers + PREAMBLE_SYMBOLS
    if not has_room_for_preamble(rows[codec.entropy.passes(plain.latents.y.shape)[0]]):
        return None
    if needed > np.count_nonzero(rows >= lowest.threshold):
        return None
    threshold = int(np.partition(rows, len(rows) - needed)[len(rows) - needed])
    plan = replace(lowest, threshold=threshold)
    able = np.flatnonzero(rows >= threshold)
    seen = able[:: max(1, len(able) // _SAMPLE)]
    weights = np.broadcast_to(plain.weights, plain.values.shape).ravel()[seen]
    cost = expected_cost(
        plan, plain.values.ravel()[seen], codec.entropy.scales[rows[seen]], weights
    )
    return _Candidate(plan, plain, lowest.threshold, plain.objective + carriers * cost)


def expected_cost(
    plan: LatentsPlan, values: np.ndarray, scales: np.ndarray, weights: np.ndarray
) -> float:
    """Return the bits of rate and distortion that a message adds to a symbol that carries.

    Args:
        plan: the coding.
        values: (n,) in units of symbols, means taken off, of symbols that may carry.
        scales: (n,) σ.
        weights: (n,) bits that a squared symbol is worth.
    """
    symbols, others, costs = exchanges(values, scales)
    if plan.width > 1:
        odds = change_probabilities(costs, plan.width)
    else:
        modulus = 2**plan.bits
        residues = np.random.default_rng(0).integers(0, modulus, len(values))
        others, odds = in_coset(values, scales, residues, modulus), np.ones(len(values))
    rate = information(others, scales) - information(symbols, scales)
    distortion = (values - others) ** 2 - (values - symbols) ** 2
    return float((odds * (rate + weights * distortion)).mean())


def _written(job: Job, candidate: _Candidate) -> _Written | None:
    """Return the symbols of a candidate, or None where the message does not fit after all."""
    plain, codec = candidate.plain, job.codec
    shape, keys = plain.latents.y.shape, job.file_keys(candidate.plain.latents)
    sealed = job.sealed(keys)
    # In ELIC the rows follow the symbols, and what is left of a pass carries nothing.
    for threshold in range(candidate.plan.threshold, candidate.least - 1, -1):
        plan = replace(candidate.plan, threshold=threshold)
        others = CoinFlips(coins_of(job.fresh("coins", keys, KEY_BYTES)), codec.entropy.scales)
        writer = LatentsWriter(plan, sealed, keys, math.prod(shape), codec.entropy.scales, others)
        z, quality_code = plain.latents.z, plain.latents.quality_code
        latents = codec.quantise(plain.v, z, quality_code, writer, plain.side)
        if writer.left == 0:
            return _Written(latents, writer.moduli.reshape(shape))
    return None


def _refinement_steps(job: Job) -> int:
    """Return how many steps refine the symbols that were found, 0 for none."""
    steps = job.options.steps or 0
    # Where symbols depend on each other, moving one moves the places of the message.
    if steps and len(job.codec.entropy.passes(job.plain.latents.y.shape)) > 1:
        raise OptionError(
            f"The latents channel cannot refine symbols of {job.codec.name}, which depend "
            "on each other; leave --steps out, or take --codec hyperprior."
        )
    return steps


def _refined(job: Job, candidate: _Candidate, written: _Written, steps: int) -> Latents:
    """Return latents with the same residues whose symbols were moved together."""
    codec, plain, found = job.codec, candidate.plain, written.latents
    y = torch.from_numpy(found.y).float()[None]
    moduli = torch.from_numpy(written.moduli).float()[None]
    task = RefineTask(
        cover=job.plain.cover,
        v=torch.where(moduli > 1, y, plain.v),
        side=codec.table_scales(found.indexes)[None],
        quality_code=found.quality_code,
        lagrangian=codec.lagrangian(job.quality_code),
        residues=torch.remainder(y, moduli),
        moduli=moduli,
        device=job.device,
    )
    v = refine(codec, task, steps, job.seed, job.on_step)
    return codec.quantise(
        v, found.z, found.quality_code, keeping(found.y, written.moduli), plain.side
    )


def _plains(job: Job) -> Callable[[int], _PlainAt]:
    """Return a function of a quality code that gives the plain photo there, computed once."""
    codec = job.codec
    own_gain = codec.gain(job.quality_code)

    @cache
    def quantised(quality_code: int) -> tuple[Tensor, np.ndarray, Latents]:
        if quality_code == job.quality_code:
            return job.plain.v, job.plain.side, job.plain.latents
        v = job.plain.v * (codec.gain(quality_code) / own_gain)
        z = codec.hyper_analyse(v)
        side = codec.entropy.side(z, (v.shape[-2], v.shape[-1]))
        return v, side, codec.quantise(v, z, quality_code, side=side)

    @cache
    def cost(quality_code: int) -> tuple[float, float]:
        """Return R of the latent in bits, and D in symbols of the quality asked for, squared."""
        latents = quantised(quality_code)[2]
        ratio = (own_gain / codec.gain(quality_code))[0].numpy()
        rate = information(latents.y, codec.entropy.scales[latents.indexes]).sum()
        moved = latents.values * ratio - job.plain.v[0].numpy()
        return float(rate), float(np.square(moved).sum())

    weight = DISTORTION_BITS if _is_small(job) else _slope(job, cost)

    @cache
    def plain_at(quality_code: int) -> _PlainAt:
        v, side, latents = quantised(quality_code)
        rate, distortion = cost(quality_code)
        ratio = (own_gain / codec.gain(quality_code))[0].double().numpy()
        return _PlainAt(
            v,
            side,
            latents,
            latents.unrounded(v[0].numpy()),
            weight * ratio**2,
            rate + weight * distortion,
        )

    return plain_at


def _slope(job: Job, cost: Callable[[int], tuple[float, float]]) -> float:
    """Return w: bits that the plain photo spends for a unit less of distortion, about its quality.

    A central difference: one to the next quality alone would call that one as good as this.

    Args:
        job: the photo.
        cost: R and D at a quality code.
    """
    low, high = (round(q / QUALITY_UNIT) for q in (job.codec.qualities[0], job.codec.qualities[-1]))
    rate, distortion = cost(max(job.quality_code - _QUALITY_STEP, low))
    finer_rate, finer_distortion = cost(min(job.quality_code + _QUALITY_STEP, high))
    if distortion <= finer_distortion:  # A codec of one quality.
        return DISTORTION_BITS
    return max((finer_rate - rate) / (distortion - finer_distortion), 0.0)


def _objective(job: Job, latents: Latents) -> float:
    """Return R + λ1·L_recon in bits, of the picture that the symbols decode to."""
    picture = job.codec.synthesise(latents.values, latents.quality_code, job.size)
    rate = information(latents.y, job.codec.entropy.scales[latents.indexes]).sum()
    distortion = squared_error_bits(
        job.plain.cover, picture, job.codec.lagrangian(job.quality_code)
    )
    return float(rate) + float(distortion)
