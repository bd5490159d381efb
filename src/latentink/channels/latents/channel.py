"""The latents channel behind the contract: options, sender, receiver and capacity."""

from __future__ import annotations

from typing import ClassVar

from latentink.channels.channel import Carried, Channel, Job, Received, Room
from latentink.channels.latents.receiver import message_in_symbols
from latentink.channels.latents.sender import carry, room_in_latents
from latentink.codecs.codec import Codec
from latentink.codecs.compression import Plain
from latentink.editing.presets import Preset
from latentink.errors import OptionError
from latentink.payload.keys import KeyRing
from latentink.results import HideOptions


class LatentsChannel(Channel):
    """The message is in the symbols of the .lik file; the decoded picture does not hold it."""

    name: ClassVar[str] = "latents"
    in_picture: ClassVar[bool] = False

    def check(self, options: HideOptions) -> None:
        """Refuse what only an editor of pictures has a use for.

        Raises:
            OptionError: a preset, a message decoder, a time limit, a start other than the cover, a
                detector to evade, steps with a proof asked for, or fewer than 0 steps.
        """
        if options.preset is not None:
            raise OptionError(
                "The latents channel has no use for a preset; leave --preset out, or take "
                "--channel pixels."
            )
        if (options.decoder, options.seconds) != (None, None):
            raise OptionError(
                "The latents channel has neither a message decoder nor a time limit; leave "
                "--decoder and --seconds out, or take --channel pixels."
            )
        if options.start != "cover":
            raise OptionError(
                "The latents channel has no encoder to start from; leave --start out, or take "
                "--channel pixels."
            )
        if options.evade is not None:
            raise OptionError(
                "The latents channel cannot evade a detector of pictures; leave --evade out, or "
                "take --channel pixels."
            )
        if options.exact and options.steps:
            raise OptionError(
                "Detectors can find what --steps refines; leave --steps or --exact out."
            )
        if options.steps is not None and options.steps < 0:
            raise OptionError("The number of steps must be at least 0.")

    def send(self, job: Job) -> Carried:
        """Return latents whose symbols carry the message; see :func:`carry`."""
        return carry(job)

    def read(self, received: Received, ring: KeyRing) -> bytes | None:
        """Return the message in the symbols, or None; see :func:`message_in_symbols`."""
        if received.codec is None or received.latents is None:
            return None
        entropy = received.codec.entropy
        return message_in_symbols(entropy, received.latents, received.size, ring)

    def capacity(self, codec: Codec, plain: Plain, preset: Preset) -> Room:
        """Return what the symbols of the plain file hold; see :func:`room_in_latents`."""
        return room_in_latents(codec, plain)
