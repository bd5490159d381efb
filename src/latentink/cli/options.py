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
MethodOption = Annotated[str, typer.Option(help="One of those that `latentink methods` lists.")]
DepthOption = Annotated[
    int, typer.Option(help="Bits at each pixel, where the method has a choice: 1 to 4.")
]
DecoderOption = Annotated[
    str | None,
    typer.Option(
        help="Message decoder instead of the method's: dense, dense2 to dense4, robust, or a "
        ".steg or .safetensors file."
    ),
]
SubsamplingOption = Annotated[
    str, typer.Option(help="Colour in JPEG files: 4:4:4, 4:2:2 or 4:2:0.")
]
