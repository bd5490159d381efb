"""All detectors by name: one line each in :data:`DETECTORS`.

To add one, write a :class:`~latentink.steganalysis.detector.Detector` in a file of its own and give
it a line here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from latentink.errors import OptionError
from latentink.steganalysis.detector import Detector


def imported(place: str, *arguments: object) -> Callable[[], Detector]:
    """Return a function that makes a detector and imports its file only when it is called.

    Commands that need no detector, or only one, start faster that way.

    Args:
        place: ``"module:Class"``, the module below ``latentink.steganalysis``.
        arguments: of the class.
    """

    def make() -> Detector:
        detector: Detector = resolve_name(f"latentink.steganalysis.{place}")(*arguments)
        return detector

    return make


DETECTORS: dict[str, Callable[[], Detector]] = {
    "stegexpose": imported("stegexpose:StegExpose"),
    "spam": imported("rich_models:RichModelDetector", "spam"),
    "srm": imported("rich_models:RichModelDetector", "srm"),
    "latents": imported("latent_domain.detector:LatentDomainDetector"),
    "xunet": imported("network_detector:NetworkDetector", "xunet"),
    "yenet": imported("network_detector:NetworkDetector", "yenet"),
    "siastegnet": imported("network_detector:NetworkDetector", "siastegnet"),
}


def make_detector(name: str) -> Detector:
    """Return the detector called ``name``, or the one in a file.

    Args:
        name: a key of :data:`DETECTORS`, or the path of a ``.safetensors`` file that
            ``latentink train detector`` wrote. A detector that learns comes unfitted by name and
            fitted from a file.

    Raises:
        OptionError: there is no such detector.
        WeightsError: the file is missing, damaged, or holds no detector.

    Example:
        >>> make_detector("stegexpose").threshold
        0.2
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
