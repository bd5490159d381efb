"""Primary sets, as StegExpose computes it.

The detector is by Dumitrescu, Wu and Memon, "On steganalysis of random LSB embedding in
continuous-tone images", ICIP 2002: in a photo a pair of neighbours lies as often in the set X as in
Y, and random lowest bits move pairs between the sets. The share of changed values is then a root
of a quadratic equation. StegExpose (Boehm, "StegExpose: a tool for detecting LSB steganography",
arXiv:1410.6656) looks at red alone; what differs from the paper is named below.
"""

from __future__ import annotations

import math

import numpy as np

RED = 0


def primary_sets(picture: np.ndarray) -> float:
    """Return the estimated share of embedded values in red, not yet absolute nor clipped.

    Pairs are horizontal and do not overlap; the last column of an odd width is in none. W, the
    paper's pairs that embedding changes within Y, are here all of Y but those of two even values.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        The smaller root; NaN where the equation has no real root or is not quadratic.
    """
    width = picture.shape[1]
    left = picture[:, 0 : width - 1 : 2, RED]
    right = picture[:, 1:width:2, RED]
    in_x, equal = x_pairs(left, right), left == right
    some_odd = ((left | right) & 1).view(bool)
    pairs, X, Z = left.size, np.count_nonzero(in_x), np.count_nonzero(equal)
    W = np.count_nonzero(some_odd & ~(in_x | equal))
    roots = quadratic_roots((W + Z) / 2, 2 * X - pairs, (pairs - X - Z) - X)
    return math.nan if roots is None else roots[0]


def x_pairs(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return which pairs lie in X: v even and u < v, or v odd and u > v; section 2 of the paper.

    Inverting the lowest bit of v moves such a v away from u.

    Args:
        u: uint8 of any shape.
        v: uint8 of the same shape.

    Returns:
        bool of the same shape. Y are the other pairs in which u and v differ.
    """
    odd = (v & 1).view(bool)
    return ((u < v) ^ odd) & (u != v)


def quadratic_roots(a: float, b: float, c: float) -> tuple[float, float] | None:
    """Return the real roots of a·t² + b·t + c, that with −√ first; None where there is none.

    Both are NaN where a is 0: StegExpose divides by it and gets no number.
    """
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return None
    if a == 0:
        return math.nan, math.nan
    root = math.sqrt(discriminant)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
