"""Covers and stegos of the same photos, to train detectors on, and crops of both at one place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Generator, Tensor

from latentink.errors import OptionError
from latentink.steganalysis.network_detector import check_size
from latentink.training.photos import below


class PicturePairs:
    """Covers and stegos of the same photos.

    Attributes:
        covers: (H, W, 3) uint8 each.
        stegos: the same sizes.
    """

    def __init__(self, covers: Sequence[np.ndarray], stegos: Sequence[np.ndarray]) -> None:
        """Take the pictures as they are, without a copy.

        Raises:
            OptionError: no pairs, numbers or sizes that differ, or a picture smaller than 64×64.
        """
        if len(covers) != len(stegos) or not covers:
            raise OptionError(
                f"A network is trained on pairs of a cover and its stego, not on {len(covers)} "
                f"covers and {len(stegos)} stegos."
            )
        for cover, stego in zip(covers, stegos, strict=True):
            check_size(cover)
            if cover.shape != stego.shape:
                raise OptionError(
                    f"A cover is {cover.shape[1]}×{cover.shape[0]}, its stego is "
                    f"{stego.shape[1]}×{stego.shape[0]}; a pair has one size."
                )
        self.covers, self.stegos = list(covers), list(stegos)

    def __len__(self) -> int:
        return len(self.covers)

    def smallest_side(self) -> int:
        """Return the shortest side of all pictures, pixels."""
        return min(min(cover.shape[:2]) for cover in self.covers)

    def chosen(self, indices: Sequence[int]) -> PicturePairs:
        """Return some of the pairs."""
        return PicturePairs([self.covers[i] for i in indices], [self.stegos[i] for i in indices])

    def crops(self, count: int, side: int, generator: Generator) -> Tensor:
        """Return crops of ``count`` pairs, (2 · count, 3, side, side) in [0, 1].

        The covers come first, then the stegos in the same order, with the same position, flip and
        turn. No pair comes twice while there are others.

        Args:
            count: how many pairs.
            side: pixels, at most :meth:`smallest_side`.
            generator: of everything random.
        """
        rounds = -(-count // len(self))
        orders = [torch.randperm(len(self), generator=generator) for _ in range(rounds)]
        drawn = [self._crop(int(i), side, generator) for i in torch.cat(orders)[:count]]
        crops = torch.cat([torch.stack(crops) for crops in zip(*drawn, strict=True)])
        pictures = crops.permute(0, 3, 1, 2).float().div_(255)
        return pictures.contiguous(memory_format=torch.channels_last)

    def _crop(self, index: int, side: int, generator: Generator) -> tuple[Tensor, Tensor]:
        height, width = self.covers[index].shape[:2]
        top = below(height - side + 1, generator)
        left = below(width - side + 1, generator)
        turns, flipped = below(4, generator), below(2, generator)
        window = np.s_[top : top + side, left : left + side]
        both = np.stack((self.covers[index][window], self.stegos[index][window]))
        both = np.rot90(both, turns, axes=(1, 2))
        if flipped:
            both = both[:, :, ::-1]
        cover, stego = torch.from_numpy(both.copy())
        return cover, stego


def split_pairs(pairs: PicturePairs, share: float, seed: int) -> tuple[PicturePairs, PicturePairs]:
    """Return the pairs to train on and those held out: ``share`` of them, at least one.

    Raises:
        OptionError: fewer than two pairs.
    """
    if len(pairs) < 2:
        raise OptionError("Training takes two pairs or more: one is held out for measuring.")
    generator = Generator().manual_seed(seed)
    order = torch.randperm(len(pairs), generator=generator).tolist()
    count = min(max(1, round(share * len(pairs))), len(pairs) - 1)
    return pairs.chosen(order[count:]), pairs.chosen(order[:count])
