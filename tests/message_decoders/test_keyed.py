"""The keyed decoder is the same for ever, another for every key, and balanced on photos."""

from __future__ import annotations

import hashlib

import pytest
import skimage.data
import torch

from latentink.message_decoders.folding import FoldedDecoder
from latentink.message_decoders.keyed import keyed_decoder

KEY = bytes(range(32))

PINNED_FIRST = [0.05750262, -0.1232701, 0.3248666, -0.4324]
PINNED_LAST = [-0.6648, 0.1317118, -0.7885292]
PINNED_SHA256 = "18a823f828cd2597839b1cc65c1f6b2d570046f6960cd33a877398ceb102e0fd"
PINNED_LOGITS = [-0.00949, 0.02698, -0.13911, -0.1398]


def photo() -> torch.Tensor:
    pixels = torch.from_numpy(skimage.data.astronaut()[:256, :256].copy())
    return pixels.permute(2, 0, 1)[None].float() / 255


def fingerprint(decoder: FoldedDecoder) -> str:
    digest = hashlib.sha256()
    for _, buffer in sorted(decoder.state_dict().items()):
        digest.update(buffer.contiguous().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def test_weights_are_pinned() -> None:
    decoder = keyed_decoder(KEY)
    first = decoder.get_buffer("kernel0_0")[0, 0].flatten()[:4]
    last = decoder.get_buffer("kernel3_3")[0, 31].flatten()[-3:]
    assert first.tolist() == pytest.approx(PINNED_FIRST, abs=1e-7)
    assert last.tolist() == pytest.approx(PINNED_LAST, abs=1e-6)
    assert fingerprint(decoder) == PINNED_SHA256


def test_logits_are_pinned() -> None:
    logits = keyed_decoder(KEY)(photo()[:, :, 100:120, 100:120])[0, 0]
    assert logits[10, 8:12].tolist() == pytest.approx(PINNED_LOGITS, abs=1e-4)


def test_another_key_reads_something_else() -> None:
    mine, other = keyed_decoder(KEY)(photo()), keyed_decoder(KEY[:-1] + b"x")(photo())
    agreement = ((mine > 0) == (other > 0)).float().mean()
    assert 0.4 < agreement < 0.6


def test_logits_of_a_photo_are_centred_and_of_unit_scale() -> None:
    logits = torch.cat([keyed_decoder(bytes([i]))(photo()) for i in range(8)])
    assert abs(float(logits.mean())) < 0.1
    assert 0.3 < float(logits.std()) < 3
    assert 0.4 < float((logits > 0).float().mean()) < 0.6


def test_a_flat_area_says_nothing_whatever_its_colour() -> None:
    flat = torch.tensor([0.9, 0.2, 0.4])[None, :, None, None].expand(1, 3, 20, 20)
    logits = keyed_decoder(KEY)(flat)
    inner = logits[:, :, 8:12, 8:12]
    assert inner.abs().max() < 1e-4


def test_a_pixel_reaches_its_halo_and_no_further() -> None:
    decoder = keyed_decoder(KEY, hidden=8).double()
    picture = torch.rand(1, 3, 24, 24, dtype=torch.float64)
    changed = picture.clone()
    changed[:, :, 12, 12] = 0
    moved = (decoder(picture) != decoder(changed))[0, 0].nonzero()
    assert moved.min() >= 12 - decoder.halo
    assert moved.max() <= 12 + decoder.halo


def test_depth_and_width_are_free() -> None:
    assert keyed_decoder(KEY, data_depth=3, hidden=4)(photo()).shape == (1, 3, 256, 256)
