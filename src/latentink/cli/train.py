"""``latentink train``: make the weights that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from latentink.cli.errors import for_people
from latentink.cli.options import DeviceOption, MethodOption
from latentink.cli.progress import progress_bar
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import OptionError
from latentink.training.registry import TASKS

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


def on_photos(name: str) -> Callable[..., None]:
    """Return the command of a task that learns from photos alone."""

    def command(
        recipe: RecipeOption,
        out: OutOption,
        photos: PhotosOption = None,
        resume: ResumeOption = False,
        device: DeviceOption = DEFAULT_DEVICE,
    ) -> None:
        from latentink.training.registry import train_on_photos

        train_on_photos(name, recipe, photos, out, resume, device)
        print(f"weights written to {out}")

    return command


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
    device: DeviceOption = DEFAULT_DEVICE,
) -> None:
    """Make the pairs that a detector learns from, then train it."""
    from latentink.benchmark.evaluation import REFERENCES
    from latentink.benchmark.pairs import PairsRecipe, make_pairs, read_pairs
    from latentink.picture import list_photos
    from latentink.training.detector import DetectorRecipe, train_detector
    from latentink.training.picture_pairs import PicturePairs
    from latentink.training.recipes import read_recipe

    if against not in REFERENCES:
        raise OptionError(f"--against takes {' or '.join(REFERENCES)}, not {against!r}.")
    if pairs < 2 or crop < 64 or jobs < 1:
        raise OptionError("--pairs takes 2 or more, --crop 64 or more, --jobs 1 or more.")
    read_recipe(recipe, DetectorRecipe)  # What is wrong with it should not cost an hour of pairs.
    sources = list_photos(photos)[:pairs]
    folder = work or out.with_suffix(".pairs")
    made = PairsRecipe(method, crop)
    with progress_bar() as progress:
        task = progress.add_task(f"making pairs by {method}", total=len(sources))
        make_pairs(made, sources, folder, jobs, lambda: progress.advance(task), device)
    found = read_pairs(made, folder, sources)
    covers = [REFERENCES[against](pair).picture for pair in found]
    pictures = PicturePairs(covers, [pair.stego.picture for pair in found])
    train_detector(recipe, pictures, out, resume, device)
    print(f"weights written to {out}")


for _name, _what in TASKS.items():
    _command = train_detector_command if _name == "detector" else on_photos(_name)
    train_app.command(_name, help=f"Train {_what}.")(for_people(_command))
