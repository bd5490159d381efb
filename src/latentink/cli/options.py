"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.attacks.profiles import PROFILES
from latentink.channels.registry import CHANNELS, PICTURE_CHANNEL
from latentink.codecs.registry import CODECS

ChannelOption = Annotated[
    str | None,
    typer.Option(
        help=f"Where the message lives: {', '.join(CHANNELS)} (in a .lik file) or "
        f"{PICTURE_CHANNEL} (in a picture); by default the name of the output decides."
    ),
]
SurviveOption = Annotated[
    str | None,
    typer.Option(
        help="What a message in an ordinary picture survives: "
        f"{', '.join(PROFILES)}; messenger by default."
    ),
]
CodecOption = Annotated[str, typer.Option(help=f"The codec: {' or '.join(CODECS)}.")]
QualityOption = Annotated[
    float, typer.Option(help="1 (smallest file) to 8 (best picture), any number between.")
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        help="For tests: same inputs and seed, same bytes. Without it, the system's randomness."
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(help="Where networks compute: auto (a GPU where there is one), cpu, cuda or mps."),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        help="Preset of the pixels channel's editor: balanced (the default), fast, or paper "
        "(research)."
    ),
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
    typer.Option(
        help="The weights file that the sender used, if it is neither bundled nor imported."
    ),
]
MethodOption = Annotated[str, typer.Option(help="The method, one of `latentink methods`.")]
DepthOption = Annotated[
    int, typer.Option(help="Bits at each pixel, 1 to 4, if the method has a choice.")
]
DecoderOption = Annotated[
    str | None,
    typer.Option(
        help="Message decoder instead of the method's: dense, dense2 to dense4, robust, or a "
        ".steg or .safetensors file."
    ),
]
SubsamplingOption = Annotated[
    str, typer.Option(help="Subsampling of colour in JPEG files: 4:4:4, 4:2:2 or 4:2:0.")
]
