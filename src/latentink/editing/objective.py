"""Eq. 1, the objective that the editor minimises: one table of its terms.

::

    L = R + λ1·L_recon + λ2·L_perc + λ3·L_adv + λ4·L_tv + λ5·L_acc

:data:`TERMS` maps each term's name to how it is computed, a preset maps the name to the term's
weight (editing/presets.py). The gradient, the report (``Progress.terms``) and the rule that stops
the editor all derive from the terms that have a weight; the others are not computed.

To add a term, write it as a pure function of tensors in losses/, and register it here:

>>> TERMS["saturation"] = Term(lambda view: (view.stego - view.stego.clamp(0, 1)).square().sum())

A preset with ``weights={**BALANCED.weights, "saturation": 10.0}`` then minimises it.

>>> del TERMS["saturation"]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from latentink.codecs.codec import Codec
from latentink.critics.discriminator import Discriminator, load_discriminator
from latentink.critics.lpips import PerceptualLoss
from latentink.editing.cells import Cell
from latentink.errors import OptionError
from latentink.losses.accuracy import AccuracyLoss
from latentink.losses.adversarial import adversarial
from latentink.losses.distortion import squared_error_bits
from latentink.losses.evasion import evasion
from latentink.losses.total_variation import total_variation
from latentink.steganalysis.network_detector import load_detector, logit_difference

Critic = TypeVar("Critic", bound=nn.Module)


@dataclass(frozen=True)
class TileView:
    """What the terms see of a tile. The tensors of the stego are differentiable.

    Attributes:
        cover: (1, 3, h, w) in [0, 1].
        stego: same shape.
        bordered: the stego with a further column on the right and a further row below, where the
            window goes on there, so that the neighbour differences of all tiles are the window's.
        rate: R of the tile (scalar, bits), with rounding relaxed.
        logits: (n,) float32, the message decoder's at the positions that carry; positive = bit 1.
        bits: (n,) of 0.0 and 1.0, what they should read.
        cell: the part that critics look at; None where the objective has none.
        lagrangian: λ1.
        variation_exponent: β of Eq. 4.
        accuracy_loss: the preset's form of L_acc.
    """

    cover: Tensor
    stego: Tensor
    bordered: Tensor
    rate: Tensor
    logits: Tensor
    bits: Tensor
    cell: Cell | None
    lagrangian: float
    variation_exponent: float
    accuracy_loss: AccuracyLoss

    @property
    def pixels(self) -> int:
        """Pixels of the tile, h·w."""
        return self.cover.shape[-2] * self.cover.shape[-1]


@dataclass(frozen=True)
class Term:
    """A term that is computed from the tile.

    Attributes:
        measure: returns its value for a tile (scalar, differentiable, without its weight). The
            values of all tiles are summed, so it should be a sum over pixels, bits or symbols.
    """

    measure: Callable[[TileView], Tensor]


@dataclass(frozen=True)
class CriticTerm(Generic[Critic]):
    """A term that a network computes from one cell of a tile (editing/cells.py).

    Attributes:
        load: returns the frozen network for a codec and the file of a detector to evade (or None);
            returns None where the term does not apply. It is called only if the preset gives the
            term a weight.
        measure: returns a mean over the cell (scalar, differentiable, without its weight), which
            is multiplied by the number of pixels of the tile.
    """

    load: Callable[[Codec, Path | None], Critic | None]
    measure: Callable[[Critic, Cell], Tensor]


def _perceptual(lpips: PerceptualLoss, cell: Cell) -> Tensor:
    return lpips.distance(cell.of_cover(lpips.features), cell.stego)


def _adversarial(discriminator: Discriminator, cell: Cell) -> Tensor:
    return adversarial(discriminator(cell.stego, cell.latent))


def _evasion(detector: nn.Module, cell: Cell) -> Tensor:
    return evasion(logit_difference(detector(cell.stego)))


TERMS: dict[str, Term | CriticTerm[Any]] = {
    "rate": Term(lambda view: view.rate),
    "distortion": Term(lambda view: squared_error_bits(view.cover, view.stego, view.lagrangian)),
    "perceptual": CriticTerm(lambda codec, evade: PerceptualLoss(), _perceptual),
    "adversarial": CriticTerm(
        lambda codec, evade: load_discriminator(codec.name, codec.entropy.fingerprint), _adversarial
    ),
    "variation": Term(lambda view: total_variation(view.bordered, view.variation_exponent)),
    "evasion": CriticTerm(
        lambda codec, evade: None if evade is None else load_detector(evade).network, _evasion
    ),
    "accuracy": Term(lambda view: view.accuracy_loss(view.logits, view.bits)),
}
"""The terms of Eq. 1, and that of losses/evasion.py, by name.

``rate`` and ``distortion`` are in bits already (λ1 is in the latter), so their weights are 1.
"""

_GIVEN_WEIGHTS = {"rate": 1.0, "distortion": 1.0}


def load_critics(
    weights: Mapping[str, float], codec: Codec, evade: Path | None = None
) -> dict[str, nn.Module]:
    """Return the networks that a preset's weights ask for, by the names of their terms.

    Args:
        weights: of a preset.
        codec: whose pictures they judge.
        evade: file of a detector to evade, or None.

    Raises:
        WeightsError: one of them is not there, or belongs to other weights.
        OptionError: a detector is to be evaded, but the preset does not weigh evasion.
    """
    if evade is not None and not weights.get("evasion"):
        raise OptionError(
            "A preset that evades a detector needs a weight for evasion; "
            "add it, or leave evade out."
        )
    critics = {}
    for name, term in TERMS.items():
        if isinstance(term, CriticTerm) and weights.get(name):
            critic = term.load(codec, evade)
            if critic is not None:
                critics[name] = critic
    return critics


def weighed_terms(
    weights: Mapping[str, float], critics: Mapping[str, nn.Module]
) -> dict[str, float]:
    """Return the weights of the terms that are to be computed, in the order of :data:`TERMS`.

    Left out are terms of weight 0 and terms whose critic is not there.

    Example:
        >>> weighed_terms({"perceptual": 16.0, "variation": 0.0, "accuracy": 15.0}, critics={})
        {'rate': 1.0, 'distortion': 1.0, 'accuracy': 15.0}
    """
    given = {**_GIVEN_WEIGHTS, **weights}
    return {
        name: given[name]
        for name, term in TERMS.items()
        if given.get(name) and (name in critics or not isinstance(term, CriticTerm))
    }


def looks_at_cells(names: Iterable[str]) -> bool:
    """Return whether any of these terms looks at a cell instead of the whole tile."""
    return any(isinstance(TERMS[name], CriticTerm) for name in names)


def measure_terms(
    view: TileView, names: Iterable[str], critics: Mapping[str, nn.Module]
) -> dict[str, Tensor]:
    """Return terms of Eq. 1 for a tile, without their weights: name → scalar."""
    return {name: _measure(name, view, critics).float() for name in names}


def _measure(name: str, view: TileView, critics: Mapping[str, nn.Module]) -> Tensor:
    term = TERMS[name]
    if isinstance(term, Term):
        return term.measure(view)
    assert view.cell is not None
    return view.pixels * term.measure(critics[name], view.cell)


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return L (Eq. 1, scalar) of terms and their weights, both by name.

    Example:
        >>> weighted_sum({"rate": torch.tensor(8.0), "accuracy": torch.tensor(2.0)},
        ...              {"rate": 1.0, "accuracy": 15.0})
        tensor(38.)
    """
    return torch.stack([weights[name] * value for name, value in terms.items()]).sum()
