"""A memory with one slot for each row of the training data: the latest embedding of every image seen so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from weightlab.arrays import as_indices
from weightlab.errors import InputError, check_whole
from weightlab.memory.bank import MemoryBank
from weightlab.pairs import References

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["SlotMemory"]


class SlotMemory:
    """`rows` slots, [rows, dimensions]; a row's entry is overwritten when the row comes again, and never pushed out.

    Entries stand in the order in which their rows first came, so those that are there lie side by side. A row's label
    is the one that it first came with. dtype, device: as of `MemoryBank`.

    place, turn: int64 [rows], on the CPU, to be read only: where each row's entry is, and by which batch, counted from
    0, it was last written; −1 for none. turns: how many batches were put in.

    Source: Wu et al. 2018 (instance discrimination), section 3.2; with momentum features, arXiv 2103.14003, section 3.
    Raises InputError as `MemoryBank` does.
    """

    def __init__(
        self, rows: int, dimensions: int, *, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> None:
        self._bank = MemoryBank(rows, dimensions, dtype=dtype, device=device)
        self.place = torch.full((self._bank.capacity,), -1)
        self.turn = self.place.clone()
        self.turns = 0

    def __len__(self) -> int:
        return len(self._bank)

    @property
    def embeddings(self) -> Tensor:
        """The entries so far, [len, D]; a view, to be read only."""
        return self._bank.embeddings

    def enqueue(self, embeddings: Array, labels: Array, rows: Array) -> Tensor:
        """Put a batch in; returns the place that each row's entry has, int64 [B] on the memory's device.

        embeddings [B, D], labels [B]: as of `MemoryBank.enqueue`. rows: whole numbers [B], from 0 to the number of
        slots − 1; of a row that comes twice the last embedding stays. Raises InputError as `MemoryBank.enqueue` does,
        for rows that are out of range, and for a row that comes with another label.
        """
        stored, entries = self._bank.as_stored(embeddings, labels)
        index = as_indices("rows", rows, 0, self._bank.capacity - 1, len(stored)).cpu()
        fresh, first = _first_of(index[self.place[index] < 0], index)
        place = self.place.clone()
        place[fresh] = torch.arange(len(self), len(self) + len(fresh))
        own = place[index].to(self.embeddings.device)
        labels_then = torch.cat([self._bank.labels, entries[first].to(own.device)])
        if not torch.equal(labels_then[own], entries.to(own.device)):
            raise InputError("labels: a row has one label, always the same")
        self._bank.enqueue(stored[first], entries[first])
        self.place, self.turn[index], self.turns = place, self.turns, self.turns + 1
        last = _last_of(index)
        self._bank.embeddings[own[last]] = stored[last].to(own.device)
        return own

    def references(self, labels: Array, own: Array | None = None) -> References:
        """As of `MemoryBank.references`; own: the places that `enqueue` gave."""
        return self._bank.references(labels, own)

    def clear(self) -> None:
        """Forget all entries."""
        self._bank.clear()
        self.place.fill_(-1)
        self.turn.fill_(-1)

    def state(self) -> dict[str, Tensor]:
        """A snapshot that `restore` takes back: that of `MemoryBank`, with place, turn and turns, int64 []."""
        own = {"place": self.place.clone(), "turn": self.turn.clone(), "turns": torch.tensor(self.turns)}
        return self._bank.state() | own

    def restore(self, state: dict[str, Tensor]) -> None:
        """Become what `state` says. Raises InputError where it is damaged or of another size; it is then as it was."""
        most = self._bank.capacity - 1
        place = as_indices("the snapshot's place", state.get("place", []), -1, most, device=self.place.device)
        turns = check_whole("the snapshot's turns", int(state.get("turns", -1)), 0)
        turn = as_indices("the snapshot's turn", state.get("turn", []), -1, turns - 1, device=self.place.device)
        filled, seen = place[place >= 0].sort().values, state.get("seen")
        fits = len(place) == len(turn) == most + 1 and torch.equal(place >= 0, turn >= 0)
        if not fits or seen is None or not torch.equal(filled, torch.arange(int(seen))):
            raise InputError("the snapshot's place does not fit its entries")
        self._bank.restore({name: state[name] for name in state if name not in ("place", "turn", "turns")})
        self.place, self.turn, self.turns = place.clone(), turn.clone(), turns


def _first_of(new: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct rows of `new` in the order in which they come, and where in `index` each comes first."""
    rows = list(dict.fromkeys(new.tolist()))
    where = {row: number for number, row in reversed(list(enumerate(index.tolist())))}
    return torch.tensor(rows, dtype=torch.int64), torch.tensor([where[row] for row in rows], dtype=torch.int64)


def _last_of(index: Tensor) -> Tensor:
    """Where each row comes last."""
    return torch.tensor(sorted({row: number for number, row in enumerate(index.tolist())}.values()), dtype=torch.int64)
