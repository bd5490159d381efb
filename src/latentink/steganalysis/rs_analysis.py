"""RS analysis, as StegExpose computes it.

The detector is by Fridrich, Goljan and Du, "Reliable detection of LSB steganography in color and
grayscale images", ACM Multimedia and Security 2001. Groups of 2×2 pixels, a b over c d, get some of
their values changed by ±1; a group whose variation grows is regular, one whose variation falls is
singular. The four curves R and S over the share of inverted lowest bits cross where no message
would be. StegExpose (Boehm, arXiv:1410.6656) uses Hempstalk's implementation of it.

How it is counted here
----------------------
Of the four neighbours in a group each has one changed and one unchanged value, u and v, so a change
adds +1 or −1 to |u − v|, and all eight totals follow from four kinds of neighbours:

=========  ==================================  ====  ========  ==============  ==================
kind       u changed, v not                    flip  negative  flip, inverted  negative, inverted
=========  ==================================  ====  ========  ==============  ==================
equal      u = v                               +1    +1        +1              +1
within     differ in the lowest bit alone      −1    +1        −1              +1
away       flipping u moves it away from v     +1    −1        −1              +1
towards    flipping u moves it towards v       −1    +1        +1              −1
=========  ==================================  ====  ========  ==============  ==================

"inverted" is the image with every lowest bit inverted. A group's number of neighbours of each kind
fits one byte, and its histogram says how many groups are regular and singular.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from latentink.steganalysis.primary_sets import quadratic_roots, x_pairs
from latentink.steganalysis.sample_pairs import ratio, smaller_root

# The codes add up over a group's four neighbours, "towards" being what is left: 0 to 100.
_EQUAL, _WITHIN, _AWAY = 1, 5, 25
_CODES = 4 * _AWAY + 1
_BAND_PIXELS = 2**16


@dataclass(frozen=True)
class Groups:
    """Numbers of groups, both masks together: (regular, singular) in each of four changes.

    Attributes:
        flipped: by positive flipping, 0 ↔ 1, 2 ↔ 3 and so on.
        negative: by negative flipping, −1 ↔ 0, 1 ↔ 2, up to 255 ↔ 256.
        flipped_inverted: like ``flipped``, every lowest bit of the image inverted before.
        negative_inverted: like ``negative``, every lowest bit of the image inverted before.
    """

    flipped: tuple[int, int]
    negative: tuple[int, int]
    flipped_inverted: tuple[int, int]
    negative_inverted: tuple[int, int]


def rs_analysis(picture: np.ndarray) -> float:
    """Return the estimated share of embedded values.

    The mean over the channels, and over overlapping groups and those that do not overlap.

    Args:
        picture: (H, W, 3) uint8.

    Returns:
        At least 0, not yet clipped; NaN where a channel gives no number.
    """
    groups = [count_groups(np.ascontiguousarray(picture[..., k])) for k in range(3)]
    return float(np.mean([embedded_share(of_a_step) for pair in groups for of_a_step in pair]))


def count_groups(plane: np.ndarray) -> tuple[Groups, Groups]:
    """Return the groups of a channel (H, W) uint8: those that start at every pixel, every second.

    The masks are the checkerboard 1 0 / 0 1 and its inverse.
    """
    height, width = plane.shape
    every, second = np.zeros(_CODES, np.int64), np.zeros(_CODES, np.int64)
    # Bands of rows stay in the cache; even heights keep every second row where it was.
    rows = max(_BAND_PIXELS // width // 2 * 2, 2)
    for top in range(0, height - 1, rows):
        for codes in _group_codes(plane[top : top + rows + 1]):
            every += np.bincount(codes.reshape(-1), minlength=_CODES)
            second += np.bincount(codes[::2, ::2].reshape(-1), minlength=_CODES)
    return _groups(every), _groups(second)


def embedded_share(groups: Groups) -> float:
    """Return |x / (x − ½)|, x the crossing of the curves; section 4 of the paper."""
    R, S = groups.flipped
    Rm, Sm = groups.negative
    R1, S1 = groups.flipped_inverted
    Rm1, Sm1 = groups.negative_inverted
    d0, dm0, d1, dm1 = R - S, Rm - Sm, R1 - S1, Rm1 - Sm1
    roots = quadratic_roots(2 * (d1 + d0), dm0 - dm1 - d1 - 3 * d0, d0 - dm0)
    if roots is None or (smaller_root(roots) == 0 and (Rm > R or Sm < S)):
        # The curves taken as straight lines.
        x = (ratio(Rm - R, R1 - R + Rm - Rm1) + ratio(Sm - S, S1 - S + Sm - Sm1)) / 2
    else:
        x = smaller_root(roots)
    return abs(ratio(x, x - 0.5))


def _group_codes(band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the summed codes (h − 1, w − 1) uint8 of a band (h, w): first mask, second mask."""
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
    """Return the codes uint8 of neighbours u, v: where u is changed, and where v is."""
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
        # Of four changes by ±1, three or more of a sign decide.
        return int(histogram[growing >= 3].sum()), int(histogram[growing <= 1].sum())

    return Groups(
        flipped=count(equal + away),
        negative=count(equal + within + towards),
        flipped_inverted=count(equal + towards),
        negative_inverted=count(equal + within + away),
    )
