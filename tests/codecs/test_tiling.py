"""Networks applied in tiles."""

from __future__ import annotations

import numpy as np
import torch

from latentink.picture import to_picture, to_tensor
from photos import astronaut


def test_tiles_leave_no_seams(codec, monkeypatch):
    monkeypatch.setattr("latentink.codecs.codec._TILE", 16)
    picture = astronaut(height=512, width=400)
    tensor = to_tensor(picture)
    code = codec.quality_code(5)
    in_tiles = codec.analyse(tensor, code)
    with torch.no_grad():
        at_once = codec.g_a(tensor) * codec.gain(code)
    torch.testing.assert_close(in_tiles, at_once, atol=1e-3, rtol=0)
    values = torch.round(in_tiles)
    tiled = codec.synthesise(values[0].numpy(), code, picture.shape[:2])
    with torch.no_grad():
        whole = codec.g_s(values * codec.inverse_gain(code)).clamp(0, 1)
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)


def test_parts_of_a_known_picture_are_taken_from_it(codec, monkeypatch):
    """A change in one corner recomputes the tiles that see it, and the picture is the same."""
    monkeypatch.setattr("latentink.codecs.codec._TILE", 8)
    code = codec.quality_code(5)
    picture = to_tensor(astronaut(height=250, width=405))
    v = codec.analyse(picture, code)
    values = codec.quantise(v, codec.hyper_analyse(v), code).values
    before = to_tensor(to_picture(codec.synthesise(values, code, (250, 405))))
    changed = values.copy()
    changed[:, :3, :3] += 1
    whole = codec.synthesise(changed, code, (250, 405))
    calls = []
    hook = codec.g_s.register_forward_hook(lambda *_: calls.append(1))
    from_parts = codec.synthesise(changed, code, (250, 405), (values, before))
    hook.remove()
    np.testing.assert_array_equal(to_picture(from_parts), to_picture(whole))
    assert len(calls) < 6
