"""The weights file of a codec: networks, gains, and the integer tables of the entropy coder.

Sender and receiver must have the same file (safetensors). It has these tensors:

=====================  =========================================================================
``NETWORK.*``          ``g_a``, ``g_s``, ``h_a``, ``h_s``, and for ELIC ``channel_context.K``,
                       ``spatial_context.K`` and ``aggregation.K``; fp16 (imported ones fp32)
``log_gain``           (Q, M), ln g at each of ``qualities``
``log_inverse``        (Q, M), ln g'
``qualities``          (Q,) ascending
``medians``            (N,), of the hyper-latent, on the fixed-point grid
``scale_levels``       the standard deviations of the rows of the Gaussian table
``gaussian_*``         that table (entropy_tables.py)
``hyper_*``            the hyper-latent's table
``bottleneck.*``       what that table was computed from, to continue training; not read otherwise
=====================  =========================================================================

Its metadata are ``format``, ``architecture``, which is the codec's name, and notes on where the
weights come from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from latentink.codecs.registry import CODECS
from latentink.codecs.weights_checks import problem_with
from latentink.errors import WeightsError, unfit_weights
from latentink.input_files import check_regular

FORMAT = "latentink codec 2"


def read_weights(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return tensors and metadata of a codec's weights file.

    The tensors that all codecs have are checked here, the networks where they are built.

    Raises:
        WeightsError: The file is missing, truncated or not a codec's, or sizes do not go together;
            the sentence names the first mismatch.
    """
    tensors, metadata = _read(path)
    if metadata.get("format") != FORMAT:
        raise unfit_weights(f"{path} holds something else than a codec of latentink")
    if metadata.get("architecture") not in CODECS:
        raise unfit_weights(
            f"{path} holds weights of an unknown codec, {metadata.get('architecture', '')!r}"
        )
    if problem := problem_with(tensors):
        raise unfit_weights(f"The weights file {path} {problem}")
    return tensors, metadata


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return what is in a safetensors file, as NumPy arrays."""
    check_regular(path, WeightsError)
    try:
        with safe_open(str(path), framework="np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except (SafetensorError, OSError, TypeError) as error:  # NumPy lacks some of its types.
        raise unfit_weights(f"{path} cannot be read as safetensors: {error}") from error
