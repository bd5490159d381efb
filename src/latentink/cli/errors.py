"""Errors as a person sees them: one sentence on standard error, exit code 2."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from latentink.errors import LatentinkError

EXIT_CODE = 2
_P = ParamSpec("_P")
_R = TypeVar("_R")


def for_people(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """Wrap a command so that bad input and Ctrl-C end it with a sentence and exit code 2."""

    @functools.wraps(command)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except LatentinkError as error:
            sentence = str(error)
        except KeyboardInterrupt:
            sentence = "Interrupted; unfinished output was not written."
        except MemoryError:
            sentence = "There is not enough memory for this picture; use a smaller one."
        print(f"latentink: {sentence}", file=sys.stderr)
        raise typer.Exit(EXIT_CODE)

    return wrapped
