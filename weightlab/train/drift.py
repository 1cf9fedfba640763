"""The drift of the memory: how far its entries have moved away from what their images would be embedded as now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cosine_similarity
from torch.nn.modules.batchnorm import _BatchNorm

from weightlab.memory import MemoryBank

__all__ = ["AGES", "Held", "InputsAt", "drifts", "in_ring", "in_slots", "unchanged"]

AGES = (1, 10, 100, 1000)  # steps
_FEW = 16  # rows of a batch, where its inputs take long to make

Held = Callable[[int], tuple[Tensor, Tensor]]
"""Of the batch that went into the memory so many steps ago: the rows whose entries are still there, ascending, int64
[n], and these entries, [n, D]. None of them: two empty tensors.
"""

InputsAt = Callable[[int, int | None], Tensor]
"""(step, count) → the first `count` inputs of the batch of a step as they were stored, all for None."""


def in_ring(bank: MemoryBank, own: Tensor) -> Held:
    """What a bank holds of batches that all took a row of slots, the last of them `own`, [B], as `enqueue` gave it.

    Batches of one size, one a step; those from before the memory was cleared or began are not there.
    """

    def held(age: int) -> tuple[Tensor, Tensor]:
        batch = len(own)
        rows = torch.arange(batch, device=own.device)
        rows = rows[batch * age - rows <= len(bank)]  # so many entries came since, itself among them
        return rows, bank.embeddings[(own[rows] - batch * (age - 1)) % bank.capacity]

    return held


def in_slots(embeddings: Tensor, place: Tensor, stamp: Tensor, rows_at: Callable[[int], Tensor], step: int) -> Held:
    """What a memory with one slot for each row of the data holds, after `step` steps.

    embeddings: its entries. place, stamp: int64 [rows of the data], on the CPU: where each row's entry is, and in which
    step (from 0) it was last written; −1 for none. rows_at: the rows of the batch of a step. A row that has come again
    since is of that age no more; of one that came twice in a batch the last is what was kept.
    """

    def held(age: int) -> tuple[Tensor, Tensor]:
        rows = rows_at(step - age).cpu()
        last = {row: number for number, row in enumerate(rows.tolist())}
        number = torch.tensor(sorted(last.values()))
        number = number[stamp[rows[number]] == step - age]
        return number, embeddings[place[rows[number]].to(embeddings.device)]

    return held


@torch.no_grad()
def drifts(
    step: int,
    *,
    encoder: nn.Module,
    inputs_at: InputsAt,
    held: Held,
    slow: bool = False,
    turn: int = 0,
) -> dict[int, tuple[float, int]]:
    """age → (mean of 1 − cos(f(x), m) over entries, how many), of entries m that x was stored as `age` steps ago.

    After `step` steps an entry of age a is of step − a (from 0), so a updates of the encoder lie in between. Ages
    without entries are left out. 0: as it was stored; 1: at a right angle to that.

    encoder: f, which fills the memory, in the mode in which it does; nothing of it changes, nor does torch's random
    state. inputs_at, held: see `InputsAt`, `Held`. slow: whether inputs take long to make; then the first 16 rows of
    each batch stand for it, or, where the encoder has batch norm and so has to have the whole, one age at a time, that
    of this `turn`.
    An encoder that draws (dropout) draws anew: the drift has this noise in it, at any age.
    """
    whole = not slow or _mixes_rows(encoder)
    found = {age: held(age) for age in AGES if age <= step}
    ages = [age for age, (rows, _) in found.items() if len(rows)]
    if slow and whole and ages:
        ages = [ages[turn % len(ages)]]
    measured: dict[int, tuple[float, int]] = {}
    with _drawn(step, found[ages[0]][1].device if ages else None):
        for age in ages:
            rows, stored = found[age]
            if not whole:
                rows = rows[rows < _FEW]
                stored = stored[: len(rows)]
            if len(rows):
                now = unchanged(encoder, inputs_at(step - age, None if whole else _FEW))[rows.to(stored.device)]
                cosine = cosine_similarity(now.cpu().double(), stored.cpu().double())
                measured[age] = float(1 - cosine.mean()), len(rows)
    return measured


def _mixes_rows(encoder: nn.Module) -> bool:
    """Whether an input's embedding hangs on what else is in its batch."""
    norms = [each for each in encoder.modules() if isinstance(each, _BatchNorm)]
    return any(each.training or each.running_mean is None for each in norms)


def unchanged(encoder: nn.Module, inputs: Tensor) -> Tensor:
    """What an encoder makes of inputs, in the mode that it is in; its running means and the like are counted on in
    copies.
    """
    buffers = {name: buffer.clone() for name, buffer in encoder.named_buffers()}
    embeddings: Tensor = functional_call(encoder, buffers, (inputs,))
    return embeddings


@contextmanager
def _drawn(seed: int, device: torch.device | None) -> Iterator[None]:
    """Inside, what an encoder draws is a function of `seed`, so that a run that was stopped records the same."""
    on_gpu = device is not None and device.type == "cuda"
    with torch.random.fork_rng([device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed takes a millisecond
        if on_gpu:
            torch.cuda.manual_seed(seed)
        yield
