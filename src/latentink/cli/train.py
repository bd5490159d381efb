"""``latentink train``: make the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people

train_app = typer.Typer(help="Train the networks that ship with latentink.", no_args_is_help=True)


RecipeOption = Annotated[Path, typer.Option(help="The recipe, a TOML file.")]
OutOption = Annotated[
    Path,
    typer.Option(
        "-o", "--out", help="The safetensors file to write; checkpoint and log beside it."
    ),
]
PhotosOption = Annotated[
    Path | None, typer.Option(help="Folder of training photos instead of the recipe's.")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")]


@train_app.command("codec")
@for_people
def train_codec_command(
    recipe: RecipeOption,
    out: OutOption,
    photos: PhotosOption = None,
    resume: ResumeOption = False,
) -> None:
    """Train a codec, all its qualities together; under torchrun on several processes."""
    from latentink.training.codec import train_codec

    print(f"weights written to {train_codec(recipe, photos, out, resume)}")


@train_app.command("decoder")
@for_people
def train_decoder_command(
    recipe: RecipeOption,
    out: OutOption,
    photos: PhotosOption = None,
    resume: ResumeOption = False,
) -> None:
    """Train a message decoder for the pixels channel, with its encoder as in SteganoGAN."""
    from latentink.training.decoder import train_decoder

    print(f"weights written to {train_decoder(recipe, photos, out, resume)}")


@train_app.command("discriminator")
@for_people
def train_discriminator_command(
    recipe: RecipeOption,
    out: OutOption,
    photos: PhotosOption = None,
    resume: ResumeOption = False,
) -> None:
    """Train the discriminator of the adversarial term against a bundled codec."""
    from latentink.training.discriminator import train_discriminator

    print(f"weights written to {train_discriminator(recipe, photos, out, resume)}")


@train_app.command("liso")
@for_people
def train_liso_command(
    recipe: RecipeOption,
    out: OutOption,
    photos: PhotosOption = None,
    resume: ResumeOption = False,
) -> None:
    """Train LISO's optimiser with its decoder, for PNG or for a JPEG."""
    from latentink.training.liso import train_liso

    print(f"weights written to {train_liso(recipe, photos, out, resume)}")
