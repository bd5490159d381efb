"""Sample pairs analysis, as StegExpose computes it.

The detector is by Dumitrescu, Wu and Wang, "Detection of LSB steganography via sample pair
analysis", IEEE Trans. Signal Processing 51(7), 2003. StegExpose (Boehm, arXiv:1410.6656) keeps the
equation of the older primary sets (:mod:`~latentink.steganalysis.primary_sets`), with the new
paper's W and with vertical pairs beside horizontal ones.
"""

from __future__ import annotations

import numpy as np

from latentink.steganalysis.primary_sets import quadratic_roots, x_pairs


def sample_pairs(picture: np.ndarray) -> float | None:
    """Return the estimated share of embedded values, with its sign and not clipped.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        The mean of the colour channels; NaN if one gives no number, None if a side is odd.
    """
    height, width, channels = picture.shape
    if height % 2 or width % 2:
        return None
    shares = [_share(np.ascontiguousarray(picture[..., k])) for k in range(channels)]
    return float(np.mean(shares))


def _share(plane: np.ndarray) -> float:
    """Return the root of smaller magnitude for one colour channel (H, W) with even sides."""
    pairs = X = Z = W = 0
    for u, v in ((plane[:, ::2], plane[:, 1::2]), (plane[::2], plane[1::2])):
        pairs += u.size
        X += np.count_nonzero(x_pairs(u, v))
        Z += np.count_nonzero(u == v)
        W += np.count_nonzero((u ^ v) == 1)
    b, c = 2 * X - pairs, (pairs - X - Z) - X
    roots = quadratic_roots((W + Z) / 2, b, c)
    share = smaller_root(roots) if roots is not None else 0.0
    return share if share != 0 else ratio(c, b)


def smaller_root(roots: tuple[float, float]) -> float:
    """Return the root of smaller magnitude; of equal ones the second, which has +√."""
    return min(reversed(roots), key=abs)


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient by the rules of IEEE 754: x/0 is infinite, 0/0 is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(numerator) / np.float64(denominator))
