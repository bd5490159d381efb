"""The editor's schedules, as plain data. Lengths and rates are per step, sizes in symbols."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from latentink.errors import OptionError

Relaxation = Literal["additive_noise", "straight_through", "soft_rounding", "gumbel_annealing"]
AccuracyLoss = Literal["hinge", "cross_entropy"]
OptimiserName = Literal["adam", "lbfgs"]


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
class Weights:
    """The weights of Eq. 1 that λ1, the codec's own, does not fix; 0 switches a term off.

    The terms are in bits for the whole photo (losses/): means per pixel times the pixels, and total
    variation as the sum that it is.

    Attributes:
        perceptual: λ2, bits per pixel at an LPIPS of 1.
        adversarial: λ3, bits per pixel per nat.
        variation: λ4, bits per grey level.
        variation_exponent: β of Eq. 4.
        evasion: of a detector that is to be evaded, bits per pixel per nat; where none is named,
            nothing.
        cell: side of the part of a tile that a step shows to LPIPS, discriminator and detector,
            pixels, a multiple of 16; 0: all of it.
        accuracy: λ5 at the first step, bits per unit of L_acc.
        accuracy_gain: how fast log λ5 follows the information that is missing; 0: it stays.
    """

    perceptual: float = 0.0
    adversarial: float = 0.0
    variation: float = 0.0
    variation_exponent: float = 1.0
    evasion: float = 0.05
    cell: int = 0
    accuracy: float = 15.0
    accuracy_gain: float = 1.5


@dataclass(frozen=True)
class Preset:
    """How the editor works on one photo.

    Attributes:
        name: as on the command line.
        decoder: message decoder that reads the picture (message_decoders/registry.py).
        steps: length of the schedule; the editor may stop before and may add rounds.
        optimiser: see editing/optimisers.py.
        learning_rate: at the first step; Adam's in symbols.
        final_learning_rate: at the last step; cosine in between.
        synthesis_relaxation: rounding as distortion and accuracy see it.
        rate_relaxation: rounding as the rate sees it.
        accuracy_loss: form of L_acc (losses/accuracy.py).
        margin: of the hinge, in logits.
        spread: how thinly a message is laid over the photo.
        weights: λ2 to λ5.
        rounds: schedules to try, each with a stricter aim, before giving up.
        psnr_loss_limit: dB against the plain picture beyond which the message does not fit.
        hyper_steps: steps after which the hyper-latent is made anew from the edited latent; 0: the
            photo's own stays, which a latent that changes little is coded best with.
    """

    name: str
    decoder: str
    steps: int
    optimiser: OptimiserName
    learning_rate: float
    final_learning_rate: float
    synthesis_relaxation: Relaxation
    rate_relaxation: Relaxation
    accuracy_loss: AccuracyLoss
    margin: float
    spread: Spread
    weights: Weights
    rounds: int
    psnr_loss_limit: float
    hyper_steps: int = 0


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
    weights=Weights(),
    rounds=6,
    psnr_loss_limit=3.0,
)
"""The default; measured in docs/method.md."""

FAST = replace(BALANCED, name="fast", steps=20, learning_rate=3e-2)
"""A third of the steps, each three times as long; costs the picture a little more."""

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
    weights=Weights(
        perceptual=16.0,
        adversarial=1.0,
        variation=1 / 244,
        cell=64,
        accuracy=20.0,
        accuracy_gain=0.0,
    ),
    rounds=1,
    psnr_loss_limit=20.0,
    hyper_steps=10,
)
"""Section 4.1's weights and density: every term of Eq. 1, one bit at each pixel.

λ2 = 16, λ3 = 1, λ4 = 1/244. The paper does not say over what λ5 = 1/48 counts; 20 bits per nat
lands nearest to its rows (docs/method.md). Its 1500 steps of Adam at 1e-3 with additive noise
everywhere are in experiments/naive_editor.py, beside ours.
"""

PRESETS = {preset.name: preset for preset in (BALANCED, FAST, PAPER)}


def preset_named(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        OptionError: there is none of that name.
    """
    if name not in PRESETS:
        raise OptionError(f"There is no preset {name!r}; choose from {', '.join(PRESETS)}.")
    return PRESETS[name]
