"""ELIC's entropy model: the space-channel context model of context.py in exact arithmetic.

A symbol is v less its mean, rounded: symbol = round(v − μ) and v̂ = symbol + μ. Means and scales
follow from ẑ and from the values that were decoded before. All of these lie on the grid of
fixed_point.py, so that sender and receiver compute the same means and scales to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from latentink.codecs.elic.groups import anchor_places, elic_groups
from latentink.codecs.entropy_model import Chooser, EntropyModel, Latents, nearest
from latentink.codecs.fixed_point import ACTIVATION_UNIT, FixedPointSequence
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.registry import CodecSpec
from latentink.codecs.stored_networks import chain, network_arrays, transposed
from latentink.errors import unfit_weights

CONTEXT_NETWORKS = ("channel_context", "spatial_context", "aggregation")

_Symbols = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Gives the symbols of a pass: (means, rows) → symbols, each (C, n), at n positions."""


class ElicEntropyModel(EntropyModel):
    """The context model; its side information is what h_s returns.

    The widths of its networks follow from the tensors, because CompressAI's two variants of ELIC
    have different ones.

    Attributes:
        groups: Channels of each group.
    """

    def __init__(
        self,
        spec: CodecSpec,
        tensors: Mapping[str, np.ndarray],
        fingerprint: bytes,
        origin: str,
    ) -> None:
        """Build the model from a weights file, which errors call ``origin``.

        Raises:
            WeightsError: A tensor is missing, surplus or of another shape.
        """
        super().__init__(spec, tensors, fingerprint)
        self.groups = elic_groups(self.latent_channels)
        self._h_s, side = _hyper_synthesis(tensors, self.hyper_channels, f"{origin}, h_s")
        self._channel: list[FixedPointSequence] = []
        self._spatial: list[FixedPointSequence] = []
        self._aggregation: list[FixedPointSequence] = []
        for k, group in enumerate(self.groups):
            named = [self._spatial, self._aggregation]
            ends = [
                ("spatial_context", group),
                ("aggregation", 2 * group * (2 if k > 0 else 1) + side),
            ]
            if k > 0:
                named.append(self._channel)
                ends.append(("channel_context", sum(self.groups[:k])))
            for networks, (name, entry) in zip(named, ends, strict=True):
                place = f"{origin}, {name}.{k}"
                networks.append(
                    FixedPointSequence(chain(tensors, f"{name}.{k}", entry, 2 * group, place))
                )

    def side(self, z: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return what h_s makes of ẑ for the context model: (C, h, w) float64."""
        return self._h_s(self._hyper_latent(z))[:, : size[0], : size[1]]

    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return ten passes: for each group its anchors, then its other positions."""
        places = np.arange(np.prod(shape)).reshape(shape)
        anchors = anchor_places(shape[1], shape[2])
        parts, start = [], 0
        for group in self.groups:
            for mask in (anchors, ~anchors):
                parts.append(places[start : start + group][:, mask].ravel())
            start += group
        return parts

    def quantise(
        self,
        v: np.ndarray,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: np.ndarray | None = None,
    ) -> Latents:
        """Return latents with the symbols that ``choose`` makes of v − μ; see the base class."""
        side = self.side(z, (v.shape[-2], v.shape[-1])) if side is None else side
        flat = v.reshape(-1)
        passes = iter(self.passes(v.shape))

        def symbols_of(means: np.ndarray, rows: np.ndarray) -> np.ndarray:
            places = next(passes)
            values = flat[places].astype(np.float64) - means.ravel()
            return choose(places, values, rows.ravel()).reshape(means.shape)

        return self._latents(symbols_of, z, side, quality_code)

    def _decode_latent(
        self, decoder: Decoder, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        def symbols_of(means: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return decoder.read(rows, self._gaussian)

        return self._latents(symbols_of, z, self.side(z, size), quality_code)

    def _latents(
        self, symbols_of: _Symbols, z: np.ndarray, side: np.ndarray, quality_code: int
    ) -> Latents:
        """Return the latents whose symbols ``symbols_of`` gives, pass by pass."""
        size = side.shape[1:]
        shape = self.latent_channels, *size
        y, table_rows = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.uint8)
        values = np.zeros(shape)
        anchors = anchor_places(*size)
        start = 0
        for k, group in enumerate(self.groups):
            known = [side]
            if k > 0:
                known.insert(0, self._channel[k - 1](values[:start]))
            own = slice(start, start + group)
            start += group
            for mask in (anchors, ~anchors):
                # The others see the anchors of the group; those see zeros.
                context = np.zeros((2 * group, *size))
                if mask is not anchors:
                    context = self._spatial[k](values[own])
                means, units = self._parameters(k, [context, *known], mask)
                rows = self.table_rows(units)
                symbols = symbols_of(means, rows)
                y[own][:, mask] = symbols
                table_rows[own][:, mask] = rows
                values[own][:, mask] = symbols + means
        return Latents(y, z, quality_code, values.astype(np.float32), table_rows)

    def _parameters(
        self, k: int, parts: list[np.ndarray], mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return means, and scales in units of the grid, each (C, n), where the mask is true."""
        network = self._aggregation[k]
        if network.pointwise:
            seen = np.concatenate([part[:, mask] for part in parts])
            units = network.units(seen[:, None])[:, 0]
        else:
            units = network.units(np.concatenate(parts))[:, mask]
        scales, means = np.split(units, 2)
        return means * ACTIVATION_UNIT, scales


def _hyper_synthesis(
    tensors: Mapping[str, np.ndarray], channels: int, origin: str
) -> tuple[FixedPointSequence, int]:
    """Return ELIC's h_s, transposed convolutions of 5×5, 5×5 and 3×3, and its channels C."""
    own = network_arrays(tensors, "h_s", ("0", "2", "4"), origin)
    widths = [channels]
    for layer in ("0", "2", "4"):
        if own[f"{layer}.weight"].ndim != 4:
            raise unfit_weights(
                f"{origin}: tensor '{layer}.weight' has {own[f'{layer}.weight'].ndim} dimensions"
            )
        widths.append(own[f"{layer}.weight"].shape[1])
    network = FixedPointSequence(
        [
            transposed(own, "0", (widths[0], widths[1], 5), origin, stride=2, rectified=True),
            transposed(own, "2", (widths[1], widths[2], 5), origin, stride=2, rectified=True),
            transposed(own, "4", (widths[2], widths[3], 3), origin, stride=1, rectified=False),
        ]
    )
    return network, widths[3]
