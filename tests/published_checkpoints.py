"""Untrained checkpoints in the formats in which others have published theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

NO_COMPRESSAI = "CompressAI is not installed: it has no wheels for this Python"


def lively(model: nn.Module) -> nn.Module:
    """Return the model, seeded, with gains that make its latents more than zeros."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.g_a.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def chandelier_elic() -> nn.Module:
    """Return CompressAI's network of Chandelier's variant of ELIC, small and untrained."""
    torch.manual_seed(0)
    sensetime = pytest.importorskip("compressai.models.sensetime", reason=NO_COMPRESSAI)
    return lively(sensetime.Elic2022Chandelier(32, 160))


def write(state: object, path: Path) -> Path:
    """Save a checkpoint; return its path."""
    torch.save(state, path)
    return path


def under_old_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict as CompressAI wrote it before its entropy bottleneck was renamed."""
    old = {}
    for key, value in state.items():
        key = re.sub(r"\.matrices\.(\d)$", r"._matrix\1", key)
        key = re.sub(r"\.biases\.(\d)$", r"._bias\1", key)
        old[re.sub(r"\.factors\.(\d)$", r"._factor\1", key)] = value
    return old


def under_chandeliers_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict as Chandelier's own repository names it."""
    named = {}
    for key, value in state.items():
        key = key.replace("latent_codec.hyper.", "")
        key = re.sub(
            r"latent_codec\.y\.channel_context\.y(\d)",
            lambda m: f"cc_transforms.{int(m[1]) - 1}",
            key,
        )
        key = re.sub(
            r"latent_codec\.y\.latent_codec\.y(\d)\.context_prediction",
            r"context_prediction.\1",
            key,
        )
        key = re.sub(
            r"latent_codec\.y\.latent_codec\.y(\d)\.entropy_parameters", r"ParamAggregation.\1", key
        )
        if not key.startswith("latent_codec."):
            named[key] = value
    return named
