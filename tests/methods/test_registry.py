from __future__ import annotations

import numpy as np
import pytest

from latentink.cli.methods import methods_command
from latentink.errors import OptionError, WeightsError
from latentink.methods.embedding import embed_random
from latentink.methods.entries import MethodEntry, MethodOptions
from latentink.methods.method import SavedMethod, Stego
from latentink.methods.registry import METHODS, load_method
from latentink.methods.saving import Png, eight_bits, from_eight_bits
from photos import astronaut

PAPER_ROWS = {
    *("fnns", "fnns-fp16", "fnns-png", "fnns-jpg90", "fnns-jpg70", "fnns-jpg50"),
    *("fnns-jpg90-train", "fnns-jpg70-train", "fnns-jpg50-train"),
    *("liso-png", "liso-jpg90", "liso-jpg70", "liso-jpg50", "liso-jpeg"),
    *(f"hyperbase-{quality}" for quality in range(3, 9)),
    *(f"elicbase-{quality}" for quality in range(3, 7)),
}


def test_every_row_of_the_paper_has_a_method() -> None:
    assert METHODS.keys() >= PAPER_ROWS


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_name_that_it_is_called_by(name: str) -> None:
    method = load_method(name)
    assert method.name == name
    assert method.suffix.startswith(".")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fnns-mp3", MethodOptions()),
        ("fnns", MethodOptions(depth=9)),
        ("liso-png", MethodOptions(depth=2)),
        ("steghide", MethodOptions(decoder="dense")),
        ("fnns-de", MethodOptions(decoder="robust")),
        ("fnns-r", MethodOptions(decoder="dense")),
        ("fnns-r", MethodOptions(depth=0)),
        ("fnns-png", MethodOptions(decoder="periodic")),
        ("hyperbase-5", MethodOptions(decoder="periodic")),
        ("lsb-matching", MethodOptions(depth=0)),
        ("fnns-jpg90", MethodOptions(subsampling="4:1:1")),
    ],
)
def test_what_does_not_go_together_is_refused(name: str, options: MethodOptions) -> None:
    with pytest.raises((OptionError, WeightsError)):
        load_method(name, options)


class EvenSum(SavedMethod):
    """Keeps the parity of red and green together in the lowest bit of green."""

    name = "even-sum"
    saving = Png()

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        return (1, *cover.shape[:2])

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        pixels = cover.copy()
        pixels[..., 1] ^= ((pixels[..., 0] ^ pixels[..., 1]) & 1) ^ bits[0]
        return self.load(self.saving.encode(from_eight_bits(pixels)))

    def extract(self, stego: Stego) -> np.ndarray:
        pixels = eight_bits(stego.picture)
        return ((pixels[..., 0] ^ pixels[..., 1]) & 1)[None] * np.float32(2) - 1


def test_a_method_is_added_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = MethodEntry("even-sum", "a test", "parity of two colours", lambda options: EvenSum())
    monkeypatch.setitem(METHODS, "even-sum", entry)
    methods_command()
    assert "even-sum" in capsys.readouterr().out
    _, report = embed_random(load_method("even-sum"), astronaut(height=32, width=40), seed=1)
    assert report.raw_accuracy == 1
    with pytest.raises(OptionError, match="no choice of data depth"):
        load_method("even-sum", MethodOptions(depth=2))
