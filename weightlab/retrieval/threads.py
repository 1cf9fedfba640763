"""Work on blocks by as many threads as torch has, each block on one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from weightlab.lazy import torch

__all__ = ["each"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What `function` gives for each, in order. Meanwhile torch's own threads are one: a setting of the process."""
    threads = torch.get_num_threads()
    if threads == 1:
        return [function(item) for item in items]
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
