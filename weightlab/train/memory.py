"""The memory that a run's configuration asks for, and what a step compares its batch with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from weightlab.errors import InputError
from weightlab.memory import FreshMemory, MemoryBank, SlotMemory
from weightlab.pairs import References
from weightlab.train.amount import share_of
from weightlab.train.config import TrainConfig
from weightlab.train.drift import Held, in_ring, in_slots

__all__ = ["Batch", "Memory", "Remembered", "memory_of", "remembered"]

Memory = MemoryBank | SlotMemory | FreshMemory
Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step trains on: rows int64 [B], of the split; their inputs [B, ...] and labels int64 [B]."""

    rows: Tensor
    inputs: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> Batch:
        """Inputs and labels there."""
        return Batch(self.rows, self.inputs.to(device, non_blocking=True), self.labels.to(device, non_blocking=True))


def memory_of(config: TrainConfig, rows: int, device: torch.device) -> Memory | None:
    """An empty one; None where there is to be none. rows: to train on.

    Raises InputError where it can't hold a batch, or the device can't hold it.
    """
    if config.memory == 0:
        return None
    kept = {"dtype": getattr(torch, config.memory_dtype), "device": device}
    if config.memory_kind == "slots":
        return SlotMemory(rows, config.dimensions, **kept)
    size = config.memory if isinstance(config.memory, int) else share_of(config.memory, rows)
    if size < config.batch:
        raise InputError(
            f"memory={config.memory} of {rows} training rows is {size}: it must hold a batch of {config.batch}"
        )
    return FreshMemory(size) if config.memory_kind == "fresh" else MemoryBank(size, config.dimensions, **kept)


@dataclass(frozen=True, eq=False)
class Remembered:
    """What a batch is compared with, and what the memory holds of batches past; None where entries don't age."""

    references: References
    held: Held | None = None


def remembered(
    memory: Memory, batch: Batch, keys: Encode, encode: Encode, rows_at: Callable[[int], Tensor], *, own_is_pair: bool
) -> Remembered:
    """Put a batch in, and give what it is to be compared with.

    keys: the batch's embeddings as the memory is to have them, of its inputs; encode: embeds other inputs likewise,
    changing nothing. rows_at: the rows of the n-th batch that was put in, from 0. own_is_pair: whether an anchor's own
    entry is a positive, not left out.
    """
    match memory:
        case FreshMemory():
            own = memory.enqueue(batch.inputs, batch.labels)
            return Remembered(memory.references(encode, None if own_is_pair else own))
        case SlotMemory():
            own = memory.enqueue(keys(batch.inputs), batch.labels, batch.rows)
            held = in_slots(memory.embeddings, memory.place, memory.turn, rows_at, memory.turns)
        case MemoryBank():
            own = memory.enqueue(keys(batch.inputs), batch.labels)
            held = in_ring(memory, own)
    return Remembered(memory.references(batch.labels, None if own_is_pair else own), held)
