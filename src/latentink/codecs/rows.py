"""Looks up what belongs to rows of a table, for many symbols at a time."""

from __future__ import annotations

import numpy as np

# NumPy takes indexes as 64-bit integers; those of so many rows stay in a processor's cache.
_AT_A_TIME = 2**15


def of_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return ``values[rows]``, with little memory.

    Args:
        values: (r,), one for each row of a table.
        rows: integers of any shape, below r.

    Example:
        >>> of_rows(np.array([0.5, 2.0]), np.array([[1, 0]], dtype=np.uint8))
        array([[2. , 0.5]])
    """
    flat = rows.reshape(-1)
    found = np.empty(len(flat), dtype=values.dtype)
    for begin in range(0, len(flat), _AT_A_TIME):
        part = slice(begin, begin + _AT_A_TIME)
        found[part] = values[flat[part]]
    return found.reshape(rows.shape)


def counts_of_rows(rows: np.ndarray, length: int) -> np.ndarray:
    """Return how often each row occurs, (length,) int64.

    Args:
        rows: (n,) integers below ``length``.
        length: how many rows there are.
    """
    counts = np.zeros(length, dtype=np.int64)
    for begin in range(0, len(rows), _AT_A_TIME):
        counts += np.bincount(rows[begin : begin + _AT_A_TIME], minlength=length)
    return counts
