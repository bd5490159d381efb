"""A benchmark's figures: pictures side by side, and what methods deliver against what they cost."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentink.benchmark.extras import import_pyplot
from latentink.benchmark.layout import COVER
from latentink.benchmark.tables import done
from latentink.picture import read_picture

if TYPE_CHECKING:
    import pandas as pd

SHOWN = (
    "fnns-jpg90",
    "fnns-jpg90-train",
    "liso-jpg90",
    "hyperbase-8",
    "elicbase-6",
    "hide-balanced",
    "hide-latents",
)
"""The methods of figures 2 and 3 and ours, shown first where they have pictures."""

MOST_COLUMNS = 7
MOST_PHOTOS = 2
ZOOM = 4
"""The enlarged part is the central 1/4 of the sides."""

_TILE_INCHES = 1.4
_DOTS_PER_INCH = 100
_JPEG_QUALITY = 80
# Of labels, in points: the width that the longer ones need, and the height of the type.
_LABEL_WIDTH, _LABEL_HEIGHT = 36, 6
# Okabe and Ito's palette, which people who cannot tell red from green can tell apart; its yellow
# is darkened, since labels are written in it.
_FAMILY_COLOURS = {
    "fnns": "#E69F00",
    "liso": "#56B4E9",
    "steganogan": "#B8A000",
    "hyperbase": "#009E73",
    "elicbase": "#0072B2",
    "hide": "#D55E00",
    "lsb": "#CC79A7",
    "steghide": "#999999",
}
_OTHER_COLOUR = "#000000"

_Label = tuple[float, float, str, str]
"""Of a point: x, y, text and colour."""


def draw_pictures(
    pictures: Path, dataset: str, methods: Sequence[str], titles: Sequence[str]
) -> bytes | None:
    """Return figures 2 and 3 of a dataset as a JPEG: photos and stegos, whole and enlarged.

    Args:
        pictures: holds ``DATASET/METHOD/PHOTO.png`` and, for the photos themselves,
            ``DATASET/cover/PHOTO.png``.
        dataset: its name.
        methods: that were measured.
        titles: what to call them, as many.

    Returns:
        None where no picture was kept.

    Raises:
        OptionError: matplotlib is missing.
        PictureError: a picture cannot be read.
    """
    names = {COVER: "photo", **dict(zip(methods, titles, strict=True))}
    columns = _columns(pictures / dataset, methods)
    photos = sorted({path.name for name in columns for path in _files(pictures / dataset / name)})
    photos = photos[:MOST_PHOTOS]
    if not photos or columns == [COVER]:
        return None
    pyplot = import_pyplot()
    size = (_TILE_INCHES * len(columns), _TILE_INCHES * 2 * len(photos) + 0.2)
    figure, grid = pyplot.subplots(2 * len(photos), len(columns), figsize=size, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for column, name in enumerate(columns):
        grid[0, column].set_title(names[name], fontsize=7)
        for row, photo in enumerate(photos):
            path = pictures / dataset / name / photo
            if path.is_file():
                picture = read_picture(path)
                grid[2 * row, column].imshow(picture)
                grid[2 * row + 1, column].imshow(centre_part(picture), interpolation="nearest")
    figure.subplots_adjust(0, 0, 1, 1 - 0.25 / size[1], wspace=0.02, hspace=0.02)
    return _saved(pyplot, figure, "jpeg", pil_kwargs={"quality": _JPEG_QUALITY})


def centre_part(picture: np.ndarray) -> np.ndarray:
    """Return the central quarter of the sides of a picture (H, W, 3)."""
    sides = [max(1, side // ZOOM) for side in picture.shape[:2]]
    top, left = ((whole - side) // 2 for whole, side in zip(picture.shape, sides, strict=False))
    return picture[top : top + sides[0], left : left + sides[1]]


def draw_delivery(results: pd.DataFrame, dataset: str) -> bytes | None:
    """Return as a PNG what methods deliver on a dataset: means over its photos.

    On the left, delivered bits per bit of the file against PSNR; on the right, delivered bits
    against the file's size. Filled marks came back through the error correction. Hollow marks are
    Shannon's bound for hard decisions, D·(1 − H(p)), which a decoder of soft values may pass. On
    the right, everything lies below the line where the whole file is message.

    Args:
        results: a row for each embedding, with the columns of Measurement.
        dataset: name in the results.

    Returns:
        None where nothing was delivered, as by simulated methods alone.

    Raises:
        OptionError: matplotlib is missing.
    """
    means = delivery_means(results, dataset)
    if means.empty:
        return None
    pyplot = import_pyplot()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.6))
    labels = _mark_methods(left, right, means)
    sizes = np.array([means["bpp"].min(), means["bpp"].max()])
    right.plot(sizes, sizes, color="grey", linewidth=0.6)
    right.set_xscale("log")
    right.set_yscale("symlog", linthresh=0.01)  # 0 is a result: nothing came back
    right.set(xlabel="file, bits per pixel", ylabel="delivered, bits per pixel")
    right.set_ylim(0, max(10 * means["shannon_bpp"].max(), 0.1))
    left.set(xlabel="PSNR, dB", ylabel="delivered, bits per bit of the file", ylim=(0, None))
    left.legend(fontsize=7)
    for axes in (left, right):
        axes.margins(x=0.12)
    figure.tight_layout()
    for axes, own in labels.items():
        _annotate(axes, own)
    return _saved(pyplot, figure, "png")


def delivery_means(results: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return what :func:`draw_delivery` draws, a row for each method that can be read.

    Returns:
        Columns method, psnr_db, bpp, delivered_rate, shannon_rate, payload_bpp and shannon_bpp.
    """
    own = done(results)
    own = own[(own["dataset"] == dataset) & own["delivered_rate"].notna()]
    own = own[np.isfinite(own["psnr_db"])]
    own = own.assign(
        payload_bpp=own["delivered_rate"] * own["bpp"], shannon_bpp=own["shannon_rate"] * own["bpp"]
    )
    columns = ["psnr_db", "bpp", "delivered_rate", "shannon_rate", "payload_bpp", "shannon_bpp"]
    return own.groupby("method", sort=False)[columns].mean().reset_index()


def _mark_methods(left: Any, right: Any, means: pd.DataFrame) -> dict[Any, list[_Label]]:
    """Draw the marks of all methods on both axes and return their labels."""
    labels: dict[Any, list[_Label]] = {left: [], right: []}
    seen: set[str] = set()
    for row in means.to_dict("records"):
        family, _, variant = str(row["method"]).partition("-")
        colour = _FAMILY_COLOURS.get(family, _OTHER_COLOUR)
        label = None if family in seen else family
        seen.add(family)
        for axes, x, y, bound in (
            (left, row["psnr_db"], row["delivered_rate"], row["shannon_rate"]),
            (right, row["bpp"], row["payload_bpp"], row["shannon_bpp"]),
        ):
            axes.plot((x, x), (y, bound), color=colour, linewidth=0.6)
            axes.plot(x, bound, "o", color=colour, markersize=4, markerfacecolor="none")
            axes.plot(x, y, "o", color=colour, markersize=4, label=label)
            labels[axes].append((x, y, variant or family, colour))
    return labels


def _annotate(axes: Any, labels: Sequence[_Label]) -> None:
    """Write labels beside their points, higher where others are in the way."""
    axes.autoscale_view()
    points_per_dot = 72 / axes.figure.dpi
    places = axes.transData.transform([(x, y) for x, y, _, _ in labels]) * points_per_dot
    taken: list[tuple[float, float]] = []
    for index in np.lexsort((places[:, 0], places[:, 1])):
        across, up = places[index]
        lifted = up
        while any(
            abs(across - x) < _LABEL_WIDTH and abs(lifted - y) < _LABEL_HEIGHT for x, y in taken
        ):
            lifted += 1
        taken.append((across, lifted))
        x, y, text, colour = labels[index]
        offset = (4, lifted - up)
        axes.annotate(
            text,
            (x, y),
            offset,
            textcoords="offset points",
            fontsize=_LABEL_HEIGHT,
            color=colour,
        )


def _columns(folder: Path, methods: Sequence[str]) -> list[str]:
    """Return the folders of pictures to show, left to right: the photo first."""
    wanted = [name for name in SHOWN if name in methods]
    wanted += [name for name in methods if name not in SHOWN]
    there = [name for name in (COVER, *wanted) if _files(folder / name)]
    return there[:MOST_COLUMNS]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))


def _saved(pyplot: Any, figure: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=_DOTS_PER_INCH, **options)
    pyplot.close(figure)
    return buffer.getvalue()
