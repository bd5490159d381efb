"""The scale hyperprior's entropy model: the scales of all symbols follow from ẑ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from latentink.codecs.entropy_model import Chooser, EntropyModel, Latents, nearest
from latentink.codecs.fixed_point import FixedPointSequence
from latentink.codecs.rans.decoder import Decoder
from latentink.codecs.registry import CodecSpec
from latentink.codecs.stored_networks import convolution, network_arrays, transposed


class HyperpriorEntropyModel(EntropyModel):
    """One scale for each symbol; its side information is the symbol's row of the Gaussian table."""

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
        channels, place = self.hyper_channels, f"{origin}, h_s"
        own = network_arrays(tensors, "h_s", ("0", "2", "4"), place)
        self._h_s = FixedPointSequence(
            [
                transposed(own, "0", (channels, channels, 5), place, stride=2, rectified=True),
                transposed(own, "2", (channels, channels, 5), place, stride=2, rectified=True),
                convolution(own, "4", (self.latent_channels, channels, 3), place, rectified=True),
            ]
        )
        # The first files were coded with scales in single precision, which moves the widest rows.
        levels = self.scales.astype(np.float32).astype(np.float64)
        self._coded_rows = self._row_of(levels)

    def side(self, z: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return the row of the Gaussian table for each symbol, (M, h, w) uint8."""
        rows = self._h_s.units(
            self._hyper_latent(z), lambda units: self._coded_rows.take(self.table_rows(units))
        )
        return rows[:, : size[0], : size[1]]

    def passes(self, shape: tuple[int, ...]) -> list[np.ndarray]:
        """Return a single pass, because no symbol's distribution depends on other symbols."""
        return [np.arange(np.prod(shape), dtype=np.int32)]

    def by_pass(self, array: np.ndarray) -> list[np.ndarray]:
        """Return the entries of ``array`` (M, h, w) in their order; see the base class."""
        return [array.reshape(-1)]

    def quantise(
        self,
        v: np.ndarray,
        z: np.ndarray,
        quality_code: int,
        choose: Chooser = nearest,
        side: np.ndarray | None = None,
    ) -> Latents:
        """Return latents with the symbols that ``choose`` makes of v; see the base class."""
        rows = self.side(z, (v.shape[-2], v.shape[-1])) if side is None else side
        y = choose(self.passes(v.shape)[0], v.reshape(-1), rows.reshape(-1))
        return _latents(y.astype(np.int32).reshape(v.shape), z, quality_code, rows)

    def _decode_latent(
        self, decoder: Decoder, z: np.ndarray, size: tuple[int, int], quality_code: int
    ) -> Latents:
        rows = self.side(z, size)
        return _latents(decoder.read(rows, self._gaussian), z, quality_code, rows)


def _latents(y: np.ndarray, z: np.ndarray, quality_code: int, rows: np.ndarray) -> Latents:
    """Return latents whose means are 0."""
    return Latents(y, z, quality_code, y.astype(np.float32), rows)
