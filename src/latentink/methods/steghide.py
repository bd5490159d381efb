"""Steghide, the tool that many users reach for today: runs the program itself on a JPEG.

Hetzl and Mutzel, "A graph-theoretic approach to steganography", CMS 2005. Version 0.5.1 of 2003,
which Debian ships, is still the newest. It puts one bit into three coefficients and mostly swaps
values instead of changing them.

The program is not deterministic: the same passphrase and bits mostly give a different file each
time, some tens of bytes longer or shorter, and no option changes that.
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
"""Bits of the program's header with neither encryption nor compression nor a file name: mark,
version, ciphers, length, checksum. Measured: the longest data that it takes fits this exactly."""


@dataclass(frozen=True)
class Steghide(SavedMethod):
    """Runs ``steghide`` on a JPEG that Pillow wrote and fills it to the last byte.

    The bits are random, so they are neither encrypted nor compressed; steghide's checksum is on.

    Attributes:
        saving: quality and subsampling of the JPEG.
        passphrase: decides where the bits go, so the receiver needs it too. It is passed on the
            program's command line, where other users of the machine can see it.
    """

    saving: Jpeg = QUALITY_90
    passphrase: str = "latentink"
    name = "steghide"

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (n,), where n is the bits in all whole bytes that fit after the program's header.

        Three non-zero coefficients hold one bit, DC and colour included; ``steghide info`` prints
        the whole bytes of that as capacity.
        """
        jpeg = read_coefficients(self.plain(cover).data)
        used = sum(int(np.count_nonzero(plane)) for plane in (jpeg.Y, jpeg.Cb, jpeg.Cr))
        return (max(0, (used // COEFFICIENTS_PER_BIT - HEADER_BITS) // 8 * 8),)

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a JPEG that carries ``bits``; the program takes no seed.

        Raises:
            OptionError: the bits are of another shape, the cover is too small, the program is
                missing, or it refuses the cover.
        """
        self.check_bits(cover, bits)
        if bits.size == 0:
            raise OptionError(
                "This cover is too small or too flat for steghide; take another photo."
            )
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
                raise OptionError(
                    f"Steghide refuses this cover ({_reason(done)}); take another photo."
                )
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
                raise MessageNotFoundError(
                    f"Steghide finds no message ({_reason(done)}); check the password and the file."
                )
            packed = np.frombuffer(message.read_bytes(), dtype=np.uint8)
        return np.unpackbits(packed).astype(np.float32) * 2 - 1


def available() -> bool:
    """Return whether the program is installed."""
    return shutil.which(PROGRAM) is not None


def _run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command of steghide that asks no questions and may overwrite files."""
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
    """Return the last line of the program's error output, without its name."""
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
