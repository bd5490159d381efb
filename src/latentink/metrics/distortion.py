"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math

import numpy as np


def psnr_db(cover: np.ndarray, stego: np.ndarray) -> float:
    """Return 10·log10(255² / MSE) in dB of two (H, W, 3) uint8 pictures; inf when equal."""
    # scikit-image's takes ten times as long: it goes through float64.
    squares = np.square(np.subtract(cover, stego, dtype=np.float32))
    error = float(squares.mean(dtype=np.float64))
    return 10 * math.log10(255**2 / error) if error else math.inf


def picture_psnr_db(cover: np.ndarray, picture: np.ndarray) -> float:
    """Return the PSNR in dB of a picture (H, W, 3) float32 in [0, 1] against its uint8 cover."""
    from skimage.metrics import peak_signal_noise_ratio

    original = cover / 255
    if np.array_equal(original.astype(np.float32), picture):
        return float("inf")
    return float(peak_signal_noise_ratio(original, picture.astype(np.float64), data_range=1))
