"""What is used where the user says nothing, for the library and the command line alike."""

from __future__ import annotations

LARGEST_SEED = 2**63 - 1
"""Of seeds, which NumPy, PyTorch and SQLite all take up to here."""

DEFAULT_CHANNEL = "latents"
DEFAULT_CODEC = "hyperprior"
DEFAULT_DEPTH = 1
DEFAULT_DEVICE = "auto"
DEFAULT_PRESET = "balanced"
DEFAULT_PROFILE = "messenger"
DEFAULT_QUALITY = 5.0
DEFAULT_SUBSAMPLING = "4:4:4"
