"""The parts on which sender and receiver of the robust channel agree."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from latentink.channels.robust.grid import (
    AREAS,
    Grid,
    grid_of,
    grids_of,
    luminance,
    read_coefficients,
    upsampled,
)
from latentink.channels.robust.lattice import STEPS, moves, soft_bits
from latentink.channels.robust.layout import (
    LENGTHS,
    frame_length,
    framed,
    largest_frame,
    layout,
    unframed,
)
from latentink.channels.robust.preamble import LEAST_SCORE, TILTS, levelled, look, words_of
from latentink.channels.robust.projections import keyed_projections
from latentink.channels.robust.tolerance import tolerance_of
from latentink.errors import MessageNotFoundError
from latentink.payload.keys import derive_keys
from latentink.payload.sealing import packed
from photos import astronaut

KEYS = derive_keys(None)
GRID = Grid(20, 20)


@settings(max_examples=200, deadline=None)
@given(
    height=st.integers(120, 4000),
    width=st.integers(120, 4000),
    factor=st.floats(0.4, 2.0),
    area=st.sampled_from(AREAS),
)
def test_a_rescaled_picture_leads_back_to_the_senders_grid(height, width, factor, area):
    rescaled = max(1, round(height * factor)), max(1, round(width * factor))
    assume(area <= 1.5 * rescaled[0] * rescaled[1])  # Receivers look at no larger ones.
    assert grid_of((height, width), area) in grids_of(rescaled, area)


def test_coefficients_are_those_of_a_plain_dct():
    # The lowest horizontal frequency of a block, amplitude 10, on a picture of the grid's size.
    wave = np.cos(np.pi * (np.arange(8) + 0.5) / 8)
    picture = np.tile(128 + 10 * wave, (160, 20)).astype(np.float32)
    found = read_coefficients(Image.fromarray(picture), GRID).reshape(-1, 14)
    assert np.allclose(found[:, 0], 10 * np.sqrt(32), atol=1e-3)
    assert np.abs(found[:, 1:]).max() < 1e-3


def test_what_is_added_is_read_again():
    change = np.random.default_rng(0).normal(0, 5, GRID.coefficients).astype(np.float32)
    size = (400, 400)
    added = 128 + upsampled(change, GRID, size)
    found = read_coefficients(Image.fromarray(added), GRID)
    assert np.corrcoef(found, change)[0, 1] > 0.98


def test_luminance_of_large_pictures_is_reduced_by_whole_numbers():
    assert luminance(np.zeros((2000, 3000, 3), dtype=np.uint8)).size == (3000, 2000)
    assert luminance(np.zeros((4000, 3000, 3), dtype=np.uint8)).size == (1500, 2000)


@given(values=st.lists(st.floats(-500, 500, width=32), min_size=1), code=st.integers(0, 25))
def test_moves_are_short_and_say_the_bits(values, code):
    projections = np.array(values, dtype=np.float32)
    step = STEPS[code]
    for bit in (0, 1):
        bits = np.full(len(values), bit)
        move = moves(projections, bits, step)
        assert np.abs(move).max() <= step * 1.001 + 1e-3
        soft = soft_bits(projections + move, step)
        assert (soft * (2 * bit - 1) > 0.9).all()


def test_projections_share_no_coefficient_and_are_orthonormal():
    first, second = keyed_projections(KEYS, GRID, [(100, 6), (50, 40)])
    places = np.concatenate([first.place.ravel(), second.place.ravel()])
    assert len(np.unique(places)) == len(places)
    move = np.linspace(-3, 3, 50, dtype=np.float32)
    change = np.zeros(GRID.coefficients, dtype=np.float32)
    second.spread(move, np.ones_like(change), change)
    assert np.allclose(second.of(change), move, atol=1e-5)
    assert np.abs(first.of(change)).max() == 0
    assert np.isclose(np.square(change).sum(), np.square(move).sum(), rtol=1e-5)


def test_texture_takes_more_of_the_change():
    (part,) = keyed_projections(KEYS, GRID, [(50, 40)])
    tolerance = np.ones(GRID.coefficients, dtype=np.float32)
    tolerance[: GRID.coefficients // 2] = 3
    change = np.zeros_like(tolerance)
    part.spread(np.ones(50, dtype=np.float32), tolerance, change)
    assert np.allclose(part.of(change), 1, atol=1e-5)
    assert np.abs(change[: GRID.coefficients // 2]).mean() > 2 * np.abs(change[-2000:]).mean()


def test_tolerance_is_least_in_smooth_places():
    smooth = tolerance_of(np.zeros(14, dtype=np.float32))
    rough = tolerance_of(np.full(14, 100, dtype=np.float32))
    assert (smooth == 1).all()
    assert (rough == 3).all()


@pytest.mark.parametrize("length", [0, 1, 200, 238, 239, 240, 300, 4000, 9000, 13000])
def test_frames_give_their_message_back(length):
    message = np.random.default_rng(length).bytes(length)
    frame = framed(packed(message), KEYS, bytes(7))
    assert len(frame) in LENGTHS
    assert len(frame) == frame_length(len(packed(message)))
    assert unframed(frame, KEYS) == message
    with pytest.raises(MessageNotFoundError):
        unframed(frame, derive_keys(None, b"other"))


def test_every_length_up_to_240_bytes_costs_16_bytes():
    assert [frame_length(1 + n) for n in (0, 100, 239)] == [16, 116, 255]
    assert frame_length(13_100) is None


def test_a_grid_holds_its_largest_frame_and_no_larger():
    largest = largest_frame(GRID)
    assert len(layout(KEYS, GRID, largest).message) >= 1.5 * 8 * largest
    with pytest.raises(ValueError, match="does not hold"):
        layout(KEYS, GRID, LENGTHS[LENGTHS.index(largest) + 1])
    assert largest_frame(Grid(2, 2)) == 0


def test_words_are_found_and_noise_is_not():
    generator = np.random.default_rng(1)
    coefficients = generator.normal(0, 30, GRID.coefficients).astype(np.float32)
    assert look(coefficients, GRID, KEYS) is None
    (places,) = keyed_projections(KEYS, GRID, [(256, 6)])
    wanted = words_of(KEYS)[100] > 0
    change = np.zeros_like(coefficients)
    places.spread(moves(places.of(coefficients), wanted, 16.0), np.ones_like(change), change)
    noise = generator.normal(0, 4, GRID.coefficients).astype(np.float32)
    found = look(coefficients + change + noise, GRID, KEYS)
    assert found is not None
    assert found.score > LEAST_SCORE
    assert (found.step, found.tilt, found.frame_bytes) == (16.0, 0.0, LENGTHS[100])
    tilted = levelled(coefficients + change, 1 / (1 + TILTS[4]) - 1)
    sharpened = look(tilted, GRID, KEYS)
    assert sharpened is not None
    assert sharpened.frame_bytes == LENGTHS[100]


def test_the_format_stays():
    (part,) = keyed_projections(KEYS, GRID, [(256, 6)])
    digest = sha256(part.place.astype("<i8").tobytes() + part.sign.astype("<f4").tobytes())
    digest.update((words_of(KEYS) > 0).tobytes())
    digest.update(framed(packed(b"meet at noon"), KEYS, bytes(7)))
    digest.update(repr(([round(step, 6) for step in STEPS], TILTS, LENGTHS, AREAS)).encode())
    assert digest.hexdigest() == "514fe67a3896d152edf95d5f74cfe680a46f74192d619c011678880c4e6aea15"


def test_a_photo_without_a_message_has_none():
    picture = luminance(astronaut(0, 0, 512, 512))
    for area in AREAS[:8]:
        grid = grid_of((512, 512), area)
        assert look(read_coefficients(picture, grid), grid, KEYS) is None
