"""Primary sets, as StegExpose computes it.

The detector is by Dumitrescu, Wu and Memon, "On steganalysis of random LSB embedding in
continuous-tone images", ICIP 2002. In a photo a pair of neighbours lies in the set X as often as in
Y; random lowest bits move pairs between the sets, and the share of changed values is a root of a
quadratic equation. StegExpose (Boehm, "StegExpose: a tool for detecting LSB steganography",
arXiv:1410.6656) looks at red alone. Other differences from the paper are named below.
"""

from __future__ import annotations

import math

import numpy as np

RED = 0


def primary_sets(picture: np.ndarray) -> float:
    """Return the estimated share of embedded values in red, with its sign and not clipped.

    Pairs are horizontal and do not overlap; with an odd width the last column is left out. The
    paper's set W holds the pairs of Y that embedding keeps within Y; here it holds all pairs of Y
    except those of two even values.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        The smaller root; NaN if the equation has no real root or is not quadratic.
    """
    width = picture.shape[1]
    left = picture[:, 0 : width - 1 : 2, RED]
    right = picture[:, 1:width:2, RED]
    in_x, equal = x_pairs(left, right), left == right
    some_odd = ((left | right) & 1).view(bool)
    # Newer NumPy counts in integers of its own.
    pairs, X, Z = left.size, int(np.count_nonzero(in_x)), int(np.count_nonzero(equal))
    W = int(np.count_nonzero(some_odd & ~(in_x | equal)))
    roots = quadratic_roots((W + Z) / 2, 2 * X - pairs, (pairs - X - Z) - X)
    return math.nan if roots is None else roots[0]


def x_pairs(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return which pairs lie in X: v even and u < v, or v odd and u > v; section 2 of the paper.

    In these pairs inverting the lowest bit of v moves v away from u.

    Args:
        u: uint8 of any shape.
        v: uint8 of the same shape.

    Returns:
        bool of the same shape. Y is the set of all other pairs in which u and v differ.
    """
    odd = (v & 1).view(bool)
    return ((u < v) ^ odd) & (u != v)


def quadratic_roots(a: float, b: float, c: float) -> tuple[float, float] | None:
    """Return the real roots of a·t² + b·t + c, the one with −√ first; None if there are none.

    Both are NaN if a is 0, because StegExpose divides by it.
    """
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return None
    if a == 0:
        return math.nan, math.nan
    root = math.sqrt(discriminant)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
