"""Steghide: what a user reaches for today; the program itself hides the bits in a JPEG.

Hetzl and Mutzel, "A graph-theoretic approach to steganography", CMS 2005. Version 0.5.1 of 2003
is still the newest and Debian's. It carries one bit in three coefficients and mostly swaps values
instead of changing them.

The program does not repeat itself: the same passphrase and bits mostly give other bytes each time,
some tens of bytes apart in size, and it has no option against that.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentink.errors import MessageNotFoundError, OptionError
from latentink.methods.adaptive import QUALITY_90, read_coefficients
from latentink.methods.entries import MethodEntry
from latentink.methods.method import SavedMethod, Stego
from latentink.methods.saving import Jpeg

PROGRAM = "steghide"
COEFFICIENTS_PER_BIT = 3
HEADER_BITS = 107
"""What the program adds to data that it neither encrypts nor compresses nor names: its mark,
version, ciphers, length and checksum. Measured: the longest data taken fits this exactly."""


@dataclass(frozen=True)
class Steghide(SavedMethod):
    """Runs ``steghide`` on a JPEG as Pillow writes it, filled to the last byte.

    Neither encrypted nor compressed, since the bits are random already; with steghide's checksum.

    Attributes:
        saving: quality and subsampling of the JPEG.
        passphrase: places the bits; the receiver needs it as well. It is handed over on the
            program's command line, where other users of the machine see it.
    """

    saving: Jpeg = QUALITY_90
    passphrase: str = "latentink"
    name = "steghide"

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (n,): all whole bytes that the program takes after its own header.

        Every three coefficients that are not zero hold a bit, DC and colour included; the whole
        bytes of that are the capacity that ``steghide info`` prints.
        """
        jpeg = read_coefficients(self.plain(cover).data)
        used = sum(int(np.count_nonzero(plane)) for plane in (jpeg.Y, jpeg.Cb, jpeg.Cr))
        return (max(0, (used // COEFFICIENTS_PER_BIT - HEADER_BITS) // 8 * 8),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a JPEG that carries ``bits``; the seed cannot reach the program.

        Raises:
            OptionError: the bits are of another shape, the cover holds none, the program is
                missing, or it refuses.
        """
        self.check_bits(cover, bits)
        if bits.size == 0:
            raise OptionError("This cover is too small or too flat for steghide.")
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, name) for name in ("cover.jpg", "message.bin", "stego.jpg")]
            source, message, target = paths
            source.write_bytes(self.plain(cover).data)
            message.write_bytes(np.packbits(bits).tobytes())
            done = _run(
                *("embed", "-cf", source, "-ef", message, "-sf", target, "-p", self.passphrase),
                *("-e", "none", "-Z", "-N"),
            )
            if done.returncode != 0:
                raise OptionError(f"Steghide refuses this cover ({_reason(done)}).")
            return self.load(target.read_bytes())

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the bits in ``stego.data`` as −1 and 1, float32 of shape (n,).

        Raises:
            MessageNotFoundError: the file carries nothing under this passphrase, or is damaged.
            OptionError: the program is missing.
        """
        with tempfile.TemporaryDirectory() as folder:
            source, message = Path(folder, "stego.jpg"), Path(folder, "message.bin")
            source.write_bytes(stego.data)
            done = _run("extract", "-sf", source, "-xf", message, "-p", self.passphrase)
            if done.returncode != 0 or not message.exists():
                raise MessageNotFoundError(f"Steghide finds no message ({_reason(done)}).")
            packed = np.frombuffer(message.read_bytes(), dtype=np.uint8)
        return np.unpackbits(packed).astype(np.float32) * 2 - 1


def available() -> bool:
    """Return whether the program is installed."""
    return shutil.which(PROGRAM) is not None


def _run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command of steghide that asks nothing; both embed and extract may overwrite."""
    if not available():
        raise OptionError(
            "The program steghide is not installed; it is Debian's and Ubuntu's package steghide."
        )
    return subprocess.run(
        [PROGRAM, command, "-q", "-f", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the program's own last line, without its name."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix(f"{PROGRAM}: ").rstrip(".!") if lines else "no reason given"


ENTRIES = (
    MethodEntry(
        "steghide",
        "Hetzl 2003",
        "graph matching, JPEG 90",
        lambda options: Steghide(saving=Jpeg(90, options.subsampling)),
    ),
)
