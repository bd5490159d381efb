"""A term beside Eq. 1: how surely a detector of stegos recognises this one.

LISO (Chen, Kishore, Weinberger, ICLR 2023, section 4.4) adds a detector to its loss in the same
way, so that the optimisation removes what the detector has learned to see.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def evasion(scores: Tensor) -> Tensor:
    """Return −E log P(cover) (scalar, nats, > 0) for a detector's scores.

    Args:
        scores: the stego's logit less the cover's, any shape, as
            :func:`latentink.steganalysis.network_detector.logit_difference` gives them.
    """
    return functional.softplus(scores).mean()
