"""What takes long to make, made ahead of the loop that takes it, by worker processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from weightlab.errors import InputError, RunError
from weightlab.lazy import torch

__all__ = ["ahead"]

Made = TypeVar("Made")


@dataclass(frozen=True)
class _Makes(Generic[Made]):
    """What torch's DataLoader takes for a data set: item n is make(n)."""

    make: Callable[[int], Made]

    def __getitem__(self, number: int) -> Made | InputError | RunError:
        try:
            return self.make(number)
        except (InputError, RunError) as error:  # raised, it would come with the worker's whole traceback
            return error


def ahead(make: Callable[[int], Made], numbers: range, *, slow: bool) -> Iterator[Made]:
    """make(n) of each of the numbers, in their order.

    slow: worth worker processes, as many as torch has threads; none where it has one, for then the other cores have
    work of their own. What an error says is the same either way. torch's random state stays as it is.
    """
    workers = torch.get_num_threads() if slow else 1
    if workers == 1:
        yield from map(make, numbers)
        return
    loader = torch.utils.data.DataLoader(
        cast(Any, _Makes(make)),  # it is asked for items, and no more
        batch_size=None,
        sampler=numbers,
        num_workers=workers,
        worker_init_fn=_deaf,
        generator=torch.Generator().manual_seed(0),
    )
    for made in loader:
        if isinstance(made, InputError | RunError):
            raise made
        yield made


def _deaf(worker: int) -> None:
    """Ctrl-C reaches workers as well, and so may SIGTERM: the loop decides what they mean, and ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
