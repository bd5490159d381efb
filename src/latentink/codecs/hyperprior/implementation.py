"""The scale hyperprior: the codec in use, in training, and published checkpoints of it."""

from latentink.codecs.hyperprior.codec import HyperpriorCodec
from latentink.codecs.hyperprior.model import HyperpriorModel
from latentink.codecs.hyperprior.published import PUBLISHED
from latentink.codecs.implementation import Implementation

IMPLEMENTATION = Implementation(
    codec=HyperpriorCodec,
    model=HyperpriorModel,
    published=PUBLISHED,
    zoo="bmshj2018-hyperprior",
)
