"""L_adv of Eq. 1, and what the discriminator itself is trained on.

Logits are those of discriminator.py: g_d = sigmoid(logit) is the probability, for each patch, that
the picture is a photo. Mentzer et al. 2020, "High-Fidelity Generative Image Compression" (HiFiC).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def adversarial(logits: Tensor) -> Tensor:
    """Return L_adv = −E log g_d(x̂, ŷ) (scalar, nats per patch, > 0), the paper's Eq. 3.

    The non-saturating form: −log sigmoid(l) = softplus(−l), whose gradient stays near −1 where the
    discriminator is sure that the picture is none. Its weight is λ3.

    Args:
        logits: of the stego, any shape (discriminator.py: (B, 1, h, w)); positive = photo.
    """
    return functional.softplus(-logits).mean()


def discrimination(real: Tensor, fake: Tensor) -> Tensor:
    """Return L_D = −E log g_d(x, ŷ) − E log(1 − g_d(x̂, ŷ)) (scalar, nats per pair of patches).

    HiFiC's loss of the discriminator; one that cannot tell the two apart has 2·ln 2 = 1.386.

    Args:
        real: logits of photos, any shape; positive = photo.
        fake: logits of reconstructions, any shape.
    """
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()
