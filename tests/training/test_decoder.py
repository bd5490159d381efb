"""Training a message decoder with its encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from latentink.message_decoders.decoder_file import load_decoder, load_encoder
from latentink.tensor_files import read_safetensors
from latentink.training.trainer import Trainer


def test_the_pair_learns_to_hide_bits(trainer_of: Callable[..., Trainer]) -> None:
    trainer = trainer_of("decoder", hidden=8, steps=60, learning_rate=1e-2, image_weight=1.0)
    accuracies = [trainer.advance()["accuracy"] for _ in range(60)]
    assert accuracies[0] < 0.65
    assert np.mean(accuracies[-5:]) > 0.8


def test_both_networks_ship_with_what_they_do_on_held_out_photos(
    recipe_of: Callable[..., Path], train: Callable[..., Path], tmp_path: Path
) -> None:
    recipe = recipe_of("decoder", codec="noise", density=0.25, data_depth=2)
    out = train("decoder", recipe, tmp_path / "decoder.safetensors")
    assert load_decoder(out).data_depth == 2
    assert load_encoder(out.with_suffix(".encoder.safetensors")).data_depth == 2
    _, notes = read_safetensors(out)
    assert (notes["recipe"], notes["steps"], notes["held_out_photos"]) == ("decoder.toml", "4", "1")
    assert (notes["codec"], notes["density"]) == ("noise", "0.25")
    for name in ("held_out_accuracy", "held_out_accuracy_distorted"):
        assert 0.3 < float(notes[name]) < 0.7
