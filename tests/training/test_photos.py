"""Crops of photos, and which photos are held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from latentink.errors import OptionError
from latentink.training.photos import Photos, is_held_out


def test_crops_cover_small_photos_and_repeat_for_a_seed(pool: Photos) -> None:
    first, second = (pool.crops(8, 48, torch.Generator().manual_seed(7)) for _ in range(2))
    assert first.shape == (8, 3, 48, 48)
    assert torch.equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1


def test_crops_are_reduced_as_far_as_photos_allow(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    crops = Photos([tmp_path / "ramp.png"]).crops(50, 16, torch.Generator().manual_seed(7), 0.1)
    spans = (crops.amax((1, 2, 3)) - crops.amin((1, 2, 3))) * 255
    assert spans.min() < 20  # 16 pixels as they are.
    assert 55 < spans.max() < 64  # The whole photo at a quarter of its size.


def test_a_damaged_or_tiny_photo_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(b"not a picture")
    with pytest.raises(OptionError, match=r"bad\.png"):
        Photos([path]).pixels(0)
    Image.new("RGB", (40, 8)).save(path)
    with pytest.raises(OptionError, match="smaller than 16"):
        Photos([path]).pixels(0)


def test_held_out_photos_are_a_fixed_twentieth() -> None:
    names = [Path(f"photo{i}.jpg") for i in range(2000)]
    share = sum(map(is_held_out, names)) / len(names)
    assert 0.03 < share < 0.07
    assert is_held_out(Path("a/b.jpg")) == is_held_out(Path("elsewhere/b.jpg"))
