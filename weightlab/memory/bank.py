"""The memory bank: embeddings and labels of past batches, a FIFO queue."""

from __future__ import annotations

import torch
from torch import Tensor

from weightlab.errors import InputError, check_number

__all__ = ["MemoryBank"]


class MemoryBank:
    """A ring of `capacity` slots, each with an embedding [dimensions] and a label; the oldest entry makes room.

    Source: Wang et al. 2020 (XBM), section 3.2.
    """

    def __init__(self, capacity: int, dimensions: int) -> None:
        check_number("capacity", capacity, 1)
        check_number("dimensions", dimensions, 1)
        self._embeddings = torch.zeros(capacity, dimensions)
        self._labels = torch.full((capacity,), -1)
        self._seen = 0

    def __len__(self) -> int:
        return min(self._seen, self.capacity)

    @property
    def capacity(self) -> int:
        """How many entries fit."""
        return len(self._labels)

    @property
    def embeddings(self) -> Tensor:
        """The entries so far, [len, D]; a view."""
        return self._embeddings[: len(self)]

    @property
    def labels(self) -> Tensor:
        """Their labels, int64 [len]; a view."""
        return self._labels[: len(self)]

    def enqueue(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Put a batch [B, D] in, B ≤ capacity, over the oldest entries; returns the slot that each row took, int64 [B].

        The slots let an anchor's own entry be excluded by index: two images with the same embedding stay a pair.
        Raises InputError for a batch that does not fit.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != self._embeddings.shape[1]:
            raise InputError(f"the bank holds [n, {self._embeddings.shape[1]}], not {tuple(embeddings.shape)}")
        if labels.shape != embeddings.shape[:1]:
            raise InputError(f"{len(embeddings)} embeddings need as many labels, not {tuple(labels.shape)}")
        if len(embeddings) > self.capacity:
            raise InputError(f"a batch of {len(embeddings)} does not fit a bank of {self.capacity}")
        slots = (self._seen + torch.arange(len(embeddings))) % self.capacity
        self._embeddings[slots] = embeddings.detach().to(self._embeddings.dtype)
        self._labels[slots] = labels
        self._seen += len(embeddings)
        return slots

    def state(self) -> dict[str, Tensor]:
        """All that is in it, as tensors; `restore` takes it back."""
        return {"embeddings": self._embeddings, "labels": self._labels, "seen": torch.tensor(self._seen)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Become what `state` says. Raises InputError where the sizes differ."""
        if state["embeddings"].shape != self._embeddings.shape:
            raise InputError(
                f"the snapshot's bank is {tuple(state['embeddings'].shape)}, this one {tuple(self._embeddings.shape)}"
            )
        self._embeddings = state["embeddings"].clone()
        self._labels = state["labels"].clone()
        self._seen = int(state["seen"])
