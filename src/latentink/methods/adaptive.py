"""Content-adaptive embedding as in the steganalysis literature: S-UNIWARD, HILL, J-UNIWARD, nsF5.

Each assigns a cost to a change of every pixel or coefficient, by the texture around it (nsF5: the
same cost to all). The optimal coder then changes a place by +1 with probability exp(−λρ⁺)/Z and by
−1 with exp(−λρ⁻)/Z, where Z = 1 + exp(−λρ⁺) + exp(−λρ⁻) and λ is chosen so that the entropy of all
changes is the payload: the payload-limited sender of Filler, Judas and Fridrich, "Minimizing
additive distortion in steganography using syndrome-trellis codes", IEEE TIFS 2011. The costs are
conseal's. As usual in the field only the changes are simulated; there are no bits in the file.

S-UNIWARD and HILL change the three colour channels of a PNG, all with one λ, so that the payload
goes where it costs least. J-UNIWARD and nsF5 change the luminance coefficients of a JPEG and leave
colour alone. The JPEG is written with the standard Huffman tables, Pillow's default, so that the
sizes of cover and stego can be compared.
"""

from __future__ import annotations

import tempfile
import warnings
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentink.errors import OptionError
from latentink.methods.entries import MethodEntry
from latentink.methods.method import SavedMethod, Stego
from latentink.methods.saving import Jpeg, Png, from_eight_bits

if TYPE_CHECKING:
    from jpeglib import DCTJPEG

QUALITY_90 = Jpeg(90)
# Two cost maps, of a change by +1 and by −1.
Costs = tuple[np.ndarray, np.ndarray]

_CHANNELS = 3
# How far the payload at the λ found may be from the payload asked for, as a share of it.
_PAYLOAD_TOLERANCE = 0.01


class _Simulated(SavedMethod):
    """Changes a picture like a coder with a payload at some rate."""

    simulated = True
    rate: float

    def extract(self, stego: Stego) -> np.ndarray:
        """Raise OptionError: there is nothing to extract.

        Raises:
            OptionError: always.
        """
        raise OptionError(
            f"{self.name} is only simulated: its file holds the changes of a message, "
            "but no message to extract; take another method."
        )

    def _check_payload(self, cover: np.ndarray, bits: np.ndarray) -> None:
        self.check_bits(cover, bits)
        if bits.size == 0:
            raise OptionError(
                f"This cover is too small or too flat for {self.name} at a rate of {self.rate:g}; "
                "take another photo."
            )


@dataclass(frozen=True)
class _PixelSimulator(_Simulated):
    """Changes of ±1 in the pixels of a PNG.

    Attributes:
        rate: payload in bits per pixel, all three channels together, above 0 and up to 3.

    Raises:
        OptionError: the rate is out of range.
    """

    rate: float = 0.4
    saving = Png()

    def __post_init__(self) -> None:
        """Refuse a rate out of range."""
        _check_rate(self.name, self.rate, _CHANNELS, "pixel")

    @abstractmethod
    def _costs(self, channel: np.ndarray) -> Costs:
        """Return the costs (H, W) of one colour channel (H, W) uint8."""

    def costs(self, cover: np.ndarray) -> Costs:
        """Return the costs of +1 and of −1, each (3, H, W), of ``cover`` (H, W, 3) uint8."""
        channels = [
            self._costs(np.ascontiguousarray(cover[..., index])) for index in range(_CHANNELS)
        ]
        rising, falling = zip(*channels, strict=True)
        return np.stack(rising), np.stack(falling)

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (n,), where n is the rate times the number of pixels."""
        return (round(self.rate * cover.shape[0] * cover.shape[1]),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a PNG with the changes of a payload of this length; the bits' values do not count.

        Raises:
            OptionError: the bits are of another shape, or the cover is too flat.
        """
        self._check_payload(cover, bits)
        changes = optimal_changes(self.costs(cover), bits.size, cover.size, seed)
        pixels = (cover + changes.transpose(1, 2, 0)).astype(np.uint8)
        return self.load(self.saving.encode(from_eight_bits(pixels)))


class SUniward(_PixelSimulator):
    """S-UNIWARD: a change costs its relative effect on the cover's wavelet coefficients.

    Holub, Fridrich and Denemark, "Universal distortion function for steganography in an arbitrary
    domain", EURASIP J. Inf. Security 2014.
    """

    name = "s-uniward"

    def _costs(self, channel: np.ndarray) -> Costs:
        from conseal import suniward

        costs: Costs = suniward.compute_cost_adjusted(x0=channel)
        return costs


class Hill(_PixelSimulator):
    """HILL: a high-pass filter finds texture, and two low-pass filters spread it.

    Li, Wang, Huang and Li, "A new cost function for spatial image steganography", ICIP 2014.
    """

    name = "hill"

    def _costs(self, channel: np.ndarray) -> Costs:
        from conseal import hill

        rising, falling = hill.compute_cost_adjusted(x0=channel)
        return rising.astype(np.float64), falling.astype(np.float64)


@dataclass(frozen=True)
class _JpegSimulator(_Simulated):
    """Changes of ±1 in the luminance coefficients of a JPEG.

    Attributes:
        rate: payload in bits per non-zero luminance AC coefficient, above 0 and up to 1.
        saving: quality and subsampling of the JPEG.

    Raises:
        OptionError: the rate is out of range.
    """

    rate: float = 0.4
    saving: Jpeg = QUALITY_90

    def __post_init__(self) -> None:
        """Refuse a rate out of range."""
        _check_rate(self.name, self.rate, 1, "AC coefficient")

    @abstractmethod
    def _changed(self, jpeg: DCTJPEG, bits: int, seed: int) -> np.ndarray:
        """Return luminance coefficients (rows, columns, 8, 8) with a payload of ``bits`` bits."""

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (n,): the rate times the number of non-zero luminance AC coefficients."""
        return (self._payload(read_coefficients(self.plain(cover).data)),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a JPEG with the changes of a payload of this length; the values do not count.

        Raises:
            OptionError: the bits are of another shape, or the cover is too flat.
        """
        self._check_payload(cover, bits)
        jpeg = read_coefficients(self.plain(cover).data)
        jpeg.Y = self._changed(jpeg, bits.size, seed)
        return self.load(write_coefficients(jpeg))

    def _payload(self, jpeg: DCTJPEG) -> int:
        from conseal.tools import nzAC

        return round(self.rate * int(nzAC(jpeg.Y)))


class JUniward(_JpegSimulator):
    """J-UNIWARD: S-UNIWARD's cost for changes of JPEG coefficients.

    Holub, Fridrich and Denemark 2014, as :class:`SUniward`; the costs are those of the authors' own
    implementation.
    """

    name = "j-uniward"

    def costs(self, jpeg: DCTJPEG) -> Costs:
        """Return the costs of +1 and −1 in luminance coefficients, (rows, columns, 8, 8) each."""
        from conseal import juniward

        costs: Costs = juniward.compute_cost_adjusted(
            x0=decoded_luminance(jpeg), y0=jpeg.Y, qt=jpeg.get_component_qt(0)
        )
        return costs

    def _changed(self, jpeg: DCTJPEG, bits: int, seed: int) -> np.ndarray:
        from conseal.tools import nzAC

        changed: np.ndarray = jpeg.Y + optimal_changes(
            self.costs(jpeg), bits, int(nzAC(jpeg.Y)), seed
        )
        return changed


class NsF5(_JpegSimulator):
    """nsF5: moves AC coefficients by one towards zero, all at the same cost, at the coding bound.

    Fridrich, Pevný and Kodovský, "Statistically undetectable JPEG steganography: dead ends,
    challenges, and opportunities", ACM MM&Sec 2007.
    """

    name = "nsf5"

    def _changed(self, jpeg: DCTJPEG, bits: int, seed: int) -> np.ndarray:
        from conseal import nsF5
        from conseal.tools import inv_entropy

        # The default tolerance of 1e-4 would be a tenth of the change rate at a rate of 0.01.
        efficiency = self.rate / inv_entropy(self.rate, xtol=1e-10)
        # conseal seeds NumPy's old generator, which takes 32 bits.
        state = int(np.random.SeedSequence(seed).generate_state(1)[0])
        changed: np.ndarray = nsF5.simulate_single_channel(
            y0=jpeg.Y, alpha=self.rate, e=efficiency, seed=state
        )
        return changed


def optimal_changes(costs: Costs, bits: int, places: int, seed: int) -> np.ndarray:
    """Return the changes −1, 0 and 1 (int8, shape of the costs) of the optimal ternary coder.

    It does what ``conseal.simulate.ternary`` does, and checks the λ found.

    Args:
        costs: of +1 and of −1, 0 or more, both of the same shape.
        bits: payload, at least 1.
        places: number of places by which conseal counts the rate: pixel values, or non-zero AC
            coefficients.
        seed: of the draw.

    Raises:
        OptionError: no λ gives this payload, because the cover is too flat.
    """
    from conseal.simulate import (
        average_payload,
        calc_lambda,
    )

    with warnings.catch_warnings():
        # conseal warns if its search fails; the check of the payload below says so instead.
        warnings.simplefilter("ignore", RuntimeWarning)
        weight = calc_lambda(
            rhos=costs,
            m=bits,
            n=places,
            objective=average_payload,
            alpha_max=max(1.0, bits / places + 0.1),
        )
    (rising, falling), payload = average_payload(lbda=weight, rhos=costs)
    if abs(payload - bits) > _PAYLOAD_TOLERANCE * bits:
        raise OptionError(
            f"This cover is too flat: no changes were found that carry {bits} bits; "
            "take another photo."
        )
    draw = np.random.default_rng(seed).random(rising.shape)
    changes = np.zeros(rising.shape, dtype=np.int8)
    changes[draw < rising] = 1
    changes[(draw >= rising) & (draw < rising + falling)] = -1
    return changes


def decoded_luminance(jpeg: DCTJPEG) -> np.ndarray:
    """Return the luminance of all whole blocks, float64 with integer values 0 to 255."""
    from conseal.tools import decompress_channel

    exact: np.ndarray = decompress_channel(jpeg.Y, jpeg.get_component_qt(0))
    return np.round(exact).clip(0, 255)


def read_coefficients(data: bytes) -> DCTJPEG:
    """Return the quantised coefficients Y, Cb, Cr, each (rows, columns, 8, 8) int16, of a JPEG.

    The JPEG must have been decoded before: a damaged one may make libjpeg end the process.
    """
    import jpeglib

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cover.jpg")
        path.write_bytes(data)
        jpeg = jpeglib.read_dct(str(path))
        jpeg.load()
    return jpeg


def write_coefficients(jpeg: DCTJPEG) -> bytes:
    """Return the bytes of a JPEG of these coefficients, with the standard Huffman tables.

    If the coefficients are unchanged, the file is as long as Pillow's and differs only in numbering
    the components from 0 instead of 1.
    """
    # libjpeg writes a JFIF marker of its own; the one that was read would be a second.
    jpeg.markers = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stego.jpg")
        jpeg.write_dct(str(path))
        return path.read_bytes()


def _check_rate(name: str, rate: float, most: float, place: str) -> None:
    if not 0 < rate <= most:
        raise OptionError(f"{name} takes a rate above 0 and up to {most} bits per {place}.")


_HOLUB = "Holub, Fridrich, Denemark 2014; conseal, simulated"

ENTRIES = (
    MethodEntry("s-uniward", _HOLUB, "least wavelet distortion, PNG", lambda options: SUniward()),
    MethodEntry(
        "hill",
        "Li et al. 2014; conseal, simulated",
        "high-pass costs, PNG",
        lambda options: Hill(),
    ),
    MethodEntry(
        "j-uniward",
        _HOLUB,
        "least wavelet distortion, JPEG 90",
        lambda options: JUniward(saving=Jpeg(90, options.subsampling)),
    ),
    MethodEntry(
        "nsf5",
        "Fridrich, Pevný, Kodovský 2007; conseal, simulated",
        "F5 without shrinkage, JPEG 90",
        lambda options: NsF5(saving=Jpeg(90, options.subsampling)),
    ),
)
