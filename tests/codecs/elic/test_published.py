"""Published checkpoints of ELIC code pictures as CompressAI's networks do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from latentink.codecs.importing import import_weights
from latentink.codecs.loading import load_codec
from latentink.picture import to_tensor
from photos import astronaut
from published_checkpoints import (
    NO_COMPRESSAI,
    chandelier_elic,
    lively,
    under_chandeliers_names,
    write,
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTINK_WEIGHTS", str(tmp_path / "weights"))


@pytest.mark.parametrize("names", [dict, under_chandeliers_names])
def test_chandeliers_variant_is_coded_as_compressai_codes_it(tmp_path, names):
    chandelier = chandelier_elic()
    source = write(names(chandelier.state_dict()), tmp_path / "elic_0.016.pth.tar")
    made = import_weights(source, codec="elic", quality=4)
    codec = load_codec("elic", made.path)
    picture = astronaut(height=128, width=96)
    code = codec.quality_code(4)
    v = codec.analyse(to_tensor(picture), code)
    z = codec.hyper_analyse(v)
    latents = codec.quantise(v, z, code)
    assert np.abs(latents.y).max() > 0
    hyper = chandelier.latent_codec["hyper"]
    medians = hyper.entropy_bottleneck.quantiles[:, 0, 1].view(1, -1, 1, 1)
    with torch.no_grad():
        side = hyper.h_s(torch.from_numpy(z).float()[None] + medians)
        side = side[..., : v.shape[-2], : v.shape[-1]]
        expected = chandelier.latent_codec["y"](v, side)["y_hat"][0].numpy()
    # Means on the boundary of rounding may differ by the last digits of float32.
    assert (np.abs(latents.values - expected) > 0.01).mean() < 0.01
    decoded = codec.entropy.decode(codec.entropy.encode(latents), 128, 96, code)
    np.testing.assert_array_equal(decoded.values, latents.values)


def test_the_papers_variant_is_coded_as_compressai_codes_it(tmp_path):
    torch.manual_seed(0)
    sensetime = pytest.importorskip("compressai.models.sensetime", reason=NO_COMPRESSAI)
    model = lively(sensetime.Elic2022Official(32, 160))
    made = import_weights(write(model.state_dict(), tmp_path / "own.pth.tar"), codec="elic")
    codec = load_codec("elic", made.path)
    code = codec.quality_code(5)
    v = codec.analyse(to_tensor(astronaut(height=64, width=96)), code)
    z = codec.hyper_analyse(v)
    hyper = model.latent_codec["hyper"]
    medians = hyper.entropy_bottleneck.quantiles[:, 0, 1].view(1, -1, 1, 1)
    with torch.no_grad():
        side = hyper.h_s(torch.from_numpy(z).float()[None] + medians)
        side = side[..., : v.shape[-2], : v.shape[-1]]
        expected = model.latent_codec["y"](v, side)["y_hat"][0].numpy()
    assert (np.abs(codec.quantise(v, z, code).values - expected) > 0.01).mean() < 0.01
