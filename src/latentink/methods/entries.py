"""How a method gets its name on the command line: an entry, and what a user may choose with it.

Each method's file ends with its own ``ENTRIES``; ``registry.py`` collects them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from latentink.defaults import DEFAULT_DEPTH, DEFAULT_DEVICE, DEFAULT_SUBSAMPLING
from latentink.errors import OptionError
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.message_decoders.registry import load_message_decoder
from latentink.methods.method import Method
from latentink.payload.keys import derive_keys

DENSE = ("dense", "dense2", "dense3", "dense4")
"""SteganoGAN's dense message decoders at data depth 1, 2, 3 and 4."""

BASIC = ("basic", "basic2", "basic3", "basic4")
"""The basic ones."""

JPEG_QUALITIES = (90, 70, 50)
"""Qualities at which methods that are not made for JPEG are measured, as in the paper's tables."""


@dataclass(frozen=True)
class MethodOptions:
    """What a user may choose beside a method's name.

    Attributes:
        depth: data depth D, bits at each pixel, where the method has a choice.
        decoder: name or file of a message decoder to use instead of the method's own; a ``.steg``
            file brings its message encoder and its depth along.
        subsampling: of colour, where the method saves as JPEG.
        password: random message decoders are drawn from it; None is the public key.
        device: where networks compute: a key of :data:`latentink.devices.DEVICES`.
    """

    depth: int = DEFAULT_DEPTH
    decoder: str | None = None
    subsampling: str = DEFAULT_SUBSAMPLING
    password: str | None = None
    device: str = DEFAULT_DEVICE


@dataclass(frozen=True)
class MethodEntry:
    """A method by name.

    Attributes:
        name: as on the command line.
        source: who published it.
        summary: what it does, in one line.
        make: returns the method; it may rely on options that :meth:`load` has checked.
        depths: the user may choose data depths 1 to this.
        takes_decoder: whether the user may choose another message decoder.
    """

    name: str
    source: str
    summary: str
    make: Callable[[MethodOptions], Method]
    depths: int = 1
    takes_decoder: bool = False

    def load(self, options: MethodOptions) -> Method:
        """Return the method with these options.

        Raises:
            OptionError: an option does not go with this method.
            WeightsError: its weights are missing or damaged.
        """
        if options.decoder is None:
            self._check_depth(options.depth)
        elif not self.takes_decoder:
            raise OptionError(f"{self.name} has no choice of message decoder; leave --decoder out.")
        return self.make(options)

    def _check_depth(self, depth: int) -> None:
        if 1 <= depth <= self.depths:
            return
        if self.depths == 1:
            raise OptionError(f"{self.name} has no choice of data depth; leave --depth out.")
        raise OptionError(f"{self.name} has data depths 1 to {self.depths}, not {depth}.")


def chosen_decoder(name: str, options: MethodOptions, bundled: Sequence[str]) -> MessageDecoder:
    """Return the message decoder that the user chose, or the bundled one of the chosen depth.

    Args:
        name: of the method, for the error.
        options: decoder, depth and password count.
        bundled: names of message decoders; the first has data depth 1, the second 2, and so on.

    Raises:
        OptionError: the message decoder does not read at each pixel.
        WeightsError: there is no such message decoder, or its weights are damaged.
    """
    own = options.decoder or bundled[options.depth - 1]
    decoder = load_message_decoder(own, derive_keys(options.password).master)
    if decoder.stride != 1:
        raise OptionError(
            f"{name} takes message decoders that read at each pixel, which {own} does not; "
            "take dense, or leave --decoder out."
        )
    return decoder
