"""More than a million coins of plain files and of stegos are fair and independent.

Each test has a negative control: it catches a sender that spares the photo.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from coin_photos import SCALES, SparingWriter, coin_photo, writer_of
from latentink.codecs.coins import coins_of
from latentink.payload.keys import Keys

PHOTO = coin_photo(400_000, seed=5)
FILES = 44
MESSAGE = bytes(1200)  # A quarter of the room: beyond, a sparing sender hardly spares anything.


def coins_in(symbols: np.ndarray) -> np.ndarray:
    """Return 1 for each free symbol that is not the nearest, in flat order."""
    free = PHOTO.free
    return (symbols[free] != np.rint(PHOTO.values[free])).astype(np.int64)


@pytest.fixture(scope="module")
def coins() -> dict[str, np.ndarray]:
    """Coins (files, free symbols) of each kind of file."""
    made: dict[str, list[np.ndarray]] = {"plain": [], "stego": [], "full": [], "sparing": []}
    for number in range(FILES):
        entropy, keys = bytes([number]) * 32, Keys(bytes([number]) * 32)
        made["plain"].append(coins_in(PHOTO.plain(entropy)))
        made["stego"].append(coins_in(PHOTO.written(writer_of(MESSAGE, keys, entropy))))
    for number in range(FILES // 4):
        sparing = SparingWriter(MESSAGE, Keys(bytes([number]) * 32), coins_of(entropy), SCALES)
        made["sparing"].append(coins_in(PHOTO.written(sparing)))
    made["full"].append(coins_in(PHOTO.written(writer_of(bytes(9000), keys, entropy))))
    return {name: np.array(own) for name, own in made.items()}


def fairness(coins: np.ndarray) -> float:
    """Return the p-value of Pearson's test that all patterns of 8 coins in a row are as likely."""
    flat = coins.ravel()[: coins.size // 8 * 8].reshape(-1, 8)
    return float(chisquare(np.bincount(flat @ (1 << np.arange(8)), minlength=256)).pvalue)


def runs(coins: np.ndarray) -> float:
    """Return the p-value of the test that half of all coins differ from the one before."""
    changes = np.diff(coins.ravel()) != 0
    return float(2 * norm.sf(abs(2 * changes.sum() - changes.size) / np.sqrt(changes.size)))


def agreement(coins: np.ndarray) -> float:
    """Return the p-value of the test that coins of the same symbol in two files are independent."""
    files = len(coins)
    ones = coins.sum(axis=0)
    pairs = ones * (ones - 1) + (files - ones) * (files - ones - 1)
    share = pairs.sum() / (files * (files - 1) * coins.shape[1])
    # The pairs of a symbol are uncorrelated, each with variance 1/4.
    deviation = np.sqrt(0.25 * 2 / (files * (files - 1) * coins.shape[1]))
    return float(2 * norm.sf(abs(share - 0.5) / deviation))


TESTS = {"chi-square": fairness, "runs": runs, "agreement": agreement}


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("kind", ["plain", "stego"])
def test_coins_are_fair_and_independent(coins, kind, test):
    assert coins[kind].size > 1e6
    assert TESTS[test](coins[kind]) > 1e-4


@pytest.mark.parametrize("test", ["chi-square", "runs"])
def test_coins_are_fair_at_the_full_room(coins, test):
    assert TESTS[test](coins["full"]) > 1e-4


@pytest.mark.parametrize("test", TESTS)
def test_a_sparing_sender_is_caught(coins, test):
    assert TESTS[test](coins["sparing"]) < 1e-12
