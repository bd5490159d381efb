"""The detectors by their names, and detectors in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from latentink.errors import OptionError
from latentink.steganalysis.detector import Detector


def _stegexpose() -> Detector:
    from latentink.steganalysis.stegexpose import StegExpose

    return StegExpose()


def _rich(name: str) -> Callable[[], Detector]:
    def make() -> Detector:
        from latentink.steganalysis.rich_models import RichModelDetector

        return RichModelDetector(name)

    return make


def _latents() -> Detector:
    from latentink.steganalysis.latent_domain import LatentDomainDetector

    return LatentDomainDetector()


def _network(name: str) -> Callable[[], Detector]:
    def make() -> Detector:
        from latentink.steganalysis.network_detector import NetworkDetector

        return NetworkDetector(name)

    return make


DETECTORS: dict[str, Callable[[], Detector]] = {
    "stegexpose": _stegexpose,
    "spam": _rich("spam"),
    "srm": _rich("srm"),
    "latents": _latents,
    "xunet": _network("xunet"),
    "yenet": _network("yenet"),
    "siastegnet": _network("siastegnet"),
}


def make_detector(name: str) -> Detector:
    """Return a detector by name, not fitted yet if it learns, or the fitted one in a file.

    Args:
        name: a key of :data:`DETECTORS`, or the path of a .safetensors file that
            ``latentink train detector`` wrote.

    Raises:
        OptionError: there is neither.
        WeightsError: the file does not hold a detector.
    """
    if name in DETECTORS:
        return DETECTORS[name]()
    if name.endswith(".safetensors"):
        from latentink.steganalysis.network_detector import load_detector

        return load_detector(Path(name))
    raise OptionError(
        f"There is no detector {name!r}; choose from {', '.join(DETECTORS)}, or name a "
        ".safetensors file of `latentink train detector`."
    )
