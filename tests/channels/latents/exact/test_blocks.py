"""Salt, blocks and matrices never change, and together they take all eligible symbols."""

from __future__ import annotations

import numpy as np
import pytest

from coin_photos import SCALES, coin_photo
from latentink.channels.latents.exact.blocks import (
    BLOCK_SYMBOLS,
    LEAST_SYMBOLS,
    SALT_SYMBOLS,
    Layout,
    count_bits,
)
from latentink.channels.latents.exact.fields import Fields
from latentink.codecs.coins import COIN_SCALE
from latentink.payload.keys import Keys

KEYS = Keys(bytes(range(32)))


def test_files_stay_readable():
    """Only as long as keys give these symbols, these blocks and these matrices."""
    rows = (np.arange(3000) * 7 % 40).astype(np.uint8)
    layout = Layout(KEYS, SCALES)
    salt, carrying = layout.split(rows)
    layout.add_salt(np.arange(len(salt)))
    (block,) = layout.blocks(carrying)
    columns = layout.columns(block)
    count = Fields(layout.salted, "counts").written(300, 9)
    assert salt[:4].tolist() == [1564, 2617, 2707, 1219]
    assert block.picks[:4].tolist() == [1, 3, 5, 7]
    assert hex(int(columns[0, 0])) == "0x421504d852b5f29"
    assert np.packbits(count).tobytes().hex() == "1580"


@pytest.mark.parametrize(("symbols", "passes"), [(30_000, 1), (30_000, 7), (2000, 2), (900, 1)])
def test_every_eligible_symbol_has_one_place(symbols, passes):
    photo = coin_photo(symbols, passes)
    layout = Layout(KEYS, SCALES)
    salts, carried, numbers = [], [], []
    for places in photo.passes:
        rows = photo.rows[places]
        salt, carrying = layout.split(rows)
        eligible = np.flatnonzero(SCALES[rows] >= COIN_SCALE)
        assert np.array_equal(np.sort(np.concatenate([salt, carrying])), eligible)
        layout.add_salt(np.zeros(len(salt), dtype=int))
        blocks = layout.blocks(carrying)
        salts.append(len(salt))
        if len(carrying) >= LEAST_SYMBOLS and sum(salts) == SALT_SYMBOLS:
            picks = np.concatenate([block.picks for block in blocks])
            assert np.array_equal(np.sort(picks), carrying)
            assert len(picks) / len(blocks) <= BLOCK_SYMBOLS
        else:
            assert blocks == []
        carried += [len(block.picks) for block in blocks]
        numbers += [block.number for block in blocks]
    assert sum(salts) == min(SALT_SYMBOLS, np.count_nonzero(SCALES[photo.rows] >= COIN_SCALE))
    assert numbers == list(range(len(carried)))


def test_another_salt_gives_other_blocks_and_matrices():
    photo = coin_photo(30_000)
    layouts = [Layout(KEYS, SCALES) for _ in range(2)]
    blocks = []
    for symbol, layout in enumerate(layouts):
        salt, carrying = layout.split(photo.rows)
        layout.add_salt(np.full(len(salt), symbol))
        blocks.append(layout.blocks(carrying)[0])
    one, other = (set(block.picks.tolist()) for block in blocks)
    assert len(one & other) < 0.5 * len(one)
    first = [layout.columns(block)[:9] for layout, block in zip(layouts, blocks, strict=True)]
    assert not np.array_equal(*first)


def test_the_count_of_a_block_has_room_for_what_it_says():
    assert count_bits(LEAST_SYMBOLS) == 7
    assert count_bits(BLOCK_SYMBOLS) == 9
