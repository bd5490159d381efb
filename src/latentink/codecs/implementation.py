"""What a codec consists of, behind its name in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from re import Match, Pattern

import numpy as np
from torch import Tensor

from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import EntropyModel
from latentink.codecs.model import CodecModel
from latentink.codecs.registry import CODECS
from latentink.errors import OptionError

Networks = Mapping[str, Mapping[str, Tensor]]
"""State dicts of networks, by the networks' names in a weights file."""


@dataclass(frozen=True)
class Published:
    """How to read checkpoints of the codec that others have published.

    Attributes:
        networks: Their networks, as a weights file (weights_file.py) calls them, and the
            ``entropy_bottleneck`` of the hyper-latent.
        numbered: Those of ``networks`` that stand for several: ``NAME.0``, ``NAME.1``, …
        renames: Patterns of tensor names and what to put in their place, as for :func:`re.sub`;
            all of them are applied in this order.
        convert: Maps the networks without the bottleneck, and the checkpoint's name for errors,
            to networks in the form that the codec expects and M, its latent channels.
    """

    networks: tuple[str, ...]
    convert: Callable[[Networks, str], tuple[Networks, int]]
    numbered: tuple[str, ...] = ()
    renames: tuple[tuple[Pattern[str], str | Callable[[Match[str]], str]], ...] = ()


@dataclass(frozen=True)
class Implementation:
    """The classes of a codec, and where its weights can come from.

    Attributes:
        codec: Codes pictures; called with its entropy model, the tensors of a weights file, and
            what errors call the file.
        model: The trainable model; called with N, the channels of the transforms, M, the channels
            of the latent, and the qualities that get a gain vector.
        published: How to read published checkpoints.
        least_latent_channels: The smallest M that the architecture can have.
        zoo: Name of the codec's models in CompressAI's zoo, or None if it has none.
    """

    codec: Callable[[EntropyModel, Mapping[str, np.ndarray], str], Codec]
    model: Callable[[int, int, Sequence[float]], CodecModel]
    published: Published
    least_latent_channels: int = 1
    zoo: str | None = None


def implementation_of(name: str) -> Implementation:
    """Return the implementation of the codec called ``name``.

    Raises:
        OptionError: There is no codec of that name.

    Example:
        >>> implementation_of("elic").least_latent_channels
        129
    """
    if name not in CODECS:
        raise OptionError(f"There is no codec {name!r}; choose from {', '.join(CODECS)}.")
    implementation: Implementation = resolve_name(CODECS[name].implementation)
    return implementation
