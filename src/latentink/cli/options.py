"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CodecOption = Annotated[str, typer.Option(help="The codec: hyperprior or elic.")]
QualityOption = Annotated[
    float, typer.Option(help="1 (smallest file) to 8 (best picture), any number between.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        help="Weights of the codec instead of the bundled ones: a weights file, a published "
        "checkpoint of this quality, or 'zoo' to download CompressAI's.",
        metavar="PATH|zoo",
    ),
]
ReceiverWeightsOption = Annotated[
    Path | None,
    typer.Option(help="Weights file that the sender used, where it is in no usual place."),
]
