"""The editor's schedules, as plain data. Rates are per step, sizes in symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from latentink.editing.objective import TERMS
from latentink.editing.optimisers import OPTIMISERS
from latentink.errors import OptionError
from latentink.losses.accuracy import ACCURACY_LOSSES
from latentink.relaxations.registry import RELAXATIONS


@dataclass(frozen=True)
class Spread:
    """How thinly a message is laid.

    Attributes:
        density: raw bits per pixel of the window, at most, while larger windows exist.
        fill: whether every position of the picture carries, whatever the message's length.
        accuracy: raw accuracy to plan for where there is room; fixes the code rate.
        highest_accuracy: raw accuracy to plan for before a larger window or a further plane of
            logits is used.
    """

    density: float
    fill: bool
    accuracy: float
    highest_accuracy: float


@dataclass(frozen=True)
class Preset:
    """How the editor works on one photo.

    Attributes:
        name: as on the command line.
        decoder: message decoder that reads the picture (message_decoders/registry.py).
        steps: length of the schedule; the editor may stop before and may add rounds.
        optimiser: one of ``OPTIMISERS`` (editing/optimisers.py).
        learning_rate: at the first step; Adam's in symbols.
        final_learning_rate: at the last step; a cosine in between.
        synthesis_relaxation: rounding as distortion and accuracy see it, one of ``RELAXATIONS``
            (relaxations/registry.py).
        rate_relaxation: rounding as the rate sees it, likewise.
        accuracy_loss: form of L_acc, one of ``ACCURACY_LOSSES`` (losses/accuracy.py).
        margin: of the hinge, in logits.
        spread: how thinly a message is laid over the photo.
        weights: of the terms of Eq. 1, by their names in ``TERMS`` (editing/objective.py); a term
            that is not named here is off. All count in bits of the whole photo:
            ``perceptual`` is λ2, bits per pixel at an LPIPS of 1; ``adversarial`` λ3, bits per
            pixel per nat; ``variation`` λ4, bits per grey level; ``evasion``, where the user names
            a detector to evade, bits per pixel per nat; ``accuracy`` λ5 at the first step, bits
            per unit of L_acc. λ1 is the codec's own.
        rounds: schedules to try, each with a stricter aim, before giving up.
        psnr_loss_limit: dB against the plain picture beyond which the message does not fit.
        accuracy_gain: how fast log λ5 follows the information that is missing; 0: λ5 stays.
        variation_exponent: β of Eq. 4.
        cell: side of the part of a tile that a step shows to LPIPS, discriminator and detector,
            pixels, a multiple of 16; 0: all of it.
        hyper_steps: steps after which the hyper-latent is analysed again from the edited latent;
            0: the photo's own stays, which costs least while the latent changes little.

    Raises:
        OptionError: optimiser, relaxation, accuracy loss or a weight's term is not known.

    Example:
        >>> smoother = replace(BALANCED, weights={**BALANCED.weights, "variation": 0.01})
        >>> smoother.weights
        {'evasion': 0.05, 'accuracy': 15.0, 'variation': 0.01}
    """

    name: str
    decoder: str
    steps: int
    optimiser: str
    learning_rate: float
    final_learning_rate: float
    synthesis_relaxation: str
    rate_relaxation: str
    accuracy_loss: str
    margin: float
    spread: Spread
    weights: Mapping[str, float] = field(hash=False)
    rounds: int
    psnr_loss_limit: float
    accuracy_gain: float = 1.5
    variation_exponent: float = 1.0
    cell: int = 0
    hyper_steps: int = 0

    def __post_init__(self) -> None:
        """Check that every name is in its table."""
        _check_name("optimiser", self.optimiser, OPTIMISERS)
        _check_name("relaxation", self.synthesis_relaxation, RELAXATIONS)
        _check_name("relaxation", self.rate_relaxation, RELAXATIONS)
        _check_name("accuracy loss", self.accuracy_loss, ACCURACY_LOSSES)
        for term in self.weights:
            _check_name("term of the objective", term, TERMS)


def _check_name(kind: str, name: str, table: Mapping[str, object]) -> None:
    if name not in table:
        raise OptionError(f"There is no {kind} {name!r}; choose from {', '.join(table)}.")


BALANCED = Preset(
    name="balanced",
    decoder="periodic",
    steps=60,
    optimiser="adam",
    learning_rate=1e-2,
    final_learning_rate=1e-3,
    synthesis_relaxation="straight_through",
    rate_relaxation="additive_noise",
    accuracy_loss="hinge",
    margin=0.4,
    spread=Spread(density=1 / 8, fill=False, accuracy=0.87, highest_accuracy=0.89),
    weights={"evasion": 0.05, "accuracy": 15.0},
    rounds=6,
    psnr_loss_limit=3.0,
)
"""The default; measured in docs/method.md."""

FAST = replace(BALANCED, name="fast", steps=20, learning_rate=3e-2)
"""A third of the steps, each three times as large; the picture suffers a little more."""

PAPER = Preset(
    name="paper",
    decoder="robust",
    steps=40,
    optimiser="adam",
    learning_rate=8e-2,
    final_learning_rate=1e-3,
    synthesis_relaxation="straight_through",
    rate_relaxation="additive_noise",
    accuracy_loss="cross_entropy",
    margin=0.0,
    spread=Spread(density=1, fill=True, accuracy=0.87, highest_accuracy=0.89),
    weights={
        "perceptual": 16.0,
        "adversarial": 1.0,
        "variation": 1 / 244,
        "evasion": 0.05,
        "accuracy": 20.0,
    },
    rounds=1,
    psnr_loss_limit=20.0,
    accuracy_gain=0.0,
    cell=64,
    hyper_steps=10,
)
"""The weights and density of section 4.1: every term of Eq. 1, one bit at each pixel.

λ2 = 16, λ3 = 1, λ4 = 1/244. The paper does not say what its λ5 = 1/48 counts per; 20 bits per nat
comes nearest to its rows (docs/method.md). experiments/naive_editor.py compares this preset with
the paper's own 1500 steps of Adam at 1e-3 with additive noise everywhere.
"""

PRESETS = {preset.name: preset for preset in (BALANCED, FAST, PAPER)}


def preset_named(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        OptionError: there is none of that name.

    Example:
        >>> preset_named("fast").steps
        20
    """
    _check_name("preset", name, PRESETS)
    return PRESETS[name]
