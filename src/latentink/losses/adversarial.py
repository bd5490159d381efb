"""L_adv of Eq. 1, and the loss that trains the discriminator itself.

The logits are those of critics/discriminator.py: sigmoid(logit) = g_d is, for each patch, the
probability that the picture is a photo. Mentzer et al. 2020, "High-Fidelity Generative Image
Compression" (HiFiC).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def adversarial(logits: Tensor) -> Tensor:
    """Return L_adv = −E log g_d(x̂, ŷ) (scalar, nats per patch, > 0), the paper's Eq. 3.

    This is the non-saturating form: −log sigmoid(l) = softplus(−l), whose gradient stays near −1
    where the discriminator is sure that the picture is not a photo.

    Args:
        logits: of the stego, any shape (the discriminator's is (B, 1, h, w)); positive = photo.
    """
    return functional.softplus(-logits).mean()


def discrimination(real: Tensor, fake: Tensor) -> Tensor:
    """Return L_D = −E log g_d(x, ŷ) − E log(1 − g_d(x̂, ŷ)) (scalar, nats per pair of patches).

    HiFiC's loss of the discriminator; at 2·ln 2 = 1.386 it cannot tell the two apart.

    Args:
        real: logits of photos, any shape; positive = photo.
        fake: logits of reconstructions, any shape.
    """
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()
