"""Batches made ahead by worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from weightlab.data.ahead import ahead
from weightlab.errors import InputError


def made(number: int) -> tuple[Tensor, int]:
    return torch.full((3,), float(number)), os.getpid()


def refused(number: int) -> Tensor:
    raise InputError(f"row {number} is damaged")


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("slow", "count", "elsewhere"), [(True, 2, 2), (True, 1, 0), (False, 2, 0)])
def test_what_is_slow_is_made_elsewhere_in_order(slow: bool, count: int, elsewhere: int) -> None:
    state = torch.random.get_rng_state()
    with threads(count):
        found = list(ahead(made, range(4, 11), slow=slow))
    assert [int(tensor[0]) for tensor, _ in found] == list(range(4, 11))
    assert len({process for _, process in found} - {os.getpid()}) == elsewhere
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_of_a_worker_is_what_it_would_be_here(count: int) -> None:
    with threads(count), pytest.raises(InputError) as caught:
        list(ahead(refused, range(5, 9), slow=True))
    assert str(caught.value) == "row 5 is damaged"
