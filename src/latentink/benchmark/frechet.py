"""How far two sets of pictures are apart as distributions: the Fréchet distance of their features.

Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs Trained by a Two Time-Scale Update Rule
Converge to a Local Nash Equilibrium", NeurIPS 2017, Eq. 6: of the Gaussians with the means and
covariances of the features,

    d² = |μ1 − μ2|² + Tr(Σ1 + Σ2 − 2·(Σ1·Σ2)^½).

It needs many pictures: thousands where features have thousands of dimensions. With fewer it is
biased upwards, so compare only figures of equally many pictures, and none with published figures of
other numbers of pictures.

FID is this distance on Inception v3; latentink brings no weights for it. FD-VGG is on the VGG-16
that LPIPS brings. It has another scale altogether and must not be called FID.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentink.benchmark.extras import import_pandas
from latentink.benchmark.layout import COVER
from latentink.critics.lpips import PerceptualLoss
from latentink.errors import OptionError, unfit_weights
from latentink.picture import read_picture, to_tensor
from latentink.tensor_files import read_checkpoint

if TYPE_CHECKING:
    import pandas as pd

INCEPTION_FILES = (
    "weights-inception-2015-12-05-6726825d.pth",
    "weights-inception-2015-12-05-6718a8a7.pth",
)
"""What torch-fidelity's weights are called in torch hub's folder of checkpoints."""
# Pixels; the side that FID scales pictures to.
_LARGEST_SIDE = 299


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Fréchet distance d² ≥ 0 of two sets of features.

    The trace of (Σ1·Σ2)^½ is the sum of the singular values of A·Bᵀ, for any A, B with Σ1 = AᵀA and
    Σ2 = BᵀB. Unlike a matrix square root that is exact and safe for covariances of any rank, as
    those of fewer pictures than features are.

    Args:
        first: (n, d), a row for each picture.
        second: (m, d).

    Raises:
        OptionError: a set has fewer than two pictures.
    """
    if min(len(first), len(second)) < 2:
        raise OptionError(
            "A Fréchet distance needs two pictures at least on either side; take more."
        )
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    root, other_root = _covariance_root(one), _covariance_root(other)
    cross = np.linalg.svd(root @ other_root.T, compute_uv=False).sum()
    shift = np.square(one.mean(axis=0) - other.mean(axis=0)).sum()
    spread = np.square(root).sum() + np.square(other_root).sum()
    return max(float(shift + spread - 2 * cross), 0.0)


@torch.no_grad()
def vgg_features(pictures: Iterable[np.ndarray], loss: PerceptualLoss) -> np.ndarray:
    """Return features (n, 512) float32 of pictures (H, W, 3) uint8.

    The last block of LPIPS's VGG-16, of unit length along channels at each position as LPIPS
    compares it, averaged over positions. Pictures with a side above 299 are scaled down to it.
    """
    rows = [loss.features(_scaled_down(picture))[-1].mean(dim=0) for picture in pictures]
    return torch.stack(rows).float().numpy() if rows else np.zeros((0, 512), np.float32)


def _scaled_down(picture: np.ndarray) -> Tensor:
    whole = to_tensor(picture)
    factor = _LARGEST_SIDE / max(picture.shape[:2])
    if factor >= 1:
        return whole
    size = [max(round(factor * side), 1) for side in picture.shape[:2]]
    return functional.interpolate(whole, size, mode="bilinear", antialias=True)


def load_inception(weights: Path | None = None) -> nn.Module | None:
    """Return torch-fidelity's Inception v3, or None where nothing is named and nothing there.

    Args:
        weights: its file; None looks into torch hub's cache.

    Raises:
        OptionError: a file is named but torch-fidelity is missing.
        WeightsError: the file is missing or damaged.
    """
    path = weights or find_inception_weights()
    if path is None:
        return None
    if importlib.util.find_spec("torch_fidelity") is None:
        if weights is None:
            return None
        raise OptionError("FID needs the package torch-fidelity: pip install torch-fidelity.")
    from torch_fidelity import FeatureExtractorInceptionV3

    # torch-fidelity would run whatever code a pickle holds; this refuses such files.
    read_checkpoint(path)
    try:
        extractor: nn.Module = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)
        )
    except RuntimeError as error:
        raise unfit_weights(
            f"{path} does not hold torch-fidelity's Inception v3 ({str(error).splitlines()[0]})"
        ) from None
    return extractor


def find_inception_weights() -> Path | None:
    """Return the file of Inception v3 in torch hub's cache, or None."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    return next((folder / name for name in INCEPTION_FILES if (folder / name).is_file()), None)


@torch.no_grad()
def inception_features(pictures: Iterable[np.ndarray], extractor: nn.Module) -> np.ndarray:
    """Return features (n, 2048) float32 of pictures (H, W, 3) uint8.

    Args:
        pictures: of any size; torch-fidelity scales them as TensorFlow 1 did.
        extractor: from :func:`load_inception`.
    """
    batches = (torch.from_numpy(picture).permute(2, 0, 1)[None] for picture in pictures)
    rows = [extractor(batch)[0][0].float() for batch in batches]
    return torch.stack(rows).numpy() if rows else np.zeros((0, 2048), np.float32)


def picture_distances(
    pictures: Path,
    loss: PerceptualLoss | None,
    inception: nn.Module | None = None,
    on_method: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Return the distances of all methods' pictures from the photos themselves.

    Args:
        pictures: holds ``DATASET/METHOD/PHOTO.png`` and, for the photos themselves,
            ``DATASET/cover/PHOTO.png``.
        loss: LPIPS, of whose trunk FD-VGG is; None leaves that out.
        inception: from :func:`load_inception`; None leaves FID out.
        on_method: told after each dataset's method how many are done, and of how many.

    Returns:
        Columns dataset, method, pictures (how many), fd_vgg and fid (NaN where left out). Each
        method is compared with those photos that it has a picture of; two are the least.

    Raises:
        OptionError: pandas is missing.
        PictureError: a picture cannot be read.
    """
    pandas = import_pandas()
    kinds: dict[str, Callable[[Iterable[np.ndarray]], np.ndarray]] = {}
    if loss is not None:
        kinds["fd_vgg"] = partial(vgg_features, loss=loss)
    if inception is not None:
        kinds["fid"] = partial(inception_features, extractor=inception)

    @cache
    def of_photo(kind: str, path: Path) -> np.ndarray:
        return kinds[kind]((read_picture(path),))[0]

    rows = []
    folders = _folders_of_methods(pictures)
    for finished, folder in enumerate(folders, start=1):
        covers = folder.parent / COVER
        both = [path for path in sorted(folder.glob("*.png")) if (covers / path.name).is_file()]
        if len(both) >= 2:
            row = {"dataset": folder.parent.name, "method": folder.name, "pictures": len(both)}
            for kind, features in kinds.items():
                own = features(read_picture(path) for path in both)
                photos = np.stack([of_photo(kind, covers / path.name) for path in both])
                row[kind] = frechet_distance(photos, own)
            rows.append(row)
        on_method(finished, len(folders))
    columns = ["dataset", "method", "pictures", "fd_vgg", "fid"]
    return pandas.DataFrame(rows, columns=columns)


def _folders_of_methods(pictures: Path) -> list[Path]:
    """Return the folders ``DATASET/METHOD`` of the datasets whose photos are there."""
    return [
        folder
        for dataset in sorted(path for path in pictures.glob("*") if (path / COVER).is_dir())
        for folder in sorted(dataset.iterdir())
        if folder.name != COVER
    ]


def _covariance_root(features: np.ndarray) -> np.ndarray:
    """Return R (min(n, d), d) with RᵀR the covariance of features (n, d)."""
    centred = features - features.mean(axis=0)
    return np.asarray(np.linalg.qr(centred / np.sqrt(len(features) - 1), mode="r"))
