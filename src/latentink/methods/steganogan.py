"""SteganoGAN: a message encoder writes the bits into the picture in one pass.

Zhang, Cuesta-Infante, Xu, Veeramachaneni, "SteganoGAN: High Capacity Image Steganography with
GANs", 2019, section 3.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from latentink.message_decoders.message_decoder import MessageDecoder, MessageEncoder
from latentink.message_decoders.registry import load_message_encoder
from latentink.methods.entries import BASIC, DENSE, MethodEntry, MethodOptions, chosen_decoder
from latentink.methods.fnns import decoder_logits
from latentink.methods.method import PaintedMethod, Stego
from latentink.methods.saving import Png, Saving
from latentink.picture import to_tensor


@dataclass(frozen=True)
class SteganoGan(PaintedMethod):
    """A message encoder and a message decoder that were trained together.

    Attributes:
        name: as on the command line.
        encoder: writes the bits.
        decoder: reads them.
        saving: how the finished picture is saved; the authors use PNG.
    """

    name: str
    encoder: MessageEncoder
    decoder: MessageDecoder
    saving: Saving

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (D, H, W)."""
        return self.decoder.data_depth, cover.shape[0], cover.shape[1]

    @property
    def search(self) -> Hashable:
        """Return the name of the pair of networks."""
        return "steganogan", self.decoder.name

    @torch.no_grad()
    def find(self, cover: np.ndarray, bits: np.ndarray) -> np.ndarray:
        """Return the encoder's picture, clipped to [0, 1]."""
        self.check_bits(cover, bits)
        painted = self.encoder(to_tensor(cover), torch.from_numpy(bits).float()[None])
        return painted[0].clamp(0, 1).permute(1, 2, 0).contiguous().numpy()

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the decoder's logits (D, H, W)."""
        return decoder_logits(self.decoder, stego.picture)


def _steganogan(name: str, bundled: tuple[str, ...], options: MethodOptions) -> SteganoGan:
    decoder = chosen_decoder(name, options, bundled)
    return SteganoGan(name, load_message_encoder(decoder.name), decoder, Png())


ENTRIES = tuple(
    MethodEntry(
        name,
        "Zhang et al. 2019",
        summary,
        partial(_steganogan, name, bundled),
        len(bundled),
        takes_decoder=True,
    )
    for name, bundled, summary in (
        ("steganogan-dense", DENSE, "dense encoder, one pass, saved as PNG"),
        ("steganogan-basic", BASIC, "residual encoder, one pass, PNG"),
    )
)
