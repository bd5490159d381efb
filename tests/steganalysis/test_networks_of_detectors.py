"""The networks, the kernels they start from, and the detector around them with its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latentink.errors import OptionError, WeightsError
from latentink.picture import to_tensor
from latentink.steganalysis.detector import Evidence
from latentink.steganalysis.network_detector import (
    NETWORKS,
    NetworkDetector,
    load_detector,
    make_network,
    save_detector,
)
from latentink.steganalysis.siastegnet import SiaStegNet, contrastive_loss
from latentink.steganalysis.srm_kernels import SQUARE_5, grey_levels, srm_kernels
from latentink.steganalysis.xunet import XuNet
from latentink.steganalysis.yenet import TruncatedLinear, YeNet
from latentink.tensor_files import read_safetensors, write_safetensors
from photos import astronaut

PARAMETERS = {
    # Convolutions without bias 200 + 3200 + 512 + 2048 + 8192, batch norms 496, linear 258.
    "xunet": 14_906,
    # 780 + 3 · 8130 + 24 032 + 2 · 25 632 + 4624 + 2320, linear 290.
    "yenet": 107_700,
    # 750 + 60; A 30: 3 · 16 320; B 64, A 64: 56 448 + 73 984 + 30 · 64 + 128 …; linear 1028.
    "siastegnet": 706_798,
}


def tensor(height: int = 96, width: int = 96) -> Tensor:
    return to_tensor(astronaut(0, 100, height, width))


def seeded(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make_network(name)


# ---------------------------------------------------------------------------------- kernels


def test_there_are_30_distinct_kernels_that_sum_to_zero() -> None:
    kernels = srm_kernels()
    assert kernels.shape == (30, 5, 5)
    assert len({kernel.tobytes() for kernel in kernels}) == 30
    np.testing.assert_allclose(kernels.sum((1, 2)), 0, atol=1e-6)


def test_kernels_of_each_order_remove_the_polynomials_below_it() -> None:
    rows, columns = np.mgrid[-2:3, -2:3]
    kernels = srm_kernels().astype(np.float64)

    def answers(surface: np.ndarray, some: slice) -> np.ndarray:
        return np.abs((kernels[some] * surface).sum((1, 2)))

    plane, bowl = 3.0 * rows - 5 * columns, (2.0 * rows + 7 * columns) ** 2
    assert (answers(plane, slice(0, 8)) > 1).all()
    np.testing.assert_allclose(answers(plane, slice(8, 20)), 0, atol=1e-5)
    assert (answers(bowl, slice(8, 12)) > 1).all()
    np.testing.assert_allclose(answers(bowl, slice(12, 20)), 0, atol=1e-4)


def test_the_set_of_kernels_stays_itself_when_turned() -> None:
    def names(kernels: np.ndarray) -> set[bytes]:
        # + 0.0 makes −0 the same as 0.
        return {(kernel + 0.0).tobytes() for kernel in kernels}

    kernels = srm_kernels()
    assert names(np.rot90(kernels, axes=(1, 2))) == names(kernels)
    assert names(kernels[:, :, ::-1]) == names(kernels)
    np.testing.assert_array_equal(kernels[-1], SQUARE_5.astype(np.float32))


def test_grey_levels_are_luminance_unrounded() -> None:
    pixel = torch.tensor([10.0, 20.0, 31.0]).div(255).view(1, 3, 1, 1)
    assert float(grey_levels(pixel)) == pytest.approx(2.99 + 11.74 + 3.534, abs=1e-4)
    assert float(grey_levels(torch.ones(1, 3, 1, 1))) == pytest.approx(255, abs=1e-4)


# --------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_have_the_papers_sizes(name: str) -> None:
    assert sum(p.numel() for p in make_network(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", NETWORKS)
def test_any_size_from_64_serves_and_every_weight_learns(name: str) -> None:
    network = seeded(name)
    for height, width in ((64, 64), (65, 101), (130, 67)):
        logits = network(torch.cat((tensor(height, width), 1 - tensor(height, width))))
        assert logits.shape == (2, 2)
    # Blocks start as their shortcuts: what lies inside learns after the first step.
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    both = torch.cat((tensor(), tensor().flip(3)))
    nn.functional.cross_entropy(network(both), torch.tensor([0, 1])).backward()
    for label, parameter in network.named_parameters():
        assert parameter.grad is not None, label
        assert torch.isfinite(parameter.grad).all(), label
        assert parameter.grad.abs().max() > 0, label


@pytest.mark.parametrize("name", NETWORKS)
def test_brightness_alone_is_nothing_to_the_networks(name: str) -> None:
    network = seeded(name).eval()
    dim = tensor() * 0.5
    torch.testing.assert_close(network(dim), network(dim + 0.25), rtol=1e-4, atol=1e-4)


def test_xunet_looks_at_the_kv_residual_whatever_the_precision() -> None:
    spike = torch.zeros(1, 3, 64, 64)
    spike[..., 30, 30] = 1 / 255
    with torch.autocast("cpu", dtype=torch.bfloat16):
        residual = XuNet().residual(spike + 0.75)
    assert residual.dtype == torch.float32
    expected = torch.from_numpy(SQUARE_5).float()
    torch.testing.assert_close(residual[0, 0, 28:33, 28:33], expected, rtol=0, atol=1e-3)
    # Reflection makes no edge at the border.
    assert float(XuNet().residual(torch.full((1, 3, 64, 64), 0.9)).abs().max()) < 1e-3


def test_xunet_does_not_see_the_sign_of_the_residual() -> None:
    network = seeded("xunet").eval()
    torch.testing.assert_close(network(tensor()), network(1 - tensor()), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(network(tensor()), network(tensor() * 0.5), rtol=1e-4)


def test_yenet_starts_from_the_kernels_and_cuts_off() -> None:
    first = YeNet().first
    np.testing.assert_array_equal(first.weight.detach().numpy()[:, 0], srm_kernels())
    assert first.weight.requires_grad
    assert TruncatedLinear()(torch.tensor([-9.0, -3, 0.5, 4])).tolist() == [-3, -3, 0.5, 3]


def test_the_smallest_picture_leaves_yenets_ninth_layer_more_than_2_by_2() -> None:
    # There oneDNN's bfloat16 gradient of weights at stride 3 is uninitialised memory (torch 2.14).
    network, sizes = YeNet(), []
    ninth = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)][-1]
    ninth.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[-2:]))
    network(tensor(64, 64))
    assert ninth.stride == (3, 3)
    assert min(sizes[0]) > 2


def test_siastegnet_compares_the_halves() -> None:
    network = seeded("siastegnet").eval()
    assert isinstance(network, SiaStegNet)
    half = tensor(64, 48)
    left, right = network.halves(torch.cat((half, half), dim=3))
    torch.testing.assert_close(left, right)
    odd = torch.cat((half, torch.zeros(1, 3, 64, 1), half), dim=3)
    for side in network.halves(odd):
        torch.testing.assert_close(side, left, rtol=1e-4, atol=1e-5)
    left, right = network.halves(tensor(64, 96))
    assert not torch.allclose(left, right)
    # Mean, variance, minimum, maximum and distance do not know which half is which.
    torch.testing.assert_close(network.classify(left, right), network.classify(right, left))


def test_the_contrastive_loss_by_hand() -> None:
    left = torch.zeros(3, 2)
    right = torch.tensor([[3.0, 4.0], [0.6, 0.8], [3.0, 4.0]])
    # A cover at distance 5; stegos at distance 1 (0.25 too near) and 5 (far enough).
    loss = contrastive_loss(left, right, torch.tensor([0, 1, 1]))
    assert float(loss) == pytest.approx((25 + 0.0625 + 0) / 3, rel=1e-4)


# --------------------------------------------------------------------------------- detector


def test_scores_are_the_difference_of_the_logits_and_repeatable() -> None:
    evidence = Evidence(b"anything", astronaut(0, 100, 70, 90))
    detector = NetworkDetector("xunet")
    assert detector.threshold == 0
    score = detector.score(evidence)
    logits = detector.network(to_tensor(evidence.picture)).detach()[0]
    assert score == pytest.approx(float(logits[1] - logits[0]), abs=1e-6)
    assert score == NetworkDetector("xunet").score(evidence)


def test_a_trained_network_is_taken_as_it_is() -> None:
    evidence, network = Evidence(b"", astronaut(0, 100, 64, 64)), make_network("xunet")
    detector = NetworkDetector("xunet")
    assert not detector.trained
    detector.learned(network)
    assert detector.trained
    assert not network.training
    assert detector.score(evidence) == NetworkDetector("xunet", network).score(evidence)


def test_what_cannot_be_looked_at_is_a_sentence() -> None:
    with pytest.raises(OptionError, match="80×63 is too small"):
        NetworkDetector("xunet").score(Evidence(b"", astronaut(0, 0, 63, 80)))
    with pytest.raises(OptionError, match="xunet, yenet, siastegnet"):
        NetworkDetector("srnet")


# ------------------------------------------------------------------------------------ files


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_gives_the_same_detector(name: str, tmp_path: Path) -> None:
    detector, path = NetworkDetector(name), tmp_path / "detector.safetensors"
    # Statistics of batch norm belong to the weights.
    detector.network.train()(torch.cat((tensor(), tensor().flip(2))))
    detector.network.eval()
    save_detector(detector, path, {"pairs": "of nothing", "network": "another"})
    _, metadata = read_safetensors(path)
    assert metadata["pairs"] == "of nothing"
    loaded = load_detector(path)
    assert loaded.trained
    assert loaded.name == metadata["network"] == name
    evidence = Evidence(b"", astronaut(0, 100, 70, 90))
    assert loaded.score(evidence) == detector.score(evidence)


def test_files_of_something_else_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "detector.safetensors"
    with pytest.raises(WeightsError, match="There is no file"):
        load_detector(path)
    path.write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="safetensors"):
        load_detector(path)
    save_detector(NetworkDetector("xunet"), path, {})
    tensors, metadata = read_safetensors(path)
    for change, sentence in (
        ({"format": "latentink LISO 1"}, "something else"),
        ({"network": "srnet"}, "'srnet'"),
        ({"network": "yenet"}, "tensor"),
    ):
        write_safetensors(tensors, metadata | change, path)
        with pytest.raises(WeightsError, match=sentence):
            load_detector(path)
    tensors["classifier.bias"][0] = float("nan")
    write_safetensors(tensors, metadata, path)
    with pytest.raises(WeightsError, match="not finite"):
        load_detector(path)
