"""What computes on a device mixes nothing with the CPU, and the CPU's bytes do not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import latentink
from latentink import frozen_networks
from latentink.channels.latents.measured.refinement import RefineTask, refine
from latentink.codecs.loading import load_codec
from latentink.devices import DEVICES, device_named, on_device
from latentink.editing.editor import run_schedule
from latentink.editing.objective import load_critics
from latentink.editing.presets import BALANCED
from latentink.editing.task import EditTask
from latentink.errors import OptionError
from latentink.geometry import Rectangle
from latentink.message_decoders.registry import load_message_decoder
from latentink.methods.entries import MethodOptions
from latentink.methods.method import random_bits
from latentink.methods.registry import load_method
from latentink.picture import to_tensor
from photos import astronaut
from pretended_device import MixedDevicesError, pretended_device

LOOKS = {"perceptual": 16.0, "adversarial": 1.0}


def test_names_that_are_there_and_names_that_are_not(monkeypatch):
    assert device_named("cpu").type == "cpu"
    assert device_named("auto").type in DEVICES
    with pytest.raises(OptionError, match="no device 'tpu'; choose auto, cpu, cuda, mps"):
        device_named("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device_named("auto").type == "cpu"
    for name in ("cuda", "mps"):
        with pytest.raises(OptionError, match=f"no device {name} on this machine; choose auto"):
            device_named(name)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device_named("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_named("auto").type == "cuda"


def test_a_network_is_copied_only_if_it_is_elsewhere():
    network = nn.Conv2d(1, 1, 3)
    assert on_device(network, torch.device("cpu")) is network
    with pretended_device() as device:
        moved = on_device(network, device)
        assert moved.weight.device == device
    assert network.weight.device.type == "cpu"


def test_the_pretended_device_mixes_with_nothing():
    """The negative control of the tests below."""
    with pretended_device() as device:
        there = torch.ones(2, 3).to(device)
        with pytest.raises(MixedDevicesError):
            there + torch.ones(2, 3)
        with pytest.raises(MixedDevicesError):
            nn.Linear(3, 1)(there)
        product = (there @ torch.full((3, 1), 2.0, device=device).requires_grad_()).sum()
        product.backward()
        assert float(product) == 12


def task_on(codec, decoder, **changes):
    cover = to_tensor(astronaut(height=64, width=80))
    code = codec.quality_code(5)
    v = codec.analyse(cover, code)
    z = codec.hyper_analyse(v)
    network = load_message_decoder(decoder, bytes(32))
    signs = np.random.default_rng(0).integers(0, 2, (1, 64 // network.stride, 80 // network.stride))
    return EditTask(
        cover=cover,
        v=v,
        z=z,
        side=codec.entropy.side(z, (4, 5)),
        quality_code=code,
        lagrangian=codec.lagrangian(code),
        decoder=network,
        window=Rectangle(0, 0, 64, 80),
        wanted=torch.from_numpy(2.0 * signs - 1).float(),
        information=0.3,
        **changes,
    )


@pytest.fixture
def no_bfloat16(monkeypatch):
    """The CPU computes as the pretended device does, whatever this processor is fast at."""
    monkeypatch.setattr(frozen_networks, "has_fast_bfloat16", lambda: False)


@pytest.mark.usefixtures("no_bfloat16")
@pytest.mark.parametrize("decoder", ["periodic", "dense", "keyed"])
def test_the_editor_stays_on_its_device(codec, decoder):
    """Steps with everything: tiles, cells, a new hyper-latent, and on the CPU the same symbols."""
    looks = LOOKS if decoder == "periodic" and codec.name == "hyperprior" else {}
    preset = replace(BALANCED, weights={**BALANCED.weights, **looks}, hyper_steps=1)
    task = task_on(codec, decoder, critics=load_critics(looks, codec))
    expected = run_schedule(codec, task, preset, seed=0, steps=2)
    with pretended_device() as device:
        found = run_schedule(codec, replace(task, device=device), preset, seed=0, steps=2)
    assert (found.latents.y != expected.latents.y).mean() < 0.01


def test_a_critic_left_behind_is_found():
    """Another negative control: the terms' networks must move with the rest."""
    codec = load_codec("hyperprior")
    preset = replace(BALANCED, weights={**BALANCED.weights, "perceptual": 16.0})
    task = task_on(codec, "periodic", critics=load_critics({"perceptual": 16.0}, codec))

    class Stays(EditTask):
        def on_device(self) -> EditTask:
            return replace(super().on_device(), critics=self.critics)

    with pretended_device() as device:
        left = Stays(**{**vars(task), "device": device})
        with pytest.raises(MixedDevicesError):
            run_schedule(codec, left, preset, seed=0, steps=1)


def test_the_refinement_stays_on_its_device():
    codec = load_codec("hyperprior")
    base = task_on(codec, "periodic")
    task = RefineTask(
        cover=base.cover,
        v=base.v,
        side=codec.conditions(base.side),
        quality_code=base.quality_code,
        lagrangian=base.lagrangian,
        residues=torch.zeros_like(base.v),
        moduli=torch.ones_like(base.v),
    )
    expected = refine(codec, task, 2, 0, lambda progress: None)
    with pretended_device() as device:
        found = refine(codec, replace(task, device=device), 2, 0, lambda progress: None)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


@pytest.mark.usefixtures("no_bfloat16")
@pytest.mark.parametrize("name", ["fnns-png", "fnns-jpg90-train", "fnns-r", "fnns-de", "liso-png"])
def test_searches_stay_on_their_device(name):
    cover = astronaut(height=48, width=48)
    method = load_method(name, MethodOptions(device="cpu"))
    if name.startswith("fnns"):
        schedule = replace(method.schedule, rounds=1, iterations=2)
        method = replace(method, schedule=schedule)
    else:
        method.iterations = 2
    bits = random_bits(method.bits_shape(cover), 0)
    expected = method.find(cover, bits)
    with pretended_device() as device:
        if name.startswith("fnns"):
            found = replace(method, device=device).find(cover, bits)
        else:
            method.device = device
            found = method.find(cover, bits)
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert np.abs(found - expected).mean() < 2e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")
@pytest.mark.parametrize("name", ["hyperprior", "elic"])
@pytest.mark.parametrize("channel", ["pixels", "latents"])
def test_a_message_hidden_on_a_gpu_is_read_on_the_cpu(name, channel):
    options = latentink.HideOptions(codec=name, channel=channel, device="cuda")
    stego = latentink.hide(astronaut(), b"meet at noon", password="tide", options=options)
    assert latentink.reveal(stego.data, password="tide") == b"meet at noon"
