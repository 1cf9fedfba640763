"""The memory bank: embeddings and labels of past batches, a FIFO queue that finds its entries by label."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from weightlab.arrays import as_entries, as_floats, as_indices, as_labels, check_norms, is_dense
from weightlab.errors import InputError, check_whole, describe, reason
from weightlab.pairs import References

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["MemoryBank"]

_DTYPES = (torch.float32, torch.float64, torch.bfloat16)
_NO_LABELS = (torch.quint8, torch.qint8, torch.qint32, torch.float8_e4m3fn, torch.float8_e5m2)
_MOST_SEEN = 2**62  # leaves the entries still to come their numbers in int64


class MemoryBank:
    """A ring of `capacity` slots, each with an embedding [dimensions] and a label; the oldest entry makes room.

    dtype: how embeddings are stored, torch.float32, torch.float64 or torch.bfloat16 (rounded to nearest). device: where
    they are.
    label_shape, label_dtype: of one entry's label: () and torch.int64 for a class, any int64; such as (80,) and
    torch.bool for 80 labels that hold or not, to be told apart by a relation (`same` of `surrogate`). Any integer, bool
    or floating-point dtype; only plain labels, () of torch.int64, are found by label. What
    `weightlab.arrays.as_labels` takes becomes a plain one.

    Memory: 4 (float32), 8 (float64) or 2 (bfloat16) × capacity × dimensions bytes and 8 × capacity for plain labels, on
    `device`, all reserved at once but touched only as entries come; and on the CPU the look-up by label, 8 to 16 bytes
    an entry and about 160 a distinct label.

    Source: Wang et al. 2020 (XBM), section 3.2. Raises InputError for a size that is not a whole number of at least 1,
    for another dtype or label shape, and for what the device can't hold.
    """

    def __init__(
        self,
        capacity: int,
        dimensions: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        label_shape: Sequence[int] = (),
        label_dtype: torch.dtype = torch.int64,
    ) -> None:
        capacity = check_whole("capacity", capacity, 1)
        dimensions = check_whole("dimensions", dimensions, 1)
        if dtype not in _DTYPES:
            raise InputError(f"dtype must be torch.float32, torch.float64 or torch.bfloat16, not {dtype!r}")
        shape = _checked_shape(label_shape)
        if not isinstance(label_dtype, torch.dtype) or label_dtype.is_complex or label_dtype in _NO_LABELS:
            raise InputError(f"label_dtype must be an integer, bool or floating-point dtype, not {label_dtype!r}")
        self._embeddings = _allocate((capacity, dimensions), dtype, device)
        self._labels = _allocate((capacity, *shape), label_dtype, device)
        self._seen = 0  # entries ever enqueued; entry number n lies in slot n % capacity
        self._index = _LabelIndex()

    def __len__(self) -> int:
        return min(self._seen, self.capacity)

    @property
    def capacity(self) -> int:
        """How many entries fit."""
        return len(self._labels)

    @property
    def embeddings(self) -> Tensor:
        """The entries so far by slot, [len, D]; a view, to be read only."""
        return self._embeddings[: len(self)]

    @property
    def labels(self) -> Tensor:
        """Their labels, [len], or [len, *label_shape]; a view, to be read only."""
        return self._labels[: len(self)]

    def enqueue(self, embeddings: Array, labels: Array) -> Tensor:
        """Put a batch in, over the oldest entries; returns the slot that each row took, int64 [B] on the bank's device.

        embeddings: floating-point [B, D], B ≤ capacity, of any device, L2-normalised, stored without their gradient.
        labels: whole numbers [B]; [B, *label_shape] of the bank's label dtype where they are not plain. The slots let
        an anchor's own entry be excluded by index: two images with the same embedding stay a pair. Costs O(B·D),
        whatever the capacity. Raises InputError for a batch that does not fit and for embeddings that are not finite
        or, as they would be stored, not L2-normalised; the bank is then as it was.
        """
        stored, entries = self.as_stored(embeddings, labels)
        start, count, left = self._seen % self.capacity, len(entries), list[int]()
        for slots, rows in _pieces(start, count, self.capacity):
            # nothing from slots that were still free: the view ends before them
            left += self.labels[slots].tolist() if self._plain else []
            self._embeddings[slots].copy_(stored[rows])
            self._labels[slots].copy_(entries[rows])
        if self._plain:
            self._index.add(entries.tolist(), self._seen)
        self._seen += count
        self._index.drop(left, self._oldest)
        return torch.arange(start, start + count, device=self._labels.device).remainder_(self.capacity)

    def as_stored(self, embeddings: Array, labels: Array) -> tuple[Tensor, Tensor]:
        """A batch as `enqueue` would store it, checked as it does; nothing is put in."""
        given, dimensions = as_floats("embeddings", embeddings, ("rows", "dimensions")), self._embeddings.shape[1]
        if given.shape[1] != dimensions:
            raise InputError(f"the bank holds [n, {dimensions}], not {describe(given)}")
        entries = self._as_labels(labels, given)
        if len(given) > self.capacity:
            raise InputError(f"a batch of {len(given)} does not fit a bank of {self.capacity}")
        stored = given.detach().to(self._embeddings.dtype)
        check_norms("embeddings", stored)  # as stored: what got in must be good enough for `restore`
        return stored, entries

    def clear(self) -> None:
        """Forget all entries."""
        self._seen, self._index = 0, _LabelIndex()

    def slots_of(self, labels: Array) -> tuple[Tensor, Tensor]:
        """The slots of the entries that have one of the given labels: (row, slot), each int64 [n] on the bank's device.

        labels: [B], of any device. Entry slot[k] has the label labels[row[k]]. Rows ascend; within a row the
        oldest entry comes first. An anchor's own entry is among them once it is enqueued. Costs O(B + n), whatever the
        length of the bank, plus a bisection a label. Raises InputError for other labels, and of a bank whose labels are
        not plain.
        """
        if not self._plain:
            raise InputError(f"labels {self._label_text} are not found by label: give `surrogate` a relation, same=...")
        wanted, numbers, oldest = as_labels("labels", labels).tolist(), array("q"), self._oldest
        found = {label: self._index.find(label, oldest) for label in set(wanted)}
        for label in wanted:
            numbers += found[label]
        row = torch.from_numpy(np.repeat(np.arange(len(wanted)), [len(found[label]) for label in wanted]))
        slot = torch.from_numpy(np.array(numbers, dtype=np.int64) % self.capacity)
        return row.to(self._labels.device), slot.to(self._labels.device)

    def references(self, labels: Array, own: Array | None = None) -> References:
        """The entries as what a batch with these labels, [B], is compared with, the look-up by label done where labels
        are plain; a relation (`same` of `surrogate`) goes past it.

        own: the slots that `enqueue` gave, or None: the anchors are not in the bank. The embeddings are a view: use it
        before the next batch is put in. Raises InputError as `slots_of` and `References` do.
        """
        device = self._labels.device
        wanted = self._as_labels(labels)
        slots = None if own is None else as_indices("own", own, -1, len(self) - 1, len(wanted), device)
        if not self._plain:
            return References(self.embeddings, self.labels, slots, verified=True)
        looked_up = wanted.to(device).clone()
        return References(self.embeddings, self.labels, slots, self.slots_of(looked_up), looked_up, verified=True)

    def state(self) -> dict[str, Tensor]:
        """A snapshot that `restore` takes back: copies, which later batches don't change.

        embeddings: [capacity, D] in the bank's dtype, zero where no entry is yet; labels: [capacity] or [capacity,
        *label_shape] in theirs, likewise; seen: int64 [], how many entries were ever enqueued.
        """
        embeddings, labels = self._embeddings.clone(), self._labels.clone()
        for copy in (embeddings, labels):
            copy[len(self) :] = 0  # never the leftovers of other memory
        return {"embeddings": embeddings, "labels": labels, "seen": torch.tensor(self._seen)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Become what `state` says, of any device; it is copied. Costs O(capacity).

        Raises InputError where its capacity, dimensions, dtypes or label shape are not this bank's or a part is missing
        or damaged, such as an entry that is not finite or not L2-normalised; the bank is then as it was.
        """
        self._check_snapshot(state)
        self._seen = int(state["seen"])
        self.embeddings.copy_(state["embeddings"][: len(self)])
        self.labels.copy_(state["labels"][: len(self)])
        self._index = _LabelIndex()
        for slots, rows in _pieces(self._oldest % self.capacity, len(self), self.capacity):
            self._index.add(self._labels[slots].tolist() if self._plain else [], self._oldest + rows.start)

    @property
    def _oldest(self) -> int:
        """The number of the oldest entry."""
        return self._seen - len(self)

    @property
    def _plain(self) -> bool:
        """Whether a label is one whole number, to be found by."""
        return self._labels.ndim == 1 and self._labels.dtype == torch.int64

    @property
    def _label_text(self) -> str:
        return f"{self._labels.dtype} {['n', *self._labels.shape[1:]]}".replace("'", "")

    def _as_labels(self, given: Array, like: Tensor | None = None) -> Tensor:
        if self._plain:
            return as_labels("labels", given, like)
        entries, own = as_entries("labels", given, like), self._labels
        if entries.shape[1:] != own.shape[1:] or entries.dtype != own.dtype:
            raise InputError(f"this bank's labels are {self._label_text}, not {describe(entries)}")
        if not bool(entries.isfinite().all()):
            raise InputError("labels contain infinity")
        return entries

    def _check_snapshot(self, state: dict[str, Tensor]) -> None:
        if not isinstance(state, Mapping):
            raise InputError(f"a snapshot is what `state` gives, not {describe(state)}")
        missing = sorted({"embeddings", "labels", "seen"} - state.keys())
        if missing:
            raise InputError(f"the snapshot has no {' and no '.join(missing)}")
        for name, own in (("embeddings", self._embeddings), ("labels", self._labels)):
            given = state[name]
            if not is_dense(given) or given.shape != own.shape or given.dtype != own.dtype:
                raise InputError(f"the snapshot's {name} are {describe(given)}, this bank's {describe(own)}")
        seen = state["seen"]
        if not is_dense(seen) or seen.numel() != 1 or seen.dtype != torch.int64:
            raise InputError(f"the snapshot's seen must be one int64, not {describe(seen)}")
        check_whole("the snapshot's seen", int(seen), 0, _MOST_SEEN)
        check_norms("the snapshot's embeddings", state["embeddings"][: int(seen)])


class _LabelIndex:
    """label → the ascending numbers of its entries, in CPU memory.

    Entries leave in the order in which they came, so those of a label that left are the first of its numbers: a
    bisection passes them over, and they are cut off only once they are half of what is kept, so that an entry costs
    O(1) over its life. An array keeps 8 bytes an entry, where a list or deque of ints would keep 40.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, array[int]] = {}

    def add(self, labels: list[int], first: int) -> None:
        """Enter entries number first, first + 1, … with these labels."""
        for number, label in enumerate(labels, first):
            known = self._numbers.get(label)
            if known is None:
                self._numbers[label] = array("q", (number,))
            else:
                known.append(number)

    def drop(self, labels: list[int], oldest: int) -> None:
        """Entries with these labels left; `oldest` is the lowest number that stayed."""
        for label in set(labels):
            known = self._numbers[label]
            if known[-1] < oldest:
                del self._numbers[label]
            elif known[len(known) // 2] < oldest:
                del known[: bisect_left(known, oldest)]

    def find(self, label: int, oldest: int) -> array[int]:
        """The numbers of the label's entries from `oldest` on; a copy."""
        known = self._numbers.get(label)
        return array("q") if known is None else known[bisect_left(known, oldest) :]


def _pieces(start: int, length: int, capacity: int) -> list[tuple[slice, slice]]:
    """`length` slots of a ring from `start` on: (slots, rows) up to the ring's end, and from its beginning on."""
    head = min(length, capacity - start)
    return [(slice(start, start + head), slice(0, head)), (slice(0, length - head), slice(head, length))]


def _allocate(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | str) -> Tensor:
    size = " × ".join(map(str, shape))
    try:
        empty = torch.empty(shape, dtype=dtype, device=device)
    except (RuntimeError, AssertionError, TypeError, ValueError, OverflowError) as error:  # without CUDA torch asserts
        raise InputError(f"can't make a bank of {size} on device '{device}': {reason(error)}") from error
    if empty.is_meta:
        raise InputError("can't make a bank on device 'meta', which holds no values")
    return empty


def _checked_shape(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, Sequence) or isinstance(shape, str):
        raise InputError(f"label_shape must be a tuple of whole numbers, such as (80,), not {shape!r}")
    return tuple(check_whole("label_shape", size, 1) for size in shape)
