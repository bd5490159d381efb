"""Whether candidate symbols deliver the message: the receiver's path, made a little harder."""

from __future__ import annotations

import numpy as np
import torch

from latentink.channels.channel import Received, received_picture
from latentink.channels.pixels.carrier import payload_positions
from latentink.channels.pixels.plan import Plan
from latentink.channels.pixels.receiver import read_logits, read_soft_bits
from latentink.codecs.codec import Codec
from latentink.codecs.entropy_model import STRIDE, Latents
from latentink.editing.editor import Reading
from latentink.editing.soft_information import soft_information
from latentink.geometry import Rectangle
from latentink.message_decoders.message_decoder import MessageDecoder
from latentink.payload.frame import frame_bits, read_frame
from latentink.payload.keys import Keys
from latentink.picture import to_picture

MARGIN = 0.01
"""Share of the raw bits that are turned over before decoding, so that success has a margin."""


class CandidateCheck:
    """Callable: latents of the whole photo → :class:`Reading`.

    Only the edited window is synthesised anew, with the halo that makes it equal to the same part
    of the whole picture; the rest is the plain picture.

    Attributes:
        best_accuracy: the highest share of right payload bits among the candidates so far.
    """

    def __init__(
        self,
        codec: Codec,
        decoder: MessageDecoder,
        plan: Plan,
        sealed: bytes,
        keys: Keys,
        plain_picture: np.ndarray,
        quality_code: int,
    ) -> None:
        self.codec, self.decoder, self.plan = codec, decoder, plan
        self.sealed, self.keys, self.quality_code = sealed, keys, quality_code
        self.plain_picture = plain_picture
        self.places = payload_positions(plan.carrier, plan.smallest, keys)[: plan.raw_bits]
        self.signs = 2.0 * frame_bits(sealed, plan.raw_bits, keys) - 1
        self.best_accuracy = 0.5
        # Keyed positions are in random order already: the first ones are as good as any.
        self.turned = round(MARGIN * plan.raw_bits)

    def __call__(self, latents: Latents) -> Reading:
        """Read the candidate as the receiver would."""
        received = received_picture(self._picture(latents.values))
        logits = read_logits(self.decoder, received, self.plan.carrier).ravel()[self.places]
        margins = logits * self.signs
        self.best_accuracy = max(self.best_accuracy, float((margins > 0).mean()))
        information = soft_information(torch.from_numpy(margins).float()) / len(margins)
        return Reading(self._comes_back(received), information)

    def _comes_back(self, received: Received) -> bool:
        soft = read_soft_bits(self.decoder, received, self.keys)
        if soft is None or len(soft.payload) != self.plan.raw_bits:
            return False
        weakened = soft.payload.copy()
        weakened[: self.turned] *= -1
        # At the edge a decoder that iterates may fail on the better of two inputs.
        return all(
            read_frame(payload, soft.sealed_bytes, self.keys) == self.sealed
            for payload in (weakened, soft.payload)
        )

    def _picture(self, values: np.ndarray) -> np.ndarray:
        height, width = self.plain_picture.shape[:2]
        window = self.plan.carrier.window
        # A latent beyond, too: message decoders see a few pixels outside of a window.
        bounds = Rectangle(0, 0, height, width)
        changed = window.coarsened(STRIDE).scaled(STRIDE).grown(STRIDE, bounds)
        part = self.codec.synthesise_part(values, self.quality_code, (height, width), changed)
        picture = self.plain_picture.copy()
        picture[changed.rows, changed.columns] = to_picture(part)
        return picture
