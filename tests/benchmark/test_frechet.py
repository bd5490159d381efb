"""The Fréchet distance: against the textbook's square root, at low rank, and on photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch

from latentink.benchmark import frechet
from latentink.critics.lpips import SOURCES, PerceptualLoss
from latentink.errors import OptionError, WeightsError
from photos import astronaut

RNG = np.random.default_rng(1)
HAS_LPIPS = any(source.find() for source in SOURCES)


def textbook(first: np.ndarray, second: np.ndarray) -> float:
    covariances = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = np.square(first.mean(0) - second.mean(0)).sum()
    return float(shift + np.trace(covariances[0] + covariances[1] - 2 * root))


def test_equals_the_textbook_form_at_full_rank() -> None:
    first = RNG.standard_normal((60, 8))
    second = RNG.standard_normal((90, 8)) @ RNG.standard_normal((8, 8)) + 2

    assert frechet.frechet_distance(first, second) == pytest.approx(textbook(first, second))


def test_known_gaussians_give_the_closed_form() -> None:
    # d² = (μ1 − μ2)² + (σ1 − σ2)² in one dimension.
    first, second = np.array([[0.0], [2.0]]), np.array([[9.0], [13.0]])

    expected = (1 - 11) ** 2 + (np.sqrt(2) - np.sqrt(8)) ** 2
    assert frechet.frechet_distance(first, second) == pytest.approx(expected)


def test_fewer_pictures_than_dimensions_are_no_difficulty() -> None:
    features = RNG.standard_normal((5, 300))

    assert frechet.frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet.frechet_distance(features, features + 1) == pytest.approx(300)


def test_one_picture_is_refused() -> None:
    with pytest.raises(OptionError, match="two pictures"):
        frechet.frechet_distance(np.zeros((1, 4)), np.zeros((3, 4)))


@pytest.mark.skipif(not HAS_LPIPS, reason="needs the weights of LPIPS")
def test_more_noise_is_farther_in_vgg_features() -> None:
    loss = PerceptualLoss()
    covers = [astronaut(top, left, 48, 48) for top, left in ((20, 180), (150, 60), (300, 200))]

    def noisy(deviation: float) -> list[np.ndarray]:
        rng = np.random.default_rng(2)
        return [
            (c + rng.normal(0, deviation, c.shape)).clip(0, 255).round().astype(np.uint8)
            for c in covers
        ]

    photos = frechet.vgg_features(covers, loss)
    assert photos.shape == (3, 512)
    near, far = (
        frechet.frechet_distance(photos, frechet.vgg_features(noisy(deviation), loss))
        for deviation in (2, 40)
    )
    assert 0 < near < far / 4


def test_there_is_no_inception_without_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert frechet.find_inception_weights() is None
    assert frechet.load_inception() is None


def test_weights_of_inception_are_found_in_torch_hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / frechet.INCEPTION_FILES[0]
    file.write_bytes(b"")

    assert frechet.find_inception_weights() == file


def test_named_weights_that_do_not_serve_are_refused(tmp_path: Path) -> None:
    # Without torch-fidelity the package is what is missing.
    with pytest.raises((WeightsError, OptionError)):
        frechet.load_inception(tmp_path / "missing.pth")
