"""``latentink train``: make the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people

train_app = typer.Typer(help="Train the networks that ship with latentink.", no_args_is_help=True)


@train_app.callback()
def _train() -> None:
    """Keep ``train`` a group while it has one command."""


@train_app.command("decoder")
@for_people
def train_decoder_command(
    recipe: Annotated[Path, typer.Option(help="The recipe, a TOML file.")],
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", help="The safetensors file to write; checkpoint and log beside it."
        ),
    ],
    photos: Annotated[
        Path | None, typer.Option(help="Folder of training photos instead of the recipe's.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
) -> None:
    """Train a message decoder for the pixels channel, with its encoder as in SteganoGAN."""
    from latentink.training.decoder import train_decoder

    print(f"weights written to {train_decoder(recipe, photos, out, resume)}")
