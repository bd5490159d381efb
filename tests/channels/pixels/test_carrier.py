from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentink.channels.pixels.carrier import (
    WHOLE,
    WINDOW_SIDES,
    carrier_of_code,
    payload_positions,
    preamble_positions,
    smallest_carrier,
)
from latentink.channels.pixels.plan import information_needed, largest_message, plan_message
from latentink.editing.presets import Spread
from latentink.errors import CapacityError
from latentink.message_decoders.keyed import keyed_decoder
from latentink.message_decoders.periodic import PeriodicDecoder
from latentink.payload.keys import Keys
from latentink.payload.preamble import preamble_bits

DECODER = PeriodicDecoder(bytes(32))
THIN = Spread(density=1 / 8, fill=False, accuracy=0.87, highest_accuracy=0.89)

sides = st.integers(16, 6000)
keys = st.binary(min_size=32, max_size=32).map(Keys)


@settings(max_examples=60)
@given(sides, sides, keys, st.integers(0, 255))
def test_carriers_lie_in_the_picture_and_contain_the_smallest(height, width, key, code):
    carrier = carrier_of_code(code, height, width, DECODER, key)
    if carrier is None:
        assert code & 15 not in (*range(len(WINDOW_SIDES)), WHOLE)
        return
    assert carrier.code == code
    smallest = smallest_carrier(height, width, DECODER, key)
    window, inner = carrier.window, smallest.window
    assert 0 <= window.top <= inner.top < inner.bottom <= window.bottom <= height
    assert 0 <= window.left <= inner.left < inner.right <= window.right <= width
    assert window.top % 64 == window.left % 64 == 0


@settings(max_examples=20)
@given(st.integers(64, 1500), st.integers(64, 1500), keys)
def test_the_payload_fills_every_position_but_the_preamble_once(height, width, key):
    smallest = smallest_carrier(height, width, DECODER, key)
    for code in (smallest.code, WHOLE | (smallest.planes - 1) << 4):
        carrier = carrier_of_code(code, height, width, DECODER, key)
        preamble = preamble_positions(carrier, smallest, key)
        payload = payload_positions(carrier, smallest, key)
        assert len(preamble) == preamble_bits(smallest.positions)
        everything = np.sort(np.concatenate([preamble, payload]))
        np.testing.assert_array_equal(everything, np.arange(carrier.positions))


def test_placement_depends_on_the_key():
    first, second = Keys(bytes(32)), Keys(bytes([1] * 32))
    one, other = (smallest_carrier(600, 900, DECODER, key) for key in (first, second))
    assert not np.array_equal(
        payload_positions(one, one, first)[:50], payload_positions(other, other, second)[:50]
    )


@settings(max_examples=40)
@given(st.integers(34, 40_000), st.integers(200, 3000), st.integers(200, 3000))
def test_a_plan_has_room_and_keeps_the_density(sealed, height, width):
    key = Keys(bytes(32))
    try:
        plan = plan_message(sealed, (height, width), DECODER, key, THIN)
    except CapacityError:
        assert sealed > largest_message((height, width), DECODER, key, 0.975)
        return
    preamble = preamble_bits(plan.smallest.positions)
    assert plan.raw_bits + preamble <= plan.carrier.positions
    assert 8 * sealed / plan.raw_bits < plan.information
    if plan.carrier.size_code != WHOLE:
        area = plan.carrier.window.height * plan.carrier.window.width
        assert plan.raw_bits + preamble <= area / 8


def test_a_small_message_takes_a_small_window_of_a_large_photo():
    plan = plan_message(100, (3000, 4000), DECODER, Keys(bytes(32)), THIN)
    assert (plan.carrier.window.height, plan.carrier.window.width) == (512, 512)
    assert plan.carrier.planes == 1


def test_filling_uses_every_position():
    decoder = keyed_decoder(bytes(32))
    spread = Spread(density=1, fill=True, accuracy=0.87, highest_accuracy=0.89)
    plan = plan_message(100, (256, 256), decoder, Keys(bytes(32)), spread)
    assert plan.raw_bits + preamble_bits(plan.smallest.positions) == 256 * 256


def test_what_does_not_fit_says_how_much_does():
    limit = largest_message((256, 256), DECODER, Keys(bytes(32)), 0.98)
    with pytest.raises(CapacityError, match=f"{limit} bytes"):
        plan_message(limit + 34, (256, 256), DECODER, Keys(bytes(32)), THIN)


def test_denser_messages_need_more_information():
    assert information_needed(1000, 10_000) > information_needed(1000, 20_000)
    assert information_needed(100, 1000) > information_needed(1000, 10_000)
