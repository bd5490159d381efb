"""SteganoGAN's critic."""

from __future__ import annotations

import pytest
import torch

from latentink.critics.steganogan import BOUND, SteganoGanCritic
from latentink.picture import to_tensor
from photos import astronaut


def test_it_learns_to_tell_pictures_apart_with_bounded_weights() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = SteganoGanCritic(8)
    optimiser = torch.optim.Adam(critic.parameters(), lr=1e-2)
    smooth = to_tensor(astronaut(0, 100, 32, 32))
    noise = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(0))
    rough = (smooth + 0.2 * noise).clamp(0, 1)
    for _ in range(10):
        optimiser.zero_grad()
        (critic(smooth) - critic(rough)).backward()
        optimiser.step()
        critic.clip()
    with torch.no_grad():
        assert float(critic(rough) - critic(smooth)) > 0.02
        assert max(float(p.abs().max()) for p in critic.parameters()) == pytest.approx(BOUND)
