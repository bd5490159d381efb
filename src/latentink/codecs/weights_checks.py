"""What the tensors of a codec's weights file must be, before anything is computed with them.

A weights file is input like any other: it may come from a stranger.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from latentink.codecs.entropy_tables import unpack_table

_MOST_LEVELS = 256  # Rows of the Gaussian table are numbered with 8 bits.
_LARGEST_LOG_GAIN = 20.0
TABLES = tuple(
    f"{table}_{part}" for table in ("gaussian", "hyper") for part in ("cdf", "length", "offset")
)
SHARED = ("log_gain", "log_inverse", "qualities", "medians", "scale_levels")


def problem_with(tensors: Mapping[str, np.ndarray]) -> str:
    """Return what is wrong with the tensors that all codecs have, as "misses …"; empty: nothing.

    The networks are checked where they are built (``tensor_files.fill``).

    Example:
        >>> problem_with({})
        "misses tensor 'log_gain'"
    """
    for name in (*SHARED, *TABLES):
        if name not in tensors:
            return f"misses tensor {name!r}"
        if found := _kind_problem(name, tensors[name]):
            return f"has a tensor {name!r} {found}"
    qualities, channels = tensors["qualities"], tensors["log_gain"].shape[-1]
    for name in ("log_gain", "log_inverse"):
        wanted = len(qualities), channels
        if tuple(tensors[name].shape) != wanted:
            return f"has a tensor {name!r} of shape {tuple(tensors[name].shape)}, not {wanted}"
    levels = tensors["scale_levels"]
    if not _ascend(qualities) or not _ascend(levels) or levels[0] <= 0:
        return "has qualities or scale levels that do not ascend"
    if len(levels) > _MOST_LEVELS or len(levels) != len(tensors["gaussian_length"]):
        return f"has {len(levels)} scale levels and {len(tensors['gaussian_length'])} rows for them"
    if len(tensors["hyper_length"]) != tensors["medians"].size:
        return "has a table 'hyper' that does not fit 'medians'"
    for table in ("gaussian", "hyper"):
        if found := _table_problem(table, tensors):
            return f"has a table {table!r} in which {found}"
    return ""


def _kind_problem(name: str, tensor: np.ndarray) -> str:
    """Return what is wrong with a tensor by itself."""
    if tensor.ndim != (2 if name.startswith("log_") else 1) or not tensor.size:
        return f"of shape {tuple(tensor.shape)}"
    if name in TABLES:
        return "" if tensor.dtype == np.int32 else f"of type {tensor.dtype}, not int32"
    if not np.issubdtype(tensor.dtype, np.floating):
        return f"of type {tensor.dtype}, not floating point"
    limit = _LARGEST_LOG_GAIN if name.startswith("log_") else np.inf
    if not np.isfinite(tensor).all() or (np.abs(tensor) > limit).any():
        return "with values that are not finite or too large"
    return ""


def _ascend(values: np.ndarray) -> bool:
    return bool((np.diff(values) > 0).all())


def _table_problem(name: str, tensors: Mapping[str, np.ndarray]) -> str:
    cdf, length, offset = (tensors[f"{name}_{part}"] for part in ("cdf", "length", "offset"))
    if (
        (length < 0).any()
        or int(length.sum(dtype=np.int64)) != len(cdf)
        or len(offset) != len(length)
    ):
        return "rows and counts do not go together"
    try:
        unpack_table(name, tensors).coding()
    except ValueError as error:
        return str(error)
    return ""
