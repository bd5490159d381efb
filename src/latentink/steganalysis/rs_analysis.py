"""RS analysis, as StegExpose computes it.

The detector is by Fridrich, Goljan and Du, "Reliable detection of LSB steganography in color and
grayscale images", ACM Multimedia and Security 2001. In groups of 2×2 pixels some values are changed
by ±1. A group whose variation grows is regular, one whose variation falls is singular. The numbers
of both, R and S, are curves over the share of inverted lowest bits; the curves of positive and
negative flipping cross where there would be no message. StegExpose (Boehm, arXiv:1410.6656) uses
Hempstalk's implementation.

How the groups are counted here
-------------------------------
Each of the four pairs of neighbours in a group has one changed and one unchanged value, u and v. A
change therefore adds +1 or −1 to |u − v|, and all eight totals follow from four kinds of pairs:

=========  ==================================  ====  ========  ==============  ==================
kind       u is changed, v is not              flip  negative  flip, inverted  negative, inverted
=========  ==================================  ====  ========  ==============  ==================
equal      u = v                               +1    +1        +1              +1
within     differ in the lowest bit alone      −1    +1        −1              +1
away       flipping u moves it away from v     +1    −1        −1              +1
towards    flipping u moves it towards v       −1    +1        +1              −1
=========  ==================================  ====  ========  ==============  ==================

"inverted" means the picture with every lowest bit inverted. The numbers of pairs of each kind in a
group fit one byte, and the histogram of these bytes gives the regular and the singular groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentink.steganalysis.primary_sets import quadratic_roots, x_pairs
from latentink.steganalysis.sample_pairs import ratio, smaller_root

# Codes of pairs; their sum over the four pairs of a group is 0 to 100. "Towards" has code 0.
_EQUAL, _WITHIN, _AWAY = 1, 5, 25
_CODES = 4 * _AWAY + 1
_BAND_PIXELS = 2**16


@dataclass(frozen=True)
class Groups:
    """Numbers of (regular, singular) groups of both masks together, after each of four changes.

    Attributes:
        flipped: positive flipping, 0 ↔ 1, 2 ↔ 3 and so on.
        negative: negative flipping, −1 ↔ 0, 1 ↔ 2, up to 255 ↔ 256.
        flipped_inverted: as ``flipped``, of the picture with every lowest bit inverted.
        negative_inverted: as ``negative``, of the picture with every lowest bit inverted.
    """

    flipped: tuple[int, int]
    negative: tuple[int, int]
    flipped_inverted: tuple[int, int]
    negative_inverted: tuple[int, int]


def rs_analysis(picture: np.ndarray) -> float:
    """Return the estimated share of embedded values.

    It is the mean over the colour channels, and over overlapping and non-overlapping groups.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        0 or more, not clipped at 1; NaN if a colour channel gives no number.
    """
    counts = [count_groups(np.ascontiguousarray(picture[..., k])) for k in range(3)]
    return float(np.mean([embedded_share(groups) for both in counts for groups in both]))


def count_groups(plane: np.ndarray) -> tuple[Groups, Groups]:
    """Return the groups that start at every pixel, and those that start at every second one.

    The masks are the checkerboard 1 0 / 0 1 and its inverse.

    Args:
        plane: (H, W) uint8, one colour channel.
    """
    height, width = plane.shape
    every, second = np.zeros(_CODES, np.int64), np.zeros(_CODES, np.int64)
    # Bands of rows stay in the cache; with even heights every second row stays a second row.
    rows = max(_BAND_PIXELS // width // 2 * 2, 2)
    for top in range(0, height - 1, rows):
        for codes in _group_codes(plane[top : top + rows + 1]):
            every += np.bincount(codes.reshape(-1), minlength=_CODES)
            second += np.bincount(codes[::2, ::2].reshape(-1), minlength=_CODES)
    return _groups(every), _groups(second)


def embedded_share(groups: Groups) -> float:
    """Return |x / (x − ½)|, where x is the crossing of the curves; section 4 of the paper."""
    R, S = groups.flipped
    Rm, Sm = groups.negative
    R1, S1 = groups.flipped_inverted
    Rm1, Sm1 = groups.negative_inverted
    d0, dm0, d1, dm1 = R - S, Rm - Sm, R1 - S1, Rm1 - Sm1
    roots = quadratic_roots(2 * (d1 + d0), dm0 - dm1 - d1 - 3 * d0, d0 - dm0)
    if roots is None or (smaller_root(roots) == 0 and (Rm > R or Sm < S)):
        # Take the curves for straight lines.
        x = (ratio(Rm - R, R1 - R + Rm - Rm1) + ratio(Sm - S, S1 - S + Sm - Sm1)) / 2
    else:
        x = smaller_root(roots)
    return abs(ratio(x, x - 0.5))


def _group_codes(band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the summed codes (h − 1, w − 1) uint8 of a band (h, w) for each of the two masks."""
    left_changed, right_changed = _neighbour_codes(band[:, :-1], band[:, 1:])
    upper_changed, lower_changed = _neighbour_codes(band[:-1], band[1:])
    first = left_changed[:-1] + right_changed[1:]
    first += upper_changed[:, :-1]
    first += lower_changed[:, 1:]
    second = right_changed[:-1] + left_changed[1:]
    second += lower_changed[:, :-1]
    second += upper_changed[:, 1:]
    return first, second


def _neighbour_codes(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes uint8 of neighbours u, v if u is changed, and if v is changed."""
    difference = u ^ v
    alike = (difference == 0).view(np.uint8) * np.uint8(_EQUAL)
    alike += (difference == 1).view(np.uint8) * np.uint8(_WITHIN)
    u_changed = x_pairs(v, u).view(np.uint8) * np.uint8(_AWAY)
    v_changed = x_pairs(u, v).view(np.uint8) * np.uint8(_AWAY)
    u_changed += alike
    v_changed += alike
    return u_changed, v_changed


def _groups(histogram: np.ndarray) -> Groups:
    """Return the regular and singular groups in a histogram (101,) of summed codes."""
    codes = np.arange(_CODES)
    away, rest = np.divmod(codes, _AWAY)
    within, equal = np.divmod(rest, _WITHIN)
    towards = 4 - away - within - equal

    def count(growing: np.ndarray) -> tuple[int, int]:
        # The sum of four changes by ±1 has the sign of three or more of them.
        return int(histogram[growing >= 3].sum()), int(histogram[growing <= 1].sum())

    return Groups(
        flipped=count(equal + away),
        negative=count(equal + within + towards),
        flipped_inverted=count(equal + towards),
        negative_inverted=count(equal + within + away),
    )
