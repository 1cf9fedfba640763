"""A memory without age: its entries' inputs are kept, and embedded again whenever they are compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from weightlab.errors import InputError, check_whole
from weightlab.pairs import References

__all__ = ["FreshMemory"]


class FreshMemory:
    """The inputs of the last batches, `capacity` rows at most: of a batch that no longer fits whole, its last rows.

    The oracle of a memory without drift: it costs an encoding of `capacity` rows a step, and their inputs' memory.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = check_whole("capacity", capacity, 1)
        self._batches: deque[tuple[Tensor, Tensor]] = deque()

    def __len__(self) -> int:
        return min(sum(len(labels) for _, labels in self._batches), self._capacity)

    def enqueue(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """Put a batch in, inputs [B, ...] and labels [B]; returns where its rows will stand among the references.

        Raises InputError for a batch that does not fit.
        """
        if len(inputs) > self._capacity or len(inputs) != len(labels):
            raise InputError(f"a batch of {len(inputs)} and {len(labels)} labels does not fit {self._capacity} entries")
        self._batches.append((inputs, labels))
        while sum(len(each) for _, each in self._batches) - len(self._batches[0][1]) >= self._capacity:
            self._batches.popleft()
        return torch.arange(len(self) - len(labels), len(self), device=labels.device)

    def references(self, encode: Callable[[Tensor], Tensor], own: Tensor | None = None) -> References:
        """The entries as `encode` embeds them now, a batch at a time as they came in; own: what `enqueue` gave.

        Batches stay whole, as what batch norm does to a row in training hangs on the others.
        """
        embeddings = torch.cat([encode(inputs) for inputs, _ in self._batches])[-self._capacity :]
        return References(embeddings, torch.cat([labels for _, labels in self._batches])[-self._capacity :], own)

    def clear(self) -> None:
        """Forget all entries."""
        self._batches.clear()

    def state(self) -> dict[str, Tensor]:
        """A snapshot that `restore` takes back: inputs.0, labels.0, inputs.1, …, oldest first."""
        return {
            f"{name}.{number}": value
            for number, batch in enumerate(self._batches)
            for name, value in zip(("inputs", "labels"), batch, strict=True)
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Become what `state` says. Raises InputError where batches are missing or don't fit; it is then as it was."""
        count = len(state) // 2
        try:
            batches = [(state[f"inputs.{number}"], state[f"labels.{number}"]) for number in range(count)]
        except KeyError as error:
            raise InputError(f"the snapshot has no {error.args[0]}") from error
        rows = [len(labels) for _, labels in batches]
        if len(state) % 2 or any(len(inputs) != len(labels) for inputs, labels in batches):
            raise InputError("the snapshot's inputs and labels don't fit each other")
        if sum(rows[1:]) >= self._capacity and rows:
            raise InputError(f"the snapshot's {sum(rows)} entries don't fit {self._capacity}")
        self._batches = deque((inputs.clone(), labels.clone()) for inputs, labels in batches)
