"""The chooser of symbols whose coins say a message, and are fair and independent nevertheless.

In each block let H_F be the columns of the free symbols. The coins p₀ of the free symbols are drawn
first, and then p = p₀ + x with a solution x of H_F·x = bits + H·p₀ that is a fixed linear function
of that side. As p₀ runs through all coins, p runs through all solutions of H·p = bits, each as
often: p is uniform among them.
"""

from __future__ import annotations

import numpy as np

from latentink.channels.latents.exact.blocks import ROWS, WORDS, Block, Layout, bits_of, syndrome
from latentink.channels.latents.exact.elimination import eliminate, packed_rows
from latentink.channels.latents.exact.fields import COUNT_BITS, LENGTH_BITS, Fields
from latentink.codecs.coins import are_free, with_parities
from latentink.codecs.entropy_model import nearest
from latentink.payload.keys import Keys
from latentink.payload.keystream import Keystream
from latentink.payload.sealing import encrypt

# Blocks that are eliminated together, and the bits that one of them says at least, as a rule.
_TOGETHER, _FEW_BITS = 64, 128


class ExactWriter:
    """A :data:`~latentink.codecs.codec.Chooser` whose coins carry a message.

    Used once, for the passes of one photo in their order.

    Attributes:
        said: bits that the blocks say, fields included.
        failed: whether a block could not say its count: the symbols carry no message then.
    """

    def __init__(self, plaintext: bytes, keys: Keys, coins: Keystream, scales: np.ndarray) -> None:
        """Prepare to write.

        Args:
            plaintext: the message, as :func:`~latentink.payload.sealing.packed` returns it.
            keys: of the file.
            coins: of the encoder.
            scales: σ of each row of the codec's Gaussian table.
        """
        self.plaintext, self.coins, self.scales = plaintext, coins, scales
        self.layout = Layout(keys, scales)
        self.message: np.ndarray | None = None  # It is encrypted when the salt is known.
        self.done = self.said = 0
        self.failed = False

    @property
    def finished(self) -> bool:
        """Whether the whole message has been said."""
        return self.message is not None and self.done == len(self.message)

    def __call__(self, places: np.ndarray, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Choose the symbols of the next pass."""
        symbols = nearest(places, values, rows)
        free = are_free(values, rows, self.scales)
        parities = (symbols.astype(np.int16) & 1).astype(np.uint8)
        parities[free] = self.drawn(parities[free])
        symbols[free] = with_parities(values[free], parities[free])
        salt, carrying = self.layout.split(rows)
        self.layout.add_salt(symbols[salt], rows[salt])
        blocks = list(self.layout.blocks(carrying, rows))
        if blocks and self.message is None:
            self._encrypt()
        while blocks and not self.finished and not self.failed:
            together = min(_TOGETHER, 1 + self._left // _FEW_BITS)
            self._say(blocks[:together], parities, free)
            del blocks[:together]
        symbols[free] = with_parities(values[free], parities[free])
        return symbols

    def drawn(self, nearest: np.ndarray) -> np.ndarray:
        """Return p₀: a coin for each free symbol, whatever the parity (n,) of the nearest one."""
        return self.coins.bits(len(nearest))

    @property
    def _left(self) -> int:
        return 0 if self.message is None else len(self.message) - self.done

    def _encrypt(self) -> None:
        keys = self.layout.salted
        ciphertext = encrypt(self.plaintext, keys)
        self.counts = Fields(keys, "counts")
        length = Fields(keys, "length").written(len(ciphertext), LENGTH_BITS)
        body = np.unpackbits(np.frombuffer(ciphertext, dtype=np.uint8), bitorder="little")
        self.message = np.concatenate([length, body])

    def _say(self, blocks: list[Block], parities: np.ndarray, free: np.ndarray) -> None:
        """Change ``parities`` of free symbols so that the blocks say the next bits."""
        columns = [self.layout.columns(block) for block in blocks]
        # Unknowns beyond the number of equations keep their coins.
        unknowns = [np.flatnonzero(free[block.picks])[:ROWS] for block in blocks]
        equations = min(ROWS, COUNT_BITS + self._left)
        matrices = np.zeros((equations, len(blocks), WORDS), dtype=np.uint64)
        for number, own in enumerate(unknowns):
            packed = packed_rows(columns[number][own], equations)
            matrices[:, number, : packed.shape[1]] = packed
        eliminated = eliminate(matrices)
        sides = np.zeros((equations, len(blocks)), dtype=bool)
        lengths = np.zeros(len(blocks), dtype=np.int64)
        for number, block in enumerate(blocks):
            wanted = self._next_bits(int(eliminated.ranks[number]))
            said = syndrome(columns[number], parities[block.picks])
            lengths[number] = len(wanted)
            sides[: len(wanted), number] = wanted ^ said[: len(wanted)]
        turned = eliminated.solve(sides, lengths)
        for number, block in enumerate(blocks):
            own = unknowns[number]
            parities[block.picks[own]] ^= bits_of(turned[number])[: len(own)]
        self.said += int(lengths.sum())

    def _next_bits(self, rank: int) -> np.ndarray:
        """Return the bits, ``rank`` at most, that the next block shall say."""
        assert self.message is not None
        nothing = self.message[:0]
        if self.finished or self.failed:
            return nothing
        room = rank - COUNT_BITS
        if room < 0:
            self.failed = True
            return nothing
        part = self.message[self.done : self.done + room]
        self.done += len(part)
        return np.concatenate([self.counts.written(len(part), COUNT_BITS), part])
