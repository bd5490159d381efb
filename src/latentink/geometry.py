"""Rectangles of pixels and latents, and how large a picture may be."""

from __future__ import annotations

from dataclasses import dataclass

MINIMUM_SIDE = 16
MAXIMUM_SIDE = 65_500
MAXIMUM_PIXELS = 100_000_000


def is_picture_size(height: int, width: int) -> bool:
    """Return whether latentink takes pictures of this size, in pixels.

    Example:
        >>> is_picture_size(16, 16), is_picture_size(15, 400), is_picture_size(20_000, 20_000)
        (True, False, False)
    """
    shorter, longer = sorted((height, width))
    return shorter >= MINIMUM_SIDE and longer <= MAXIMUM_SIDE and height * width <= MAXIMUM_PIXELS


@dataclass(frozen=True)
class Rectangle:
    """A half-open rectangle of latents or pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> slice:
        """The rows as a slice."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """The columns as a slice."""
        return slice(self.left, self.right)

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    def grown(self, margin: int, bounds: Rectangle) -> Rectangle:
        """Return the rectangle with ``margin`` on every side, clipped to ``bounds``."""
        return Rectangle(
            max(self.top - margin, bounds.top),
            max(self.left - margin, bounds.left),
            min(self.bottom + margin, bounds.bottom),
            min(self.right + margin, bounds.right),
        )

    def scaled(self, factor: int) -> Rectangle:
        """Return the rectangle in units ``factor`` times finer."""
        return Rectangle(
            self.top * factor, self.left * factor, self.bottom * factor, self.right * factor
        )

    def coarsened(self, factor: int) -> Rectangle:
        """Return the smallest rectangle in units ``factor`` times coarser that covers this one."""
        return Rectangle(
            self.top // factor,
            self.left // factor,
            -(-self.bottom // factor),
            -(-self.right // factor),
        )

    def shifted(self, origin: Rectangle) -> Rectangle:
        """Return the rectangle in coordinates that start at ``origin``'s top left corner."""
        return Rectangle(
            self.top - origin.top,
            self.left - origin.left,
            self.bottom - origin.top,
            self.right - origin.left,
        )

    def clipped(self, bounds: Rectangle) -> Rectangle:
        """Return the part inside ``bounds``."""
        return self.grown(0, bounds)
