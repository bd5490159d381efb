"""The decoders keep their contract: shapes, halo, signs, and folding changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latentink.message_decoders import folding
from latentink.message_decoders.basic import BasicDecoder, BasicEncoder
from latentink.message_decoders.dense import DenseDecoder, DenseEncoder
from latentink.message_decoders.folding import FoldedDecoder, fold_batch_norm
from latentink.message_decoders.message_decoder import MessageDecoder

Trainable = DenseDecoder | BasicDecoder


def used(decoder: Trainable) -> Trainable:
    """Give the batch norms statistics and weights as if trained, negative scales included."""
    torch.manual_seed(5)
    for module in decoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return decoder.requires_grad_(False).eval()


DECODERS = [DenseDecoder, BasicDecoder]


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("data_depth", [1, 3])
def test_logits_have_the_shape_of_the_contract(kind: type[Trainable], data_depth: int) -> None:
    decoder = used(kind(data_depth, hidden=8))
    for network in (decoder, fold_batch_norm(decoder)):
        assert isinstance(network, MessageDecoder)
        assert network.data_depth == data_depth
        assert network(torch.rand(2, 3, 16, 21)).shape == (2, data_depth, 16, 21)


@pytest.mark.parametrize("kind", DECODERS)
def test_a_pixel_moves_the_logits_of_its_halo_and_no_other(kind: type[Trainable]) -> None:
    decoder = used(kind(1, hidden=8))
    for network in (decoder.double(), fold_batch_norm(decoder).double()):
        picture = torch.rand(1, 3, 32, 32, dtype=torch.float64)
        changed = picture.clone()
        changed[:, :, 16, 15] = 1 - changed[:, :, 16, 15]
        moved = (network(picture) != network(changed))[0, 0].nonzero()
        low, high = moved.min(0).values.tolist(), moved.max(0).values.tolist()
        halo = network.halo
        assert low == [16 - halo, 15 - halo]
        assert high == [16 + halo, 15 + halo]


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("strip_pixels", [folding.STRIP_PIXELS, 40 * 50])
def test_folding_changes_neither_logits_nor_gradient(
    kind: type[Trainable], strip_pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "STRIP_PIXELS", strip_pixels)
    decoder = used(kind(2, hidden=8)).double()
    folded = fold_batch_norm(decoder).double()
    picture = torch.rand(1, 3, 101, 50, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(1, 2, 101, 50, dtype=torch.float64)
    plain, quick = decoder(picture), folded(picture)
    # Buffers are kept as float32, hence not 1e-12.
    torch.testing.assert_close(quick, plain, rtol=0, atol=1e-5)
    gradients = [torch.autograd.grad(y, picture, direction)[0] for y in (plain, quick)]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=1e-5)
    assert gradients[0].abs().max() > 1e-3


def test_folding_leaves_the_decoder_alone_and_freezes_its_copy() -> None:
    decoder = DenseDecoder(1, hidden=4).eval()
    before = {name: tensor.clone() for name, tensor in decoder.state_dict().items()}
    folded = fold_batch_norm(decoder)
    assert not list(folded.parameters())
    assert fold_batch_norm(folded) is folded
    for name, tensor in decoder.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_folded_decoder_works_in_bfloat16_autocast() -> None:
    folded = fold_batch_norm(used(DenseDecoder(1, hidden=8)))
    picture = torch.rand(1, 3, 64, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = folded(picture)
    rough.float().sum().backward()
    exact = folded(picture)
    assert picture.grad is not None
    assert (rough - exact).abs().mean() < 0.02 * exact.std()


def test_only_known_decoders_fold() -> None:
    class Other(MessageDecoder):
        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return picture

    with pytest.raises(TypeError, match="Other"):
        fold_batch_norm(Other("other", 1, 1))


@pytest.mark.parametrize(
    "encoder",
    [DenseEncoder(2, 8), BasicEncoder(2, 8), BasicEncoder(2, 8, residual=True)],
    ids=["dense", "basic", "residual"],
)
def test_encoders_return_a_picture(encoder: nn.Module) -> None:
    bits = torch.randint(2, (2, 2, 24, 17)).float()
    stego = encoder.eval()(torch.rand(2, 3, 24, 17), bits)
    assert stego.shape == (2, 3, 24, 17)
    assert torch.isfinite(stego).all()


def test_folded_decoder_is_a_module_with_buffers_only() -> None:
    folded = fold_batch_norm(DenseDecoder(1, hidden=4).eval())
    assert isinstance(folded, FoldedDecoder)
    assert not folded.training
