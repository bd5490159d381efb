"""How well a detector tells a method's files from plain ones, on photos that it has not seen.

A stego is compared with the file that it would have been without a message, :attr:`Pair.plain`:
that is the honest question. Against the camera's photo, a detector may succeed merely because it
sees that a codec was used. Both can be measured, and the report says which was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from latentink.benchmark.extras import import_pyplot
from latentink.defaults import DEFAULT_DEVICE
from latentink.errors import OptionError
from latentink.metrics.detection import accuracy, auc, least_error, roc, wilson_interval
from latentink.steganalysis.detector import Detector, Evidence, Pair
from latentink.training.detector import fit_detector

REFERENCES: dict[str, Callable[[Pair], Evidence]] = {
    "plain": lambda pair: pair.plain,
    "camera": lambda pair: pair.camera,
}
"""What a stego is told from; ``"plain"`` is the honest one."""


@dataclass(frozen=True)
class Evaluation:
    """How well a detector told the files of pairs apart.

    Attributes:
        method: whose stegos.
        detector: name.
        reference: a key of :data:`REFERENCES`.
        pairs: how many.
        detections: share of the stegos that the detector calls stegos at its threshold.
        false_alarms: share of the files without a message that it calls stegos.
        accuracy: share of all files that it calls right.
        accuracy_low: lower end of its 95 % interval (Wilson).
        accuracy_high: upper end.
        auc: area under the ROC.
        least_error: P_E, the least mean of both error rates over all thresholds.
        cover_scores: of the files without a message.
        stego_scores: of those with one.
    """

    method: str
    detector: str
    reference: str
    pairs: int
    detections: float
    false_alarms: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    auc: float
    least_error: float
    cover_scores: tuple[float, ...] = field(repr=False)
    stego_scores: tuple[float, ...] = field(repr=False)


def evaluate_detector(
    detector: Detector,
    method: str,
    pairs: Sequence[Pair],
    reference: str = "plain",
    on_score: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Score both files of each pair and measure how well the scores tell them apart.

    Args:
        detector: fitted already if it is one that learns.
        method: name, for the report.
        pairs: of photos that the detector was not fitted to.
        reference: a key of :data:`REFERENCES`.
        on_score: called after each pair.

    Raises:
        OptionError: no pairs, or files that the detector cannot look at.
    """
    if not pairs:
        raise OptionError(
            f"{method} refused all photos, so there is nothing to detect; "
            "take other photos or another method."
        )
    covers, stegos = [], []
    for pair in pairs:
        covers.append(detector.score(REFERENCES[reference](pair)))
        stegos.append(detector.score(pair.stego))
        on_score()
    right = accuracy(covers, stegos, detector.threshold)
    trials = len(covers) + len(stegos)
    low, high = wilson_interval(round(right * trials), trials)
    return Evaluation(
        method=method,
        detector=detector.name,
        reference=reference,
        pairs=len(pairs),
        detections=float(np.mean(np.array(stegos) > detector.threshold)),
        false_alarms=float(np.mean(np.array(covers) > detector.threshold)),
        accuracy=right,
        accuracy_low=low,
        accuracy_high=high,
        auc=auc(covers, stegos),
        least_error=least_error(covers, stegos),
        cover_scores=tuple(covers),
        stego_scores=tuple(stegos),
    )


def fit(
    detector: Detector,
    pairs: Sequence[Pair],
    reference: str,
    seed: int = 0,
    device: str = DEFAULT_DEVICE,
) -> None:
    """Fit a detector to pairs, against the reference with which it will be evaluated.

    Raises:
        OptionError: too few pairs, or files that the detector cannot look at.
    """
    covers = [REFERENCES[reference](pair) for pair in pairs]
    fit_detector(detector, covers, [pair.stego for pair in pairs], seed, device=device)


def draw_roc(evaluations: Sequence[Evaluation]) -> bytes:
    """Return the ROC curves as the bytes of a PNG.

    Raises:
        OptionError: matplotlib is missing.
    """
    import io

    pyplot = import_pyplot()
    figure, axes = pyplot.subplots(figsize=(6, 6))
    for one in evaluations:
        false_alarms, detections = roc(one.cover_scores, one.stego_scores)
        label = f"{one.detector}, against {one.reference}: AUC {one.auc:.2f}"
        style = "-" if one.reference == "plain" else ":"
        axes.plot(false_alarms, detections, style, label=label)
    axes.plot((0, 1), (0, 1), color="grey", linewidth=0.5)
    axes.set(
        xlabel="false alarms",
        ylabel="detections",
        title=f"{evaluations[0].method}, {evaluations[0].pairs} pairs",
        xlim=(0, 1),
        ylim=(0, 1),
        aspect="equal",
    )
    axes.legend(loc="lower right", fontsize="small")
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pyplot.close(figure)
    return buffer.getvalue()
