"""What can be trained, by the names of ``latentink train``.

To add a task, write a file of its name in this folder, whose ``TASK`` is a subclass of
:class:`latentink.training.task.Task`, and add a line to :data:`TASKS`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentink.defaults import DEFAULT_DEVICE

if TYPE_CHECKING:
    from latentink.training.task import Task

TASKS: dict[str, str] = {
    "codec": "a codec, all its qualities together",
    "decoder": "a message decoder for the pixels channel, with its encoder as in SteganoGAN",
    "discriminator": "the discriminator of the adversarial term against a bundled codec",
    "liso": "LISO's optimiser with its decoder, for PNG or for a JPEG",
    "detector": "a network to tell a method's stegos from plain files; the pairs are made first",
}
"""What each task trains; its file is imported only when it is needed, since that takes seconds."""


def load_task(name: str) -> type[Task[Any, Any]]:
    """Return the class of a task in :data:`TASKS`."""
    task: type[Task[Any, Any]] = import_module(f"latentink.training.{name}").TASK
    return task


def train_on_photos(
    name: str,
    recipe_path: Path,
    photos: Path | None,
    out: Path,
    resume: bool,
    device: str = DEFAULT_DEVICE,
) -> Path:
    """Train what learns from photos, and export it; see :meth:`Trainer.train`.

    Args:
        name: a key of :data:`TASKS` whose recipe names a folder of photos.
        recipe_path: TOML file whose keys are fields of the task's recipe.
        photos: folder of photos in place of the recipe's; 5 % of them are held out.
        out: the safetensors file to write; its folder is created.
        resume: continue exactly from the newest checkpoint.
        device: where to train: a key of :data:`latentink.devices.DEVICES`.

    Raises:
        OptionError: the recipe or the folder of photos does not serve.
    """
    from latentink.picture import list_photos
    from latentink.training.photos import Photos, split
    from latentink.training.recipes import read_recipe
    from latentink.training.trainer import Trainer

    task = load_task(name)
    recipe: Any = read_recipe(recipe_path, task.recipe_type)
    training, held_out = split(list_photos(photos or Path(recipe.photos)))
    trainer = Trainer(task(recipe, Photos(training), Photos(held_out)), device)
    return trainer.train(recipe_path, out, resume)
