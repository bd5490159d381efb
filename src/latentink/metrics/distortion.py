"""Peak signal-to-noise ratio of 8-bit pictures."""

from __future__ import annotations

import numpy as np


def psnr_db(cover: np.ndarray, stego: np.ndarray) -> float:
    """Return 10·log10(255² / MSE) in dB of two (H, W, 3) uint8 pictures; inf when equal."""
    from skimage.metrics import peak_signal_noise_ratio

    if np.array_equal(cover, stego):
        return float("inf")
    return float(peak_signal_noise_ratio(cover, stego, data_range=255))
