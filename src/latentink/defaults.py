"""What is used where the user says nothing, for the library and the command line alike."""

from __future__ import annotations

DEFAULT_CHANNEL = "pixels"
DEFAULT_CODEC = "hyperprior"
DEFAULT_DEVICE = "auto"
DEFAULT_PRESET = "balanced"
DEFAULT_QUALITY = 5.0
