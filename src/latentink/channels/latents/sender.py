"""The sender of the latents channel: by proof where the message fits, or else by measurement."""

from __future__ import annotations

from latentink.channels.channel import Carried, Job, Room
from latentink.channels.latents.exact.room import promised
from latentink.channels.latents.exact.sender import carry_exactly, fits_exactly
from latentink.channels.latents.measured.sender import carry_measured, measured_room
from latentink.codecs.codec import Codec
from latentink.codecs.compression import Plain
from latentink.errors import CapacityError
from latentink.payload.sealing import ENCRYPTED_OVERHEAD


def carry(job: Job) -> Carried:
    """Return latents whose symbols carry the message.

    Steps of refinement ask for the measured coding.

    Raises:
        CapacityError: the photo cannot carry the message; the sentence says how much it can.
        OptionError: steps are asked for that this codec's symbols do not allow.
    """
    if not job.options.steps and fits_exactly(job):
        carried = carry_exactly(job)
        if carried is not None:
            return carried
    if job.options.exact:
        room = min(exact_room(job.codec, job.plain), len(job.plaintext) - 2)
        raise CapacityError(
            f"This photo hides about {max(0, room)} bytes by proof; the message has "
            f"{len(job.plaintext) - 1} after compression. Shorten it, take a larger photo, or "
            "leave --exact out; a higher --quality has more room."
        )
    return carry_measured(job)


def room_in_latents(codec: Codec, plain: Plain) -> Room:
    """Return the lengths of messages that a photo takes at its quality.

    Args:
        codec: of the plain file.
        plain: the photo without a message.
    """
    measured = measured_room(codec, plain.latents)
    exact = exact_room(codec, plain)
    return Room(
        max(exact, measured.message_bytes),
        max(exact, measured.limit_bytes),
        measured.at_any_quality,
        exact,
    )


def exact_room(codec: Codec, plain: Plain) -> int:
    """Return how long a message the photo's coins hold, in bytes after compression."""
    return max(0, promised(codec, plain) - ENCRYPTED_OVERHEAD)
