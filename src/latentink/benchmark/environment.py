"""Notes where and how a benchmark's results are made, beside the results."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from latentink import __version__
from latentink.benchmark.config import BenchConfig
from latentink.benchmark.store import Results
from latentink.bundled import bundled
from latentink.codecs.loading import fingerprint_of
from latentink.codecs.registry import CODECS

_PACKAGES = ("torch", "numpy", "pillow")


def note_environment(config: BenchConfig, engine: str, results: Results) -> None:
    """Note settings, versions, weights and machine, and refuse to mix crops of different sizes.

    Args:
        config: what is measured.
        engine: its description.
        results: to note it in.

    Raises:
        OptionError: the results were made with another crop.
        OutputError: the file cannot be written.
    """
    for dataset in config.datasets:
        results.claim(f"crop of {dataset.name}", str(dataset.crop))
        results.note(f"paper of {dataset.name}", dataset.paper)
        results.note(f"photos of {dataset.name}", f"{dataset.count} at most, seed {config.seed}")
    results.note("methods", ", ".join(config.methods))
    for codec in CODECS:
        if not bundled(codec).exists():
            continue
        results.note(f"weights of {codec}", fingerprint_of(bundled(codec)).hex())
    results.note("latentink", __version__)
    for package in _PACKAGES:
        results.note(package, version(package))
    results.note("python", platform.python_version())
    results.note("system", platform.platform())
    results.note("processor", _processor())
    results.note("cores", str(os.cpu_count()))
    results.note("engine", engine)


def _processor() -> str:
    """Return the processor's model, which Python's own function knows on few systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
