"""Cells cover their tile, and what is measured of the cover is measured once."""

from __future__ import annotations

import torch
from torch import Tensor

from latentink.editing.cells import Cells
from latentink.editing.tiles import Tile
from latentink.geometry import Rectangle
from latentink.picture import to_tensor
from photos import astronaut

HEIGHT, WIDTH = 80, 112
TILE = Tile(Rectangle(0, 0, 5, 7), Rectangle(0, 0, 5, 7))
PIXELS = TILE.pixels(Rectangle(0, 0, HEIGHT, WIDTH))


def drawn(cells: Cells, times: int) -> list:
    latent = torch.arange(35.0).view(1, 1, 5, 7)
    return [cells.draw(TILE, PIXELS, cells.cover + 1, latent) for _ in range(times)]


def cells_of(side: int) -> Cells:
    cover = to_tensor(astronaut(height=HEIGHT, width=WIDTH))
    return Cells(cover, side, torch.Generator().manual_seed(0))


def test_cells_cover_their_tile_on_the_grid_of_the_latent() -> None:
    cells = cells_of(64)
    whole = torch.arange(35.0).view(5, 7)
    expected = set()
    for top in (0, 16):
        for left in (0, 48):
            expected.add(float(whole[top // 16, left // 16]))
    seen = drawn(cells, 60)
    assert {float(cell.latent[0, 0, 0, 0]) for cell in seen} == expected
    for cell in seen:
        assert cell.stego.shape == (1, 3, 64, 64)
        assert cell.latent.shape == (1, 1, 4, 4)
        assert torch.equal(cell.stego, cell.cover + 1)


def test_without_a_side_the_tile_is_the_cell() -> None:
    (cell,) = drawn(cells_of(0), 1)
    assert cell.stego.shape == (1, 3, HEIGHT, WIDTH)


def test_the_cover_of_a_cell_is_measured_once() -> None:
    calls = []

    def mean(cover: Tensor) -> float:
        calls.append(cover)
        return float(cover.mean())

    for cell in drawn(cells_of(64), 60):
        assert cell.of_cover(mean) == float(cell.cover.mean())
    assert len(calls) == 4
