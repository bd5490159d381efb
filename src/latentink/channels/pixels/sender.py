"""The sender of the pixels channel: edit the latent until the decoded picture reads right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from latentink.channels.channel import Carried, Job, received_picture, too_much
from latentink.channels.pixels.carrier import payload_positions, preamble_positions
from latentink.channels.pixels.check import CandidateCheck
from latentink.channels.pixels.plan import Plan, plan_message
from latentink.channels.pixels.receiver import read_logits
from latentink.codecs.coins import CoinFlips, coins_of
from latentink.editing.editor import edit
from latentink.editing.objective import load_critics
from latentink.editing.task import EditTask
from latentink.errors import CapacityError
from latentink.message_decoders.periodic import suited_periods
from latentink.message_decoders.registry import (
    load_message_decoder,
    load_message_encoder,
    tried_by_receivers,
)
from latentink.payload.frame import frame_bits, max_message_bytes
from latentink.payload.keys import Keys
from latentink.payload.preamble import Preamble, encode_preamble


def carry(job: Job) -> Carried:
    """Return latents whose decoded 8-bit picture carries the message.

    Raises:
        WeightsError: no such message decoder.
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
    """
    if job.options.decoder is not None:
        return _carry_through(job, job.options.decoder)
    *others, last = suited_periods(job.preset.decoder, job.plain.psnr_db)
    for name in others:
        with suppress(CapacityError):
            return _carry_through(job, name)
    return _carry_through(job, last)


def _carry_through(job: Job, decoder_name: str) -> Carried:
    """Return latents that carry the message for one message decoder; errors as above."""
    plain, preset, keys = job.plain, job.preset, job.ring.keys()
    sealed = job.sealed(keys)
    decoder = load_message_decoder(decoder_name, keys.master)
    plan = plan_message(len(sealed), job.size, decoder, keys, preset.spread)
    wanted = _wanted_bits(plan, sealed, keys)
    task = EditTask(
        cover=plain.cover,
        v=plain.v,
        z=plain.latents.z,
        side=plain.side,
        quality_code=job.quality_code,
        lagrangian=job.codec.lagrangian(job.quality_code),
        decoder=decoder,
        window=plan.carrier.window,
        wanted=wanted,
        information=plan.information,
        start=_encoded(job, decoder_name, plan, wanted) if job.options.start == "encoder" else None,
        critics=load_critics(preset.weights, job.codec, job.options.evade),
        untouched=CoinFlips(coins_of(job.entropy), job.codec.entropy.scales),
        device=job.device,
    )
    check = CandidateCheck(job.codec, decoder, plan, sealed, keys, plain.picture, job.quality_code)
    edited = edit(
        job.codec,
        task,
        preset,
        seed=job.seed,
        steps=job.options.steps or preset.steps,
        seconds=job.options.seconds,
        read=check,
        on_step=job.on_step,
    )
    if edited is None:
        raise too_much(job.message, max_message_bytes(plan.raw_bits, check.best_accuracy))

    def raw_accuracy(decode: Callable[[], np.ndarray]) -> float:
        received = received_picture(decode())
        logits = torch.from_numpy(read_logits(decoder, received, plan.carrier))
        carrying = wanted != 0
        return float(((logits > 0) == (wanted > 0))[carrying].float().mean())

    raw_bits = int((wanted != 0).sum())
    named = None if decoder.name in tried_by_receivers() else decoder.name
    return Carried(
        edited.latents, raw_bits, edited.steps, decoder.name, named, raw_accuracy, "found"
    )


def _encoded(job: Job, decoder_name: str, plan: Plan, wanted: Tensor) -> Tensor:
    """Return the latent (1, M, h, w) of the picture that the decoder's encoder paints (Figure 1).

    Raises:
        WeightsError: the decoder has no encoder.
    """
    encoder = load_message_encoder(decoder_name)
    cover, window = job.plain.cover, plan.carrier.window
    depth, (height, width) = encoder.data_depth, cover.shape[-2:]
    # One half marks a place that carries nothing.
    bits = torch.full((1, depth, height, width), 0.5)
    bits[0, : len(wanted), window.rows, window.columns] = (wanted + 1) / 2
    with torch.no_grad():
        painted = encoder(cover, bits).clamp(0, 1)
    return job.codec.analyse(painted, job.quality_code)


def _wanted_bits(plan: Plan, sealed: bytes, keys: Keys) -> Tensor:
    """Return (planes, gh, gw): +1 and −1 where a bit is carried, 0 elsewhere."""
    carrier, smallest = plan.carrier, plan.smallest
    wanted = np.zeros(carrier.positions, dtype=np.float32)
    places = preamble_positions(carrier, smallest, keys)
    preamble = Preamble(len(sealed), plan.raw_bits, carrier.code)
    wanted[places] = 2.0 * encode_preamble(preamble, keys, len(places)) - 1
    order = payload_positions(carrier, smallest, keys)[: plan.raw_bits]
    wanted[order] = 2.0 * frame_bits(sealed, plan.raw_bits, keys) - 1
    return torch.from_numpy(wanted).view(carrier.planes, *carrier.grid)
