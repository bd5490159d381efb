"""The sender of the exact coding: nothing in the file but its coins depends on the message."""

from __future__ import annotations

from latentink.channels.channel import Carried, Job
from latentink.channels.latents.exact.room import relied_on
from latentink.channels.latents.exact.writer import ExactWriter
from latentink.codecs.coins import coins_of
from latentink.payload.keystream import KEY_BYTES
from latentink.payload.sealing import SHORT_TAG_BYTES


def fits_exactly(job: Job) -> bool:
    """Return whether the coins of the photo hold the message.

    The answer depends on the photo, on the message's length and, where later symbols depend on
    earlier ones, on the coins of a plain file that is not sent.
    """
    return len(job.plaintext) + SHORT_TAG_BYTES <= relied_on(job.codec, job.plain)


def carry_exactly(job: Job) -> Carried | None:
    """Return latents whose coins carry the message; None if they do not after all.

    Quality, hyper-latent and every symbol that no coin decides are those of a plain file.
    """
    codec, plain = job.codec, job.plain
    keys = job.file_keys(plain.latents)
    coins = coins_of(job.fresh("coins", keys, KEY_BYTES))
    writer = ExactWriter(job.plaintext, keys, coins, codec.entropy.scales)
    latents = codec.quantise(plain.v, plain.latents.z, job.quality_code, writer, plain.side)
    if not writer.finished:
        return None
    return Carried(latents, writer.said, 0, "symbols", None, lambda picture: 1.0, security="exact")
