"""All methods by name: one line a file, in the order of the paper's tables.

To add a method, end its file with ``ENTRIES`` and add the file to :data:`METHODS`.
"""

from __future__ import annotations

from latentink.errors import OptionError
from latentink.methods import (
    adaptive,
    fnns,
    hide,
    liso,
    lsb,
    paper,
    robust,
    steganogan,
    steghide,
    watermarks,
)
from latentink.methods.entries import MethodEntry, MethodOptions
from latentink.methods.method import Method

METHODS: dict[str, MethodEntry] = {
    entry.name: entry
    for entry in (
        *fnns.ENTRIES,
        *liso.ENTRIES,
        *steganogan.ENTRIES,
        *paper.ENTRIES,
        *hide.ENTRIES,
        *robust.ENTRIES,
        *lsb.ENTRIES,
        *adaptive.ENTRIES,
        *steghide.ENTRIES,
        *watermarks.ENTRIES,
    )
}


def load_method(name: str, options: MethodOptions | None = None) -> Method:
    """Return the method called ``name``.

    Args:
        name: a key of :data:`METHODS`.
        options: what the user chose; None takes the method's own defaults.

    Raises:
        OptionError: no method has this name, or an option does not go with it.
        WeightsError: its weights are missing or damaged.
    """
    if name not in METHODS:
        raise OptionError(f"There is no method {name!r}; `latentink methods` lists them.")
    return METHODS[name].load(options or MethodOptions())
