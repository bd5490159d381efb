"""ELIC (He et al. 2022): the codec in use, in training, and published checkpoints of it."""

from latentink.codecs.elic.codec import ElicCodec
from latentink.codecs.elic.groups import LEAST_LATENT_CHANNELS
from latentink.codecs.elic.model import ElicModel
from latentink.codecs.elic.published import PUBLISHED
from latentink.codecs.implementation import Implementation

IMPLEMENTATION = Implementation(
    codec=ElicCodec,
    model=ElicModel,
    published=PUBLISHED,
    least_latent_channels=LEAST_LATENT_CHANNELS,
)
