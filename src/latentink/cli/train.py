"""``latentink train``: make the weights that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import MethodOption
from latentink.cli.progress import progress_bar
from latentink.errors import OptionError

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


@train_app.command("detector")
@for_people
def train_detector_command(
    method: MethodOption,
    recipe: RecipeOption,
    out: OutOption,
    photos: Annotated[Path, typer.Option(help="Folder of training photos.")] = Path(
        "../shared/photos/train"
    ),
    pairs: Annotated[int, typer.Option(help="Photos at most.")] = 300,
    crop: Annotated[int, typer.Option(help="Side of the photos' centre crop, pixels.")] = 256,
    against: Annotated[
        str,
        typer.Option(help="What stegos are told from: plain (the same file without) or camera."),
    ] = "plain",
    work: Annotated[
        Path | None, typer.Option(help="Folder of the pairs; beside the weights by default.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes that make pairs.")] = 1,
    resume: ResumeOption = False,
) -> None:
    """Train a network to tell a method's stegos from plain files; the pairs are made first."""
    from latentink.benchmark.evaluation import REFERENCES
    from latentink.benchmark.pairs import PairsRecipe, make_pairs, read_pairs
    from latentink.training.detector import read_detector_recipe, train_detector
    from latentink.training.photos import list_photos

    if against not in REFERENCES:
        raise OptionError(f"--against takes {' or '.join(REFERENCES)}, not {against!r}.")
    if pairs < 2 or crop < 64 or jobs < 1:
        raise OptionError("--pairs takes 2 or more, --crop 64 or more, --jobs 1 or more.")
    read_detector_recipe(recipe)  # What is wrong with it should not cost an hour of pairs.
    sources = list_photos(photos)[:pairs]
    folder = work or out.with_suffix(".pairs")
    made = PairsRecipe(method, crop)
    with progress_bar() as progress:
        task = progress.add_task(f"making pairs by {method}", total=len(sources))
        make_pairs(made, sources, folder, jobs, lambda: progress.advance(task))
    found = read_pairs(made, folder, sources)
    covers = [REFERENCES[against](pair).picture for pair in found]
    written = train_detector(recipe, covers, [pair.stego.picture for pair in found], out, resume)
    print(f"weights written to {written}")
