"""Recipes: dataclasses whose fields a TOML file sets; each field says what it means and allows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from latentink.errors import OptionError
from latentink.input_files import read_toml
from latentink.training.schedules import Schedule

R = TypeVar("R", bound="Recipe")


@dataclass(frozen=True)
class Setting:
    """What a field of a recipe means and which values it takes.

    Attributes:
        meaning: as errors explain it.
        limits: smallest and largest value; of each number, in a list.
        choices: the words it takes; empty: any.
        multiple_of: what its value is a multiple of.
        free: whether a run may be resumed with another value: it does not change what a step does.
    """

    meaning: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    multiple_of: int = 1
    free: bool = False

    def problem(self, value: Any) -> str:
        """Return what is wrong with a value of the right type; empty: nothing."""
        wrong = ""
        if self.choices and value not in self.choices:
            wrong = f"not {self.choices}"
        if self.limits and not self.limits[0] <= value <= self.limits[1]:
            wrong = "not {:g} to {:g}".format(*self.limits)
        elif self.multiple_of > 1 and value % self.multiple_of:
            wrong = f"no multiple of {self.multiple_of}"
        return wrong and f"{value!r}, {wrong} ({self.meaning})"


def setting(default: Any, meaning: str, *limits: float, **others: Any) -> Any:
    """Return a field of a recipe; see :class:`Setting`. A subclass may change its default alone."""
    described = Setting(meaning, limits or None, **others)  # type: ignore[arg-type]
    return field(default=default, metadata={"setting": described})


def settings(kind: type) -> dict[str, Setting]:
    """Return the settings of a recipe's fields, the nearest base's where a class has none."""
    bases = reversed(kind.__mro__)
    found = [
        one for base in bases for one in base.__dict__.get("__dataclass_fields__", {}).values()
    ]
    return {one.name: one.metadata["setting"] for one in found if "setting" in one.metadata}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training run yields."""

    steps: int = setting(3000, "optimiser steps", 1, 1e9)
    batch: int = setting(4, "crops a step, of each process", 1, 4096)
    crop: int = setting(128, "side of a crop, pixels", 16, 4096)
    learning_rate: float = setting(1e-3, "at its peak; see ``schedule``", 1e-9, 1)
    seed: int = setting(1, "of everything random", 0, 2**31)
    checkpoint_seconds: float = setting(30.0, "between checkpoints", 0, 1e9, free=True)

    def schedule(self) -> Schedule:
        """Return the learning rate: 3 % of the steps rise to the peak, a cosine falls to 0."""
        rise = max(1, round(0.03 * self.steps))
        return Schedule(self.steps, rise, self.steps - rise, "cosine")

    def problem(self) -> str:
        """Return what is wrong with fields together, as "gives ..."; empty: nothing."""
        return ""

    def values(self) -> dict[str, Any]:
        """Return the fields as a checkpoint keeps them: numbers, text and lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class PhotoRecipe(Recipe):
    """A recipe of what is trained on photos."""

    photos: str = setting("../shared/photos/train", "folder of photos", free=True)


def read_recipe(path: Path, kind: type[R]) -> R:
    """Read a recipe from a TOML file whose keys are fields of ``kind``.

    Raises:
        OptionError: the file is missing or is not TOML, or a key is unknown, of the wrong type, out
            of its range or in conflict with another; the sentence names it.
    """
    values = read_toml(path, "The recipe")
    defaults, known = {one.name: one.default for one in fields(kind)}, settings(kind)
    for key, value in values.items():
        if key not in defaults:
            raise OptionError(
                f"The recipe {path} has the unknown key {key!r}; correct it or leave it out."
            )
        values[key] = _checked(f"The recipe {path} gives {key} =", value, defaults[key], known[key])
    recipe = kind(**values)
    if problem := recipe.problem():
        raise OptionError(f"The recipe {path} {problem}.")
    return recipe


def _checked(beginning: str, value: Any, default: Any, known: Setting) -> Any:
    """Return ``value`` as the type of ``default``, a list as a tuple."""
    if isinstance(default, tuple):
        if not isinstance(value, list) or not value:
            raise OptionError(f"{beginning} {value!r}, not a list of numbers.")
        return tuple(_checked(beginning, one, default[0], known) for one in value)
    kind = type(default)
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise OptionError(f"{beginning} {value!r}, not of type {kind.__name__}.")
    if problem := known.problem(value):
        raise OptionError(f"{beginning} {problem}.")
    return value
