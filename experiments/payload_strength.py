"""Measures how much the payload code delivers on simulated binary symmetric channels.

    python experiments/payload_strength.py [--trials 200] [--raw-bits 16384]

Every trial seals a new random message, codes it with its preamble into raw bits, inverts each of
them with the channel's error rate, and reads the message back from hard decisions (±1). The code
rate is what ``max_message_bytes`` plans for the stated accuracy; in the second line of each pair
the channel is half a percent worse than planned. The delivered message bits per raw bit count the
33 bytes of the seal and the preamble as overhead.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

import numpy as np

from latentink.errors import MessageNotFoundError
from latentink.payload.frame import frame_bits, max_message_bytes, read_frame
from latentink.payload.keys import derive_keys
from latentink.payload.preamble import Preamble, decode_preamble, encode_preamble, preamble_bits
from latentink.payload.sealing import SALT_BYTES, seal, unseal

ACCURACIES = (0.98, 0.92, 0.85, 0.80)
KEYS = derive_keys(None)


@dataclass
class Tally:
    """What happened in the trials of one line of the table."""

    lost_preambles: int = 0
    failures: int = 0
    wrong: int = 0
    seconds: list[float] = field(default_factory=list)


def transmit(raw: np.ndarray, accuracy: float, rng: np.random.Generator) -> np.ndarray:
    """Return hard decisions, ±1, of ``raw`` (0 and 1), each right with probability ``accuracy``."""
    return 2.0 * (raw ^ (rng.random(raw.size) >= accuracy)) - 1


def receive(soft: np.ndarray, head: int) -> tuple[bytes | None, bool]:
    """Return the message read from ``soft`` or None, and whether the preamble was read."""
    preamble = decode_preamble(soft[:head], KEYS)
    if preamble is None:
        return None, False
    body = soft[head : head + preamble.raw_bits]
    sealed = read_frame(body, preamble.sealed_bytes, KEYS)
    try:
        return (None if sealed is None else unseal(sealed, KEYS)), True
    except MessageNotFoundError:
        return None, True


def measure(size: int, raw_bits: int, accuracy: float, trials: int, seed: int) -> Tally:
    """Send ``trials`` random messages of ``size`` bytes at ``accuracy`` and count what happens."""
    rng = np.random.default_rng(seed)
    head = preamble_bits(raw_bits)
    tally = Tally()
    for _ in range(trials):
        message = rng.bytes(size)
        sealed = seal(message, KEYS, rng.bytes(SALT_BYTES))
        fields = Preamble(len(sealed), raw_bits - head, 0)
        body = frame_bits(sealed, raw_bits - head, KEYS)
        raw = np.concatenate([encode_preamble(fields, KEYS, head), body])
        soft = transmit(raw, accuracy, rng)
        start = time.perf_counter()
        received, found = receive(soft, head)
        tally.seconds.append(time.perf_counter() - start)
        tally.lost_preambles += not found
        tally.failures += received is None
        tally.wrong += received is not None and received != message
    return tally


def main() -> None:
    """Print the table as markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--raw-bits", type=int, default=16384)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    columns = ["planned for", "channel", "message bytes", "delivered bits per raw bit"]
    columns += ["failures", "of them preambles", "wrong", "median decode s"]
    print(f"| {' | '.join(columns)} |\n{'|---:' * len(columns)}|", flush=True)
    for planned in ACCURACIES:
        raw_bits = arguments.raw_bits
        size = max_message_bytes(raw_bits - preamble_bits(raw_bits), planned)
        for channel in (planned, planned - 0.005):
            tally = measure(size, raw_bits, channel, arguments.trials, arguments.seed)
            print(
                f"| {planned:.1%} | {channel:.1%} | {size} | {8 * size / raw_bits:.3f} "
                f"| {tally.failures} of {arguments.trials} | {tally.lost_preambles} "
                f"| {tally.wrong} | {np.median(tally.seconds):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
