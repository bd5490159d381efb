"""``latentink demo``: the main job on a photo that a library brings, from start to end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from latentink.cli.errors import for_people
from latentink.errors import OptionError, OutputError
from latentink.picture import encode_png, write_atomically

PASSWORD = "tide and time"
AMPLIFICATION = 8
_VERSE = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age "
    "of foolishness, it was the epoch of belief, it was the epoch of incredulity. "
)


@for_people
def demo_command(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo"),
    message_bytes: Annotated[int, typer.Option(help="Length of the message.", min=0)] = 1000,
) -> None:
    """Hide a message in scikit-image's astronaut, reveal it from the file, show figures."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {out} cannot be made: {error.strerror}; name another one."
        ) from None

    try:
        from skimage.data import astronaut
    except ImportError:
        raise OptionError(
            "The demo's photo comes with scikit-image: pip install 'latentink[demo]'."
        ) from None

    from latentink.cli.progress import editing_progress
    from latentink.cli.tables import hiding_rows, print_rows
    from latentink.receiving import reveal
    from latentink.steganography import hide

    cover = astronaut()
    message = demo_message(message_bytes)
    with editing_progress() as on_step:
        result = hide(cover, message, password=PASSWORD, on_step=on_step)
    write_atomically(out / "cover.png", encode_png(cover))
    write_atomically(out / "stego.lik", result.data)
    write_atomically(out / "stego.png", encode_png(result.picture))
    write_atomically(out / "side_by_side.png", encode_png(side_by_side(cover, result.picture)))
    came_back = reveal(out / "stego.lik", password=PASSWORD) == message
    rows = hiding_rows(result.report)
    rows.append(("message", "the same, byte for byte" if came_back else "DIFFERENT"))
    rows.append(
        ("pictures", f"{out / 'side_by_side.png'} (cover, stego, difference ×{AMPLIFICATION})")
    )
    print_rows(rows)
    if not came_back:
        sys.exit(1)


def demo_message(length: int) -> bytes:
    """Return ``length`` bytes that do not compress: half the demo would otherwise be deflate."""
    noise = np.random.default_rng(0).bytes(length)
    return (_VERSE.encode()[: length // 4] + noise)[:length]


def side_by_side(cover: np.ndarray, stego: np.ndarray) -> np.ndarray:
    """Return cover, stego and their difference, amplified around mid-grey, in one row."""
    difference = (stego.astype(np.int16) - cover) * AMPLIFICATION + 128
    return np.concatenate([cover, stego, difference.clip(0, 255).astype(np.uint8)], axis=1)
