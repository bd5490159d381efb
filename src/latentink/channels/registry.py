"""The channels by name: one line each.

Names are known without importing a channel, so that the command line starts quickly.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from latentink.errors import OptionError

if TYPE_CHECKING:
    from latentink.channels.channel import Channel

CHANNELS = {
    "latents": "latentink.channels.latents.channel:LatentsChannel",
    "pixels": "latentink.channels.pixels.channel:PixelsChannel",
}
"""Name → class. A receiver who is not told the channel tries them in this order."""

PICTURE_CHANNEL = "robust"
"""The channel of ordinary pictures. It has no codec and so functions of its own
(ordinary_pictures.py), and receivers try it first."""


def channel_named(name: str) -> Channel:
    """Return the channel called ``name``.

    Raises:
        OptionError: there is none of that name.

    Example:
        >>> channel_named("latents").in_picture
        False
    """
    if name not in CHANNELS:
        if name == PICTURE_CHANNEL:
            raise OptionError(
                "The robust channel writes ordinary pictures: call hide_in_picture for it."
            )
        raise OptionError(f"There is no channel {name!r}; choose from {', '.join(CHANNELS)}.")
    return _made(CHANNELS[name])


def all_channels() -> Iterator[Channel]:
    """Yield the channels in the order in which a receiver tries them, each imported when due."""
    yield from map(channel_named, CHANNELS)


@cache
def _made(place: str) -> Channel:
    channel: Channel = resolve_name(place)()
    return channel
