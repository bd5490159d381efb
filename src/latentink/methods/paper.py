"""The paper's method: raw bits in the decoded picture of a learned codec, by editing its latent.

"Train the Latent, Not the Image: Joint Image Compression and Steganography", rows hyperbase_N and
ELICbase_N: the codec at quality N, a bit at each pixel, and the objective of Eq. 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from latentink.codecs.coins import coins_of
from latentink.codecs.compression import compress_plainly
from latentink.codecs.file_coding import pack_latents
from latentink.codecs.loading import load_codec
from latentink.codecs.registry import CODECS
from latentink.defaults import DEFAULT_DEVICE
from latentink.devices import device_named
from latentink.editing.editor import run_schedule
from latentink.editing.objective import load_critics
from latentink.editing.presets import PAPER, Preset
from latentink.editing.task import EditTask
from latentink.geometry import Rectangle
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.methods.entries import DENSE, MethodEntry, MethodOptions, chosen_decoder
from latentink.methods.fnns import decoder_logits
from latentink.methods.method import Method, Stego, seed_of
from latentink.methods.saving import from_eight_bits
from latentink.payload.keystream import entropy_of
from latentink.steganography import compress, decompress


@dataclass(frozen=True)
class PaperMethod(Method):
    """A codec at a quality with an editor's preset, every position of the decoder used.

    Attributes:
        name: the row's.
        codec: name of the codec.
        quality: 1 to 8.
        preset: of the editor; its decoder and spread are not used, and one schedule is run.
        decoder: folded, frozen (message_decoders/folding.py); D bits at each pixel.
        device: where the editor computes: a key of :data:`latentink.devices.DEVICES`.
    """

    name: str
    codec: str
    quality: float
    preset: Preset
    decoder: MessageDecoder
    device: str = DEFAULT_DEVICE

    @property
    def suffix(self) -> str:
        """Return ``".lik"``."""
        return ".lik"

    def bits_shape(self, cover: np.ndarray) -> tuple[int, ...]:
        """Return (D, H, W)."""
        return self.decoder.data_depth, cover.shape[0], cover.shape[1]

    def embed(self, cover: np.ndarray, bits: np.ndarray, seed: int = 0) -> Stego:
        """Return a .lik file after one schedule of the editor, however many bits it got right."""
        self.check_bits(cover, bits)
        codec = load_codec(self.codec)
        code = codec.quality_code(self.quality)
        plain = compress_plainly(codec, cover, code, coins_of(entropy_of(seed)))
        task = EditTask(
            cover=plain.cover,
            v=plain.v,
            z=plain.latents.z,
            side=plain.side,
            quality_code=code,
            lagrangian=codec.lagrangian(code),
            decoder=self.decoder,
            window=Rectangle(0, 0, *cover.shape[:2]),
            wanted=torch.from_numpy(2.0 * bits - 1).float(),
            information=1.0,
            critics=load_critics(self.preset.weights, codec),
            device=device_named(self.device),
        )
        edited = run_schedule(codec, task, self.preset, seed=seed, steps=self.preset.steps)
        return self.load(
            pack_latents(codec.entropy, edited.latents, (cover.shape[0], cover.shape[1]))
        )

    def plain(self, cover: np.ndarray, like: Stego | None = None) -> Stego:
        """Return the .lik file of the cover at the same quality."""
        return self.load(
            compress(cover, codec=self.codec, quality=self.quality, seed=seed_of(cover)).data
        )

    def load(self, data: bytes) -> Stego:
        """Return the decoded picture of a .lik file."""
        return Stego(data, from_eight_bits(decompress(data)))

    def extract(self, stego: Stego) -> np.ndarray:
        """Return the decoder's logits (D, H, W)."""
        return decoder_logits(self.decoder, stego.picture)


# The dense decoder of depth 1 reads fine colour, which no learned codec keeps; robust does not.
_DECODERS = (PAPER.decoder, *DENSE[1:])


def _row(name: str, codec: str, quality: float, options: MethodOptions) -> PaperMethod:
    decoder = chosen_decoder(name, options, _DECODERS)
    return PaperMethod(name, codec, quality, PAPER, decoder, options.device)


ENTRIES = tuple(
    MethodEntry(
        f"{codec.paper_row}-{quality}",
        "Train the Latent, Not the Image",
        f"edits the latent of {codec.name} at quality {quality}",
        partial(_row, f"{codec.paper_row}-{quality}", codec.name, float(quality)),
        len(_DECODERS),
        takes_decoder=True,
    )
    for codec in CODECS.values()
    if codec.paper_row is not None
    for quality in range(1, 9)
)
