"""The pixels channel behind the contract: options, sender, receiver and capacity."""

from __future__ import annotations

from typing import ClassVar

from latentink.channels.channel import Carried, Channel, Job, Received, Room
from latentink.channels.pixels.plan import largest_message
from latentink.channels.pixels.receiver import read_message
from latentink.channels.pixels.sender import carry
from latentink.codecs.codec import Codec
from latentink.codecs.compression import Plain
from latentink.editing.presets import Preset
from latentink.errors import OptionError
from latentink.message_decoders.registry import load_message_decoder
from latentink.payload.keys import KeyRing, derive_keys
from latentink.results import HideOptions

# Share of the plain file's bits that a photo's message may have; see docs/method.md.
_CAPACITY_SHARE = 0.05
_PLANNED_ACCURACY = 0.93


class PixelsChannel(Channel):
    """The message is in the decoded 8-bit picture, where a message decoder reads it.

    The editor changes the latent until the picture reads right (Eq. 6).
    """

    name: ClassVar[str] = "pixels"
    in_picture: ClassVar[bool] = True

    def check(self, options: HideOptions) -> None:
        """Refuse a schedule of no steps, and a proof.

        Raises:
            OptionError: fewer than one step, or the message shall be hidden by proof.
        """
        if options.exact:
            raise OptionError(
                "The pixels channel hides nothing by proof; leave --exact or --channel out."
            )
        if options.steps is not None and options.steps < 1:
            raise OptionError("The number of steps must be at least 1.")

    def send(self, job: Job) -> Carried:
        """Return latents whose decoded 8-bit picture carries the message; see :func:`carry`."""
        return carry(job)

    def read(self, received: Received, ring: KeyRing) -> bytes | None:
        """Return the message in the picture, or None; see :func:`read_message`."""
        return read_message(received, ring.keys())

    def capacity(self, codec: Codec, plain: Plain, preset: Preset) -> Room:
        """Return a share of what the plain file spends on the photo, as message length.

        A photo that costs few bits offers few symbols to edit. The share was measured
        (docs/method.md).
        """
        keys = derive_keys(None)
        decoder = load_message_decoder(preset.decoder, keys.master)
        size = plain.picture.shape[0], plain.picture.shape[1]
        limit = largest_message(size, decoder, keys, _PLANNED_ACCURACY)
        return Room(max(0, min(limit, int(_CAPACITY_SHARE * plain.file_bytes))), limit, True)
