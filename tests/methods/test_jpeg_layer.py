from __future__ import annotations

import numpy as np
import pytest
import torch

from latentink.errors import OptionError
from latentink.methods.jpeg_layer import jpeg_straight_through, soft_jpeg
from latentink.methods.saving import Jpeg, from_eight_bits
from latentink.picture import to_tensor
from photos import astronaut


def _through_pillow(saving: Jpeg) -> torch.Tensor:
    decoded = saving.decode(saving.encode(from_eight_bits(astronaut())))
    return torch.from_numpy(decoded.transpose(2, 0, 1).copy())[None]


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
@pytest.mark.parametrize("quality", [90, 50])
def test_smooth_jpeg_is_near_the_real_one(quality: int, subsampling: str) -> None:
    saving = Jpeg(quality, subsampling)
    cover, real = to_tensor(astronaut()), _through_pillow(saving)
    off = (soft_jpeg(cover, saving) - real).square().mean()
    assert off < 0.25 * (cover - real).square().mean()


def test_straight_through_is_the_real_one_forwards_and_the_identity_backwards() -> None:
    saving = Jpeg(70)
    cover = to_tensor(astronaut()).requires_grad_()
    stego = jpeg_straight_through(cover, saving)
    assert torch.allclose(stego, _through_pillow(saving), atol=1e-6)
    weights = torch.from_numpy(np.random.default_rng(0).random((3, 256, 256), dtype=np.float32))
    (stego[0] * weights).sum().backward()
    assert cover.grad is not None
    assert torch.equal(cover.grad[0], weights)


def test_gradient_of_the_smooth_one_points_downhill() -> None:
    saving = Jpeg(90)
    cover = to_tensor(astronaut())[..., :64, :64]
    target = cover.roll(3, dims=-1)

    def loss(picture: torch.Tensor) -> torch.Tensor:
        return (soft_jpeg(picture, saving) - target).square().mean()

    start = cover.clone().requires_grad_()
    before = loss(start)
    before.backward()
    assert start.grad is not None
    step = 0.01 * start.grad / start.grad.abs().max()
    assert loss((start - step).detach()) < before


def test_a_subsampling_without_a_smooth_version_is_refused() -> None:
    with pytest.raises(OptionError, match="4:2:2"):
        soft_jpeg(to_tensor(astronaut()), Jpeg(90, "4:2:2"))
