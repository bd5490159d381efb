"""What a codec makes of pictures without a file."""

from __future__ import annotations

import torch

from latentink.codecs.codec import Codec
from latentink.codecs.reconstruction import receive, reconstruct
from latentink.picture import to_tensor
from photos import astronaut


def test_a_batch_is_nearly_what_the_receiver_gets(codec: Codec) -> None:
    picture = to_tensor(astronaut())[..., :128, :192]
    crops = torch.cat([picture[..., :128], picture[..., 64:]])
    quality_codes = [codec.quality_code(quality) for quality in (4, 7.5)]
    latents, made = reconstruct(codec, crops, quality_codes)
    for row, code in enumerate(quality_codes):
        latent, received = receive(codec, crops[row : row + 1], code)
        assert latents[row : row + 1].shape == latent.shape
        # bf16 rounds a few symbols to the neighbour; the picture is the same to the eye.
        assert float((latents[row] - latent[0]).square().mean() / latent.square().mean()) < 0.05
        assert float((made[row] - received[0]).square().mean().sqrt()) < 6 / 255
        for shown in (received, made[row]):
            torch.testing.assert_close(shown * 255, (shown * 255).round(), atol=1e-3, rtol=0)
