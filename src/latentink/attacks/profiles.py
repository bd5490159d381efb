"""Profiles: the attacks that a message is asked to survive, by name."""

from __future__ import annotations

from latentink.attacks.attack import Attack, avif, gamma, jpeg, sharpened, webp
from latentink.errors import OptionError

PROFILES: dict[str, tuple[Attack, ...]] = {
    "copy": (Attack("as it is"),),
    "web": (
        Attack("JPEG 75", (jpeg(75),)),
        Attack("WebP 80", (webp(80),)),
        Attack("AVIF 60", (avif(60),)),
        Attack("×0.75, JPEG 75", (jpeg(75),), scale=0.75),
        Attack("×1.5, JPEG 75", (jpeg(75),), scale=1.5),
    ),
    "messenger": (
        Attack("JPEG 50 twice", (jpeg(50), jpeg(50))),
        Attack("WebP 60", (webp(60),)),
        Attack("1,600 pixels, JPEG 60", (jpeg(60),), longest_side=1600),
        Attack("1,280 pixels, JPEG 60", (jpeg(60),), longest_side=1280),
        Attack("×0.5, JPEG 75", (jpeg(75),), scale=0.5),
        Attack("×2, JPEG 60", (jpeg(60),), scale=2),
        Attack("sharpened, JPEG 70", (sharpened(60), jpeg(70))),
        Attack("gamma 0.9, JPEG 75", (gamma(0.9), jpeg(75))),
        Attack("gamma 1.1, JPEG 75", (gamma(1.1), jpeg(75))),
    ),
    "harsh": (
        Attack("JPEG 30", (jpeg(30),)),
        Attack("WebP 40", (webp(40),)),
        Attack("×0.35, JPEG 50", (jpeg(50),), scale=0.35),
        Attack("1,280 pixels, JPEG 40", (jpeg(40),), longest_side=1280),
    ),
}


def attacks_of(profile: str, size: tuple[int, int]) -> list[Attack]:
    """Return the attacks of a profile that happen to a picture of this height and width.

    Raises:
        OptionError: there is no profile of that name.

    Example:
        >>> [attack.name for attack in attacks_of("copy", (512, 768))]
        ['as it is']
    """
    if profile not in PROFILES:
        raise OptionError(f"There is no profile {profile!r}; choose from {', '.join(PROFILES)}.")
    return [attack for attack in PROFILES[profile] if attack.happens_to(size)]
