"""LISO hides a bit in every pixel, and says what is wrong with its inputs and files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from latentink.errors import OptionError, OutputError, PictureError, WeightsError
from latentink.methods.liso import JPEG, PLAIN, Liso
from latentink.methods.liso_network import (
    Design,
    LisoNetwork,
    load_liso,
    save_liso,
    saved,
)
from latentink.methods.method import random_bits
from latentink.methods.saving import Floats, Jpeg, Png
from latentink.tensor_files import read_safetensors, write_safetensors
from photos import astronaut


@pytest.fixture(scope="module")
def plain() -> Liso:
    return Liso(Png())


@pytest.fixture(scope="module")
def robust() -> Liso:
    return Liso(weights=JPEG)


def accuracy(method: Liso, data: bytes, bits: np.ndarray) -> float:
    soft = method.extract(method.load(data))
    assert soft.shape == bits.shape
    assert soft.dtype == np.float32
    return float(((soft > 0) == (bits > 0)).mean())


def psnr(cover: np.ndarray, picture: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((picture - cover / 255.0) ** 2)))


def test_png_carries_a_bit_in_every_pixel(plain: Liso) -> None:
    cover = astronaut(20, 150, 128, 160)
    bits = random_bits(plain.bits_shape(cover), 1)
    assert bits.shape == (1, 128, 160)
    stego = plain.embed(cover, bits)
    assert accuracy(plain, stego.data, bits) >= 0.995
    assert psnr(cover, stego.picture) > 33
    again = plain.embed(cover, bits, seed=7)
    assert again.data == stego.data


def test_jpeg_weights_survive_their_own_jpeg_and_plain_ones_do_not(
    plain: Liso, robust: Liso
) -> None:
    cover = astronaut(20, 150, 96, 96)
    bits = random_bits((1, 96, 96), 2)
    stego = robust.embed(cover, bits)
    assert stego.data[:2] == b"\xff\xd8"
    assert accuracy(robust, stego.data, bits) > 0.9
    lost = Liso(Jpeg(50)).embed(cover, bits)
    assert accuracy(plain, lost.data, bits) < 0.7


def test_names_follow_saving_and_weights(plain: Liso, robust: Liso) -> None:
    assert (plain.name, plain.suffix) == ("liso-png", ".png")
    assert (robust.name, robust.suffix) == ("liso-jpeg", ".jpg")
    assert [Liso(Jpeg(q)).name for q in (90, 50)] == ["liso-jpg90", "liso-jpg50"]
    assert Liso(Floats(16)).name == "liso-npy"
    assert Liso(Png(), JPEG).name == "liso-jpeg-png"
    assert isinstance(robust.network.design.saving, Jpeg)
    assert robust.saving == robust.network.design.saving


def test_optimising_stops_where_every_bit_reads(plain: Liso) -> None:
    cover = astronaut(0, 100, 32, 32)
    bits = random_bits((1, 32, 32), 3)
    found = plain.optimise(cover, bits)
    assert 1 <= found.iterations <= plain.iterations
    wanted = (plain.extract(plain.load(plain.saving.encode(found.picture))) > 0) == (bits > 0)
    assert wanted.mean() == pytest.approx(found.accuracy)
    one = Liso(Png(), iterations=1).optimise(cover, bits)
    assert one.iterations == 1
    assert one.accuracy <= found.accuracy
    small = Liso(Png(), iterations=1, step_size=0.1).optimise(cover, bits)
    assert psnr(cover, small.picture) > psnr(cover, one.picture)


@settings(max_examples=8, deadline=None)
@given(
    st.tuples(st.integers(16, 40), st.integers(16, 40)),
    st.integers(0, 2**31),
    st.sampled_from([0, 255, None]),
)
def test_any_size_seed_and_extreme_cover_reads_back(
    size: tuple[int, int], seed: int, level: int | None
) -> None:
    method = Liso(Png())
    cover = astronaut(0, 150, *size) if level is None else np.full((*size, 3), level, np.uint8)
    bits = random_bits(method.bits_shape(cover), seed)
    stego = method.embed(cover, bits)
    assert stego.picture.shape == cover.shape
    assert 0 <= stego.picture.min() <= stego.picture.max() <= 1
    assert accuracy(method, stego.data, bits) > (0.95 if level is None else 0.6)


def test_wrong_inputs_are_sentences(plain: Liso) -> None:
    with pytest.raises(OptionError, match=r"liso-png takes bits of shape \(1, 32, 32\)"):
        plain.embed(astronaut(0, 0, 32, 32), random_bits((1, 32, 31), 0))
    with pytest.raises(OptionError, match="steps, not 0"):
        Liso(Png(), iterations=0)
    with pytest.raises(OptionError, match="step size"):
        Liso(Png(), step_size=float("nan"))
    with pytest.raises(PictureError):
        plain.load(b"nothing")


# ----------------------------------------------------------------------------------- network


def tiny() -> LisoNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LisoNetwork(Design(hidden=4, iterations=3))


def test_steps_in_evaluation_and_training_walk_the_same_path() -> None:
    network = tiny()
    cover = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    bits = torch.randint(2, (2, 1, 20, 24), generator=torch.Generator().manual_seed(1)).float()
    taught = list(network.steps(cover, bits, 3))
    network.eval()
    walked = list(network.steps(cover, bits, 3))
    for (a, b), (c, d) in zip(taught, walked, strict=True):
        torch.testing.assert_close(a, c)
        torch.testing.assert_close(b, d)
    taught[-1][0].square().sum().backward()
    assert network.update.gates.weight.grad is not None
    assert network.update.gates.weight.grad.abs().sum() > 0
    assert walked[-1][0].grad_fn is None


def test_the_optimiser_is_given_the_gradient_of_the_cross_entropy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = tiny().eval()
    cover, bits = torch.full((1, 3, 16, 16), 0.5), torch.ones(1, 1, 16, 16)
    seen: list[Tensor] = []
    update = network.update.forward

    def spy(state: Tensor, context: Tensor, gradient: Tensor, change: Tensor) -> object:
        seen.append(gradient)
        return update(state, context, gradient, change)

    monkeypatch.setattr(network.update, "forward", spy)
    list(network.steps(cover, bits, 1))
    # One grey level, central differences, in float64: the sum of log(1 + exp(-logit)) for ones.
    decoder = network.decoder.double()
    nudge = torch.zeros(1, 3, 16, 16, dtype=torch.float64)
    nudge[0, 1, 8, 8] = 1e-5
    centre = saved(cover, Png()).double()
    ends = [torch.nn.functional.softplus(-decoder(centre + s * nudge)).sum() for s in (1, -1)]
    expected = float((ends[0] - ends[1]).detach()) / 2e-5
    assert float(seen[0][0, 1, 8, 8]) == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("saving", [Png(), Jpeg(80, "4:2:0")], ids=["png", "jpeg"])
def test_what_the_decoder_reads_is_what_the_file_keeps(saving: Png | Jpeg) -> None:
    picture = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    picture.requires_grad_()
    shown = saved(picture, saving)
    array = picture.detach()[0].permute(1, 2, 0).numpy()
    kept = saving.decode(saving.encode(array))
    torch.testing.assert_close(shown.detach()[0].permute(1, 2, 0), torch.from_numpy(kept))
    shown.sum().backward()
    assert torch.equal(picture.grad, torch.ones_like(picture))


def test_a_file_gives_back_network_and_design(tmp_path) -> None:
    with torch.random.fork_rng():
        network = LisoNetwork(Design(2, 8, 5, Jpeg(70, "4:2:2")))
    path = tmp_path / "x.safetensors"
    save_liso(network, path, {"steps": "3"})
    loaded = load_liso(path)
    assert loaded.design == network.design
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    for (name, a), b in zip(network.named_parameters(), loaded.parameters(), strict=True):
        assert torch.equal(a, b), name
    with pytest.raises(OutputError):
        save_liso(network, tmp_path / "nowhere" / "x.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other"}, "does not hold"),
        ({"hidden": "0"}, "hidden = '0'"),
        ({"hidden": "33"}, "shape"),
        ({"iterations": "x"}, "iterations = 'x'"),
        ({"saving": "webp"}, "saving = 'webp'"),
        ({"saving": "jpeg", "quality": "101", "subsampling": "4:4:4"}, "quality = '101'"),
        ({"saving": "jpeg", "quality": "80", "subsampling": "9"}, "subsampling = '9'"),
    ],
)
def test_a_foreign_file_is_a_sentence(change: dict[str, str], sentence: str, tmp_path) -> None:
    tensors, metadata = read_safetensors(PLAIN)
    path = tmp_path / "foreign.safetensors"
    write_safetensors(tensors, metadata | change, path)
    with pytest.raises(WeightsError, match=sentence):
        Liso(Png(), path)


def test_bundled_files_are_small_and_have_cards() -> None:
    for path in (PLAIN, JPEG):
        assert path.stat().st_size < 1_000_000
        assert path.with_suffix(".md").read_text(encoding="utf-8").startswith(f"# {path.stem}")
