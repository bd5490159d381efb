from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from latentink.threads import run_in_threads, working_alone


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_each_piece_is_worked_on_once(threads):
    values = torch.zeros(50, 4)
    run_in_threads(lambda row: row.add_(1), ((row,) for row in values))
    assert torch.equal(values, torch.ones(50, 4))


def test_pytorch_has_one_thread_inside_and_as_many_as_before_outside(threads):
    inside: list[int] = []
    run_in_threads(lambda row: inside.append(torch.get_num_threads()), [(torch.zeros(1),)] * 5)
    assert inside == [1] * 5
    assert torch.get_num_threads() == threads
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [threads]


def test_parameters_may_be_written_to(threads):
    """As within ``torch.no_grad``, which PyTorch keeps for each thread."""
    weight = torch.ones(6, requires_grad=True)
    with torch.no_grad():
        run_in_threads(lambda part: part.mul_(2), ((part,) for part in weight.split(2)))
    assert torch.equal(weight.detach(), torch.full((6,), 2.0))


def test_errors_reach_the_caller(threads):
    def refuse(row: torch.Tensor) -> None:
        raise ValueError("no such row")

    with pytest.raises(ValueError, match="no such row"):
        run_in_threads(refuse, [(torch.zeros(1),)] * 3)


def test_without_pieces_nothing_is_called(threads):
    run_in_threads(lambda row: pytest.fail("called"), [])


def test_operations_work_alone_and_pieces_do_not(threads):
    names: set[str] = set()
    meet = threading.Barrier(threads)

    def note(row: torch.Tensor) -> None:
        meet.wait(10)  # All threads are here at once.
        names.add(threading.current_thread().name)

    with working_alone(), working_alone():
        assert torch.get_num_threads() == 1
        run_in_threads(note, [(torch.zeros(1),)] * threads)
        assert torch.get_num_threads() == 1
    assert len(names) == threads
    assert torch.get_num_threads() == threads


def test_denormals_are_flushed_inside_and_not_outside(threads):
    tiny, inside = torch.tensor(1e-40), []
    run_in_threads(lambda row: inside.append(float(tiny * 1)), [(torch.zeros(1),)] * 5)
    assert inside == [0.0] * 5
    assert float(tiny * 1) > 0
