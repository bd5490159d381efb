"""Every layer and both architectures compute what CompressAI's compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from latentink.bundled import bundled
from latentink.codecs.elic.groups import elic_groups
from latentink.codecs.elic.networks import ElicNetworks
from latentink.codecs.hyperprior.networks import HyperpriorNetworks
from latentink.codecs.importing import ZOO, ZOO_CHECKSUMS
from latentink.codecs.layers.convolutions import CheckerboardConvolution
from latentink.codecs.layers.factorised_prior import FactorisedPrior
from latentink.codecs.layers.gdn import Gdn
from latentink.codecs.layers.lower_bound import lower_bound
from latentink.codecs.layers.residual import Attention, ResidualBottleneck
from latentink.codecs.weights_packing import network_tensors
from latentink.tensor_files import read_safetensors
from published_checkpoints import NO_COMPRESSAI

compressai = pytest.importorskip("compressai", reason=NO_COMPRESSAI)

from compressai import layers  # noqa: E402
from compressai.entropy_models import EntropyBottleneck  # noqa: E402
from compressai.models import google, sensetime  # noqa: E402
from compressai.ops import LowerBound  # noqa: E402
from compressai.zoo import image as zoo  # noqa: E402

CLOSE = {"rtol": 1e-6, "atol": 1e-6}


def shaken(module: nn.Module) -> nn.Module:
    """Move every parameter a little, so that no term hides behind a zero."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    return module.double().eval()


def assert_same(own: nn.Module, theirs: nn.Module, x: Tensor) -> None:
    """Same parameters by name; then same values, and same gradients to all of them."""
    shaken(theirs)
    own.double().eval().load_state_dict(
        {k: v for k, v in theirs.state_dict().items() if k in dict(own.named_parameters())}
    )
    outcomes = []
    for module in (own, theirs):
        seen = x.double().requires_grad_()
        y = module(seen)
        wanted = [seen, *(p for _, p in sorted(module.named_parameters()))]
        outcomes.append((y, torch.autograd.grad(y.square().sum(), wanted)))
    torch.testing.assert_close(outcomes[0][0], outcomes[1][0], **CLOSE)
    for mine, other in zip(outcomes[0][1], outcomes[1][1], strict=True):
        torch.testing.assert_close(mine, other, **CLOSE)


@pytest.mark.parametrize("inverse", [True, False])
def test_gdn(inverse: bool) -> None:
    assert_same(Gdn(6, inverse), layers.GDN(6, inverse), torch.randn(2, 6, 5, 7))


def test_residual_bottleneck_and_attention() -> None:
    x = torch.randn(2, 6, 5, 7)
    assert_same(ResidualBottleneck(6), sensetime.ResidualBottleneckBlock(6, 6), x)
    assert_same(Attention(6), layers.AttentionBlock(6), x)


def test_checkerboard_convolution() -> None:
    theirs = shaken(layers.CheckerboardMaskedConv2d(4, 8, 5, padding=2))
    own = CheckerboardConvolution(4, 8).double()
    own.load_state_dict({k: v for k, v in theirs.state_dict().items() if k != "mask"})
    x = torch.randn(1, 4, 6, 9, dtype=torch.float64)
    torch.testing.assert_close(own(x), theirs(x), **CLOSE)


def test_lower_bound() -> None:
    for slope in (1.0, -1.0):
        x = torch.tensor([-1.0, 0.11, 2.0], requires_grad=True)
        outcomes = [lower_bound(x, 0.11), LowerBound(0.11)(x)]
        assert torch.equal(*outcomes)
        assert torch.equal(*(torch.autograd.grad((slope * y).sum(), x)[0] for y in outcomes))


def test_factorised_prior() -> None:
    theirs = shaken(EntropyBottleneck(5))
    own = FactorisedPrior(5).double().eval()
    own.load_state_dict({name: p.detach() for name, p in theirs.named_parameters()})
    z = 20 * torch.randn(2, 5, 4, 3, dtype=torch.float64)
    for mine, other in zip(own(z), theirs(z), strict=True):
        torch.testing.assert_close(mine, other, **CLOSE)
    losses = own.quantile_loss(), theirs.loss()
    torch.testing.assert_close(*losses, **CLOSE)
    gradients = [
        torch.autograd.grad(loss, module.quantiles)[0]
        for loss, module in zip(losses, (own, theirs), strict=True)
    ]
    torch.testing.assert_close(*gradients, **CLOSE)
    theirs.float()._update_quantiles()
    torch.testing.assert_close(
        own.float().exact_quantiles(), theirs.quantiles, rtol=1e-3, atol=2e-3
    )


HYPERPRIOR = ("g_a", "g_s", "h_a", "h_s")


def inputs_of(channels: int, latent_channels: int) -> dict[str, Tensor]:
    return {
        "g_a": torch.rand(1, 3, 64, 64),
        "g_s": torch.randn(1, latent_channels, 4, 4),
        "h_a": torch.randn(1, latent_channels, 4, 8),
        "h_s": torch.randn(1, channels, 1, 2),
    }


def assert_same_networks(own: nn.Module, theirs: dict[str, nn.Module], sizes: tuple[int, int]):
    for name, x in inputs_of(*sizes).items():
        mine = getattr(own, name).double()
        mine.load_state_dict(dict(theirs[name].double().named_parameters()))
        with torch.no_grad():
            torch.testing.assert_close(mine(x.double()), theirs[name](x.double()), **CLOSE)


def test_the_hyperprior() -> None:
    theirs = shaken(google.ScaleHyperprior(8, 12))
    assert_same_networks(HyperpriorNetworks(8, 12), dict(theirs.named_children()), (8, 12))


def test_the_bundled_hyperprior() -> None:
    tensors, _ = read_safetensors(bundled("hyperprior"))
    sizes = tensors["medians"].numel(), tensors["log_gain"].shape[1]
    theirs = google.ScaleHyperprior(*sizes)
    for name in HYPERPRIOR:
        getattr(theirs, name).load_state_dict(network_tensors(tensors, name), strict=False)
    assert_same_networks(HyperpriorNetworks(*sizes), dict(theirs.named_children()), sizes)


def parts_of(theirs: nn.Module) -> dict[str, nn.Module]:
    hyper = theirs.latent_codec["hyper"]
    return {"g_a": theirs.g_a, "g_s": theirs.g_s, "h_a": hyper.h_a, "h_s": hyper.h_s}


def test_elic() -> None:
    groups = elic_groups(136)
    theirs = shaken(sensetime.Elic2022Official(16, 136, groups))
    own = ElicNetworks(16, 136, groups)
    assert_same_networks(own, parts_of(theirs), (16, 136))
    latent = theirs.latent_codec["y"]
    for k in range(len(groups)):
        pairs = [
            (own.spatial_context[k], latent[f"y{k}"].context_prediction),
            (own.aggregation[k], latent[f"y{k}"].entropy_parameters),
        ]
        if k > 0:
            pairs.append((own.channel_context[k - 1], latent.channel_context[f"y{k}"]))
        for mine, other in pairs:
            mine.double().load_state_dict(dict(other.named_parameters()))
            entry = next(mine.parameters()).shape[1]
            x = torch.randn(1, entry, 4, 6, dtype=torch.float64)
            with torch.no_grad():
                torch.testing.assert_close(mine(x), other(x), **CLOSE)


def test_the_bundled_elic() -> None:
    tensors, _ = read_safetensors(bundled("elic"))
    sizes = tensors["medians"].numel(), tensors["log_gain"].shape[1]
    theirs = sensetime.Elic2022Official(*sizes, elic_groups(sizes[1]))
    parts = parts_of(theirs)
    for name, network in parts.items():
        network.load_state_dict(network_tensors(tensors, name))
    assert_same_networks(ElicNetworks(*sizes, elic_groups(sizes[1])), parts, sizes)


def test_the_zoo_is_compressais() -> None:
    for model, checksums in ZOO_CHECKSUMS.items():
        for number, checksum in enumerate(checksums, 1):
            url = f"{ZOO}/{model}-{number}-{checksum}.pth.tar"
            assert zoo.model_urls[model]["mse"][number] == url
