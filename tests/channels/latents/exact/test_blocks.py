"""Salt, blocks and matrices never change, and together they take all eligible symbols."""

from __future__ import annotations

import numpy as np
import pytest

from coin_photos import SCALES, coin_photo
from latentink.channels.latents.exact.blocks import (
    BLOCK_FREE,
    LEAST_FREE,
    SALT_FREE,
    Layout,
)
from latentink.channels.latents.exact.fields import Fields
from latentink.codecs.coins import are_free
from latentink.codecs.eligibility import expected_free
from latentink.payload.keys import Keys

KEYS = Keys(bytes(range(32)))


def test_files_stay_readable():
    """Only as long as keys give these symbols, these blocks and these matrices."""
    rows = (np.arange(3000) * 7 % 40).astype(np.uint8)
    layout = Layout(KEYS, SCALES)
    salt, carrying = layout.split(rows)
    layout.add_salt(np.arange(len(salt)), rows[salt])
    (block,) = layout.blocks(carrying, rows)
    columns = layout.columns(block)
    count = Fields(layout.salted, "counts").written(200, 8)
    assert salt[:4].tolist() == [1564, 2617, 2707, 1219]
    assert block.picks[:4].tolist() == [1, 3, 5, 7]
    assert hex(int(columns[0, 0])) == "0x94808d35a8ac5a25"
    assert np.packbits(count).tobytes().hex() == "5a"


@pytest.mark.parametrize(("symbols", "passes"), [(30_000, 1), (30_000, 7), (2000, 2), (700, 1)])
def test_every_eligible_symbol_has_one_place(symbols, passes):
    photo = coin_photo(symbols, passes)
    expected = expected_free(SCALES)[photo.rows]
    layout = Layout(KEYS, SCALES)
    in_salt, numbers = 0, []
    for places in photo.passes:
        rows, own = photo.rows[places], expected[places]
        salt, carrying = layout.split(rows)
        together = np.sort(np.concatenate([salt, carrying]))
        assert np.array_equal(together, np.flatnonzero(own))
        layout.add_salt(np.zeros(len(salt), dtype=int), rows[salt])
        in_salt += own[salt].sum()
        blocks = list(layout.blocks(carrying, rows))
        if own[carrying].sum() >= LEAST_FREE and in_salt >= SALT_FREE:
            picks = np.concatenate([block.picks for block in blocks])
            assert np.array_equal(np.sort(picks), carrying)
            assert own[carrying].sum() / len(blocks) <= BLOCK_FREE
        else:
            assert blocks == []
        numbers += [block.number for block in blocks]
    assert min(SALT_FREE, expected.sum()) <= in_salt < SALT_FREE + expected.max()
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("passes", [1, 5])
def test_the_salt_is_random(passes):
    """Narrow symbols are seldom free, so more of them are taken."""
    for least, most in ((0, 12), (0, 30), (20, 30)):
        photo = coin_photo(60_000, passes)
        rows = np.random.default_rng(1).integers(least, most, 60_000).astype(np.uint8)
        values = np.random.default_rng(2).normal(scale=SCALES[rows])
        free, found = are_free(values, rows, SCALES), 0
        layout = Layout(KEYS, SCALES)
        for places in photo.passes:
            salt, _ = layout.split(rows[places])
            layout.add_salt(np.zeros(len(salt), dtype=int), rows[places[salt]])
            found += free[places[salt]].sum()
        assert 40 < found < 110


def test_another_salt_gives_other_blocks_and_matrices():
    photo = coin_photo(30_000)
    layouts = [Layout(KEYS, SCALES) for _ in range(2)]
    blocks = []
    for symbol, layout in enumerate(layouts):
        salt, carrying = layout.split(photo.rows)
        layout.add_salt(np.full(len(salt), symbol), photo.rows[salt])
        blocks.append(next(layout.blocks(carrying, photo.rows)))
    one, other = (set(block.picks.tolist()) for block in blocks)
    assert len(one & other) < 0.5 * len(one)
    first = [layout.columns(block)[:9] for layout, block in zip(layouts, blocks, strict=True)]
    assert not np.array_equal(*first)
