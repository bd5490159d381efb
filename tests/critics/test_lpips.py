"""LPIPS-VGG gives what the packages' own code gives, and its gradient is right.

Reference values: ``stlpips_pytorch`` 0.0.2, ``LPIPS(net="vgg", variant="shift_tolerant")``, and
``lpips`` 0.1.4, ``LPIPS(net="vgg")``, the latter with :func:`random_lpips` put into its trunk and
heads; both called with ``normalize=True`` on the pictures below, torch 2.13 on a CPU, float32.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from latentink.critics import lpips
from latentink.critics.lpips import BLOCKS, LPIPS, ST_LPIPS, PerceptualLoss
from latentink.errors import WeightsError
from photos import astronaut

LPIPS_BLURRED, LPIPS_NOISY = 0.0496210, 0.0406211


def picture(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


def in_8_bits(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def blurred(pixels: np.ndarray) -> np.ndarray:
    """Blur by 1.5 pixels."""
    return in_8_bits(gaussian_filter(pixels.astype(np.float64), (1.5, 1.5, 0)))


def noisy(pixels: np.ndarray) -> np.ndarray:
    """Add noise of 10 grey levels."""
    return in_8_bits(pixels + np.random.default_rng(0).normal(0, 10, pixels.shape))


CROPS = {
    "square": {"height": 64, "width": 64},
    "odd": {"height": 97, "width": 130},
    "other": {"top": 200, "left": 50, "height": 128, "width": 96},
}


@pytest.fixture(scope="module")
def loss() -> PerceptualLoss:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lpips, "SOURCES", (ST_LPIPS,))
        return PerceptualLoss()


def random_lpips() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A trunk under torchvision's names and heads under those of lpips, random."""
    generator = np.random.default_rng(1)
    trunk: dict[str, Tensor] = {}
    before = 3
    for name, after in zip(LPIPS.convolutions, [c for b in BLOCKS for c in b], strict=True):
        weight = generator.standard_normal((after, before, 3, 3), dtype=np.float32)
        trunk[f"{name}.weight"] = torch.from_numpy(weight) * (2 / (9 * before)) ** 0.5
        trunk[f"{name}.bias"] = torch.zeros(after)
        before = after
    heads = {
        f"lin{i}.model.1.weight": torch.from_numpy(
            generator.random((1, block[-1], 1, 1), dtype=np.float32)
        )
        for i, block in enumerate(BLOCKS)
    }
    return trunk, heads


@pytest.fixture
def fake_lpips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``lpips`` first on the path and an empty cache of torch hub; returns the cache."""
    heads = tmp_path / "lpips" / "weights" / "v0.1" / "vgg.pth"
    heads.parent.mkdir(parents=True)
    (tmp_path / "lpips" / "__init__.py").write_text("raise AssertionError('imported')")
    torch.save(random_lpips()[1], heads)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    return checkpoints


@pytest.mark.parametrize(
    ("crop", "change", "value"),
    [
        ("square", blurred, 0.161481),
        ("square", noisy, 0.289457),
        ("odd", blurred, 0.332920),
        ("odd", noisy, 0.252159),
        ("other", blurred, 0.401681),
        ("other", noisy, 0.271529),
    ],
)
def test_shift_tolerant_lpips_is_that_of_its_authors(
    loss: PerceptualLoss, crop: str, change: Callable[[np.ndarray], np.ndarray], value: float
) -> None:
    cover = astronaut(**CROPS[crop])
    assert (loss.name, loss.source) == ("ST-LPIPS-VGG", "stlpips-pytorch")
    assert float(loss(picture(cover), picture(change(cover)))) == pytest.approx(value, abs=1e-4)


def test_lpips_is_that_of_its_authors(fake_lpips: Path) -> None:
    torch.save(random_lpips()[0], fake_lpips / "vgg16-397923af.pth")
    loss = PerceptualLoss()
    assert (loss.name, loss.source) == ("LPIPS-VGG", "lpips")
    cover = astronaut(**CROPS["odd"])
    for change, value in ((blurred, LPIPS_BLURRED), (noisy, LPIPS_NOISY)):
        assert float(loss(picture(cover), picture(change(cover)))) == pytest.approx(value, rel=1e-4)


def test_without_torchvisions_weights_lpips_is_passed_over(fake_lpips: Path) -> None:
    assert PerceptualLoss().name == "ST-LPIPS-VGG"
    assert not list(fake_lpips.iterdir())


def test_equal_pictures_are_at_distance_zero(loss: PerceptualLoss) -> None:
    cover = picture(astronaut(**CROPS["square"]))
    assert float(loss(cover, cover)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("side", [16, 17, 31])
def test_the_smallest_pictures_have_a_distance(loss: PerceptualLoss, side: int) -> None:
    cover = astronaut(height=side, width=16)
    distance = loss(picture(cover), picture(noisy(cover)))
    assert distance.shape == ()
    assert 0 < float(distance) < 1


def test_the_covers_features_are_computed_once(loss: PerceptualLoss) -> None:
    seen: list[Tensor] = []
    first = loss.convolutions[0]
    handle = first.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    cover = picture(astronaut(**CROPS["square"]))
    try:
        features = loss.features(cover)
        assert len(seen) == 1
        distances = [loss.distance(features, cover * factor) for factor in (0.9, 0.8)]
        assert len(seen) == 3
    finally:
        handle.remove()
    assert distances[0] < distances[1]
    assert not any(feature.requires_grad for feature in features)


def test_the_gradient_is_the_slope_along_a_random_direction(loss: PerceptualLoss) -> None:
    pixels = astronaut(height=40, width=48)
    double = copy.deepcopy(loss).double()
    features = double.features(picture(pixels).double())
    stego = picture(noisy(pixels)).double().requires_grad_()
    double.distance(features, stego).backward()
    direction = torch.randn(
        stego.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    # So short that it seldom crosses a kink of the rectifiers and pools.
    step = 1e-8
    with torch.no_grad():
        ends = [double.distance(features, stego + sign * step * direction) for sign in (1, -1)]
    slope = float(ends[0] - ends[1]) / (2 * step)
    assert stego.grad is not None
    assert float((stego.grad * direction).sum()) == pytest.approx(slope, rel=1e-5)
    assert not any(p.requires_grad or p.grad is not None for p in double.parameters())


def test_the_gradient_of_a_block_is_exact_and_does_not_depend_on_its_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(0)
    shape = {"size": (7, 5), "generator": generator, "dtype": torch.float64}
    cover, stego = torch.rand(**shape), torch.rand(**shape).requires_grad_()
    head = torch.rand(5, generator=generator, dtype=torch.float64)
    whole = lpips._BlockDistance.apply(cover, stego, head)
    monkeypatch.setattr(lpips, "_ELEMENTS_AT_A_TIME", 10)
    torch.testing.assert_close(lpips._BlockDistance.apply(cover, stego, head), whole)
    assert torch.autograd.gradcheck(lpips._BlockDistance.apply, (cover, stego, head))


def test_a_position_without_features_has_no_gradient() -> None:
    stego = torch.zeros(3, 4, requires_grad=True)
    distance = lpips._BlockDistance.apply(torch.full((3, 4), 0.5), stego, torch.ones(4))
    distance.backward()
    assert float(distance.detach()) == pytest.approx(1)
    assert torch.equal(stego.grad, torch.zeros(3, 4))


def test_under_autocast_distance_and_gradient_stay_close(loss: PerceptualLoss) -> None:
    pixels = astronaut(**CROPS["square"])
    results = []
    for enabled in (False, True):
        stego = picture(noisy(pixels)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            distance = loss.distance(loss.features(picture(pixels)), stego)
        distance.backward()
        assert distance.dtype == torch.float32
        results.append((float(distance.detach()), stego.grad))
    assert results[1][0] == pytest.approx(results[0][0], rel=0.02)
    exact, rough = (gradient.flatten() for _, gradient in results)
    assert torch.cosine_similarity(exact, rough, dim=0) > 0.98


def test_without_any_package_a_sentence_names_the_one_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lpips, "_package_folder", lambda package: None)
    with pytest.raises(WeightsError, match="pip install stlpips-pytorch"):
        PerceptualLoss()


def test_a_damaged_file_is_named(fake_lpips: Path) -> None:
    trunk = fake_lpips / "vgg16-397923af.pth"
    trunk.write_bytes(b"not weights")
    with pytest.raises(WeightsError, match="vgg16-397923af"):
        PerceptualLoss()
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, trunk)
    with pytest.raises(WeightsError, match=r"lpips misses tensor 'convolutions\.0\.bias'"):
        PerceptualLoss()
