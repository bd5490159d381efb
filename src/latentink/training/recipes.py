"""Recipes: TOML files whose keys are the fields of a dataclass."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from latentink.errors import OptionError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

R = TypeVar("R")


def read_recipe(
    path: Path,
    kind: type[R],
    limits: Mapping[str, tuple[float, float]],
    choices: Mapping[str, Sequence[str]],
) -> R:
    """Read a recipe of the dataclass ``kind``, all of whose fields have defaults.

    Args:
        path: the TOML file.
        kind: the dataclass.
        limits: smallest and largest value of its numbers (of each number, in a list).
        choices: allowed values of its words.

    Raises:
        OptionError: The file is missing or is not TOML, or a key is unknown, of the wrong type or
            out of its range; the sentence names the key.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"The recipe {path} is not TOML: {error}.") from error
    defaults = {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]
    for key, value in values.items():
        if key not in defaults:
            raise OptionError(f"The recipe {path} has the unknown key {key!r}.")
        values[key] = _checked(path, key, value, defaults[key], limits, choices)
    return kind(**values)


def _checked(
    path: Path,
    key: str,
    value: Any,
    default: Any,
    limits: Mapping[str, tuple[float, float]],
    choices: Mapping[str, Sequence[str]],
) -> Any:
    if isinstance(default, tuple):
        if not isinstance(value, list) or not value:
            raise OptionError(f"The recipe {path} gives {key} = {value!r}, not a list of numbers.")
        return tuple(_checked(path, key, v, default[0], limits, choices) for v in value)
    kind = type(default)
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise OptionError(
            f"The recipe {path} gives {key} = {value!r}, not of type {kind.__name__}."
        )
    if key in choices and value not in choices[key]:
        raise OptionError(f"The recipe {path} gives {key} = {value!r}, not {choices[key]}.")
    if key in limits:
        low, high = limits[key]
        if not low <= value <= high:
            raise OptionError(f"The recipe {path} gives {key} = {value}, not {low:g} to {high:g}.")
    return value
