"""Crops of covers and stegos at one place, and which pairs are held out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator

from latentink.errors import OptionError
from latentink.training.picture_pairs import PicturePairs, split_pairs


def seeded(seed: int) -> Generator:
    return torch.Generator().manual_seed(seed)


def test_cover_and_stego_are_cut_flipped_and_turned_alike(pairs: PicturePairs) -> None:
    crops = pairs.crops(9, 64, seeded(0))
    assert crops.shape == (18, 3, 64, 64)
    covers, stegos = (crops * 255).round().chunk(2)
    differences = (covers - stegos).abs()
    assert float(differences.max()) == 1
    # Half of the lowest bits are right already.
    assert 0.45 < float(differences.mean()) < 0.55


def test_crops_come_from_everywhere_and_in_all_eight_positions() -> None:
    ramp = np.zeros((70, 70, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(70)[:, None], np.arange(70)
    pairs = PicturePairs([ramp], [ramp])
    corners, seen = set(), set()
    for step in range(150):
        crop = (pairs.crops(1, 64, seeded(step))[0] * 255).round()
        corners.add((float(crop[0].min()), float(crop[1].min())))
        rows = crop[:2].diff(dim=1)[:, 0, 0].tolist()
        columns = crop[:2].diff(dim=2)[:, 0, 0].tolist()
        seen.add((*rows, *columns))
    assert len(seen) == 8
    assert len(corners) > 40
    assert {edge for corner in corners for edge in corner} == set(range(7))


def test_no_pair_comes_twice_while_there_are_others() -> None:
    flat = [np.full((64, 64, 3), i, np.uint8) for i in range(4)]
    crops = PicturePairs(flat, flat).crops(6, 64, seeded(0)) * 255
    drawn = crops[:6, 0, 0, 0].round().tolist()
    assert sorted(drawn[:4]) == [0, 1, 2, 3]
    assert len(set(drawn[4:])) == 2


def test_held_out_pairs_are_others_than_those_of_training(pairs: PicturePairs) -> None:
    kept, held_out = split_pairs(pairs, 0.3, 1)
    assert (len(kept), len(held_out)) == (6, 3)
    ids = {id(cover) for cover in kept.covers} | {id(cover) for cover in held_out.covers}
    assert len(ids) == 9
    assert [len(part) for part in split_pairs(pairs, 0.0, 1)] == [8, 1]
    assert [len(part) for part in split_pairs(pairs.chosen([0, 1]), 0.9, 1)] == [1, 1]
    again = split_pairs(pairs, 0.3, 1)[1]
    assert all(a is b for a, b in zip(again.covers, held_out.covers, strict=True))


def test_pairs_that_do_not_serve_are_sentences(pairs: PicturePairs) -> None:
    with pytest.raises(OptionError, match="9 covers and 8 stegos"):
        PicturePairs(pairs.covers, pairs.stegos[:8])
    with pytest.raises(OptionError, match="not on 0 covers"):
        PicturePairs([], [])
    with pytest.raises(OptionError, match="one size"):
        PicturePairs(pairs.covers, pairs.stegos[::-1])
    with pytest.raises(OptionError, match="two pairs"):
        split_pairs(pairs.chosen([0]), 0.5, 1)
