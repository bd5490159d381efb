"""The stand-in for learned codecs."""

from __future__ import annotations

import pytest
import torch
from torch import Generator

from latentink.message_decoders.distortion import Distortion, blur


def seeded() -> Generator:
    return torch.Generator().manual_seed(0)


def test_blur_keeps_the_mean_and_zero_keeps_the_picture() -> None:
    picture = torch.rand(2, 3, 40, 40, generator=seeded())
    blurred = blur(picture, torch.tensor([0.0, 1.5]))
    torch.testing.assert_close(blurred[0], picture[0])
    assert blurred[1].std() < 0.5 * picture[1].std()
    torch.testing.assert_close(blurred[1].mean(), picture[1].mean(), atol=5e-3, rtol=0)


def test_the_distortion_is_differentiable_rounded_and_repeatable() -> None:
    stego = torch.rand(3, 3, 24, 24, generator=seeded()).requires_grad_()
    distort = Distortion(blur=1.0, colour_blur=0.0, noise=4.0)
    shown = distort(stego, seeded())
    shown.square().sum().backward()
    assert stego.grad is not None
    assert stego.grad.abs().mean() > 0
    torch.testing.assert_close(shown * 255, (shown * 255).round(), atol=1e-3, rtol=0)
    assert torch.equal(distort(stego, seeded()), shown)


def test_a_quarter_of_the_pictures_are_left_sharp_and_a_quarter_without_noise() -> None:
    picture = torch.rand(400, 1, 24, 24, generator=seeded()).expand(-1, 3, -1, -1)
    levels = (picture * 255).round() / 255
    for distort in (Distortion(5.0, 0.0, 0.0), Distortion(0.0, 0.0, 100.0)):
        changed = (distort(levels, seeded()) - levels).abs().amax((1, 2, 3)) > 1 / 510
        # The weakest of the others change nothing that 8 bits show.
        assert float(changed.float().mean()) == pytest.approx(0.72, abs=0.08)


def test_colour_is_blurred_apart_from_grey() -> None:
    distort = Distortion(blur=0.0, colour_blur=2.0, noise=0.0)
    picture = 0.4 + 0.2 * torch.rand(1, 3, 40, 40, generator=seeded())
    shown = distort(picture, seeded())
    torch.testing.assert_close(shown.mean(1), picture.mean(1), atol=3e-3, rtol=0)
    assert (shown - shown.mean(1, keepdim=True)).std() < 0.3 * picture.std()
