"""A memory bank as a part of a module: made by the first batch, in the module's state_dict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from weightlab.arrays import is_dense
from weightlab.errors import InputError, describe
from weightlab.memory import MemoryBank
from weightlab.pairs import References

__all__ = ["HeldBank"]

_PARTS = ("embeddings", "labels", "seen")


class HeldBank(nn.Module):
    """A `MemoryBank` of `size` entries that is there once the first batch says how many dimensions they have.

    state_dict: the bank's `state`, so embeddings [size, D], labels [size, ...] and seen, copies all of them; before
    the first batch embeddings [size, 0]. Strictly loaded: an empty bank becomes what it is given, as it would have been
    made, and one of other dimensions, size, or types of labels is an error.

    The bank is where the embeddings are: it moves with the module, and to the first batch on another device. Entries
    are float32, or float64 where the first ones are, whatever type the module is cast to.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.held: MemoryBank | None = None

    def __len__(self) -> int:
        return 0 if self.held is None else len(self.held)

    def enqueue(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """As of `MemoryBank`: put normalised rows in, [B, D], and return the slots that they took."""
        self._move(embeddings.device)
        bank = self.held
        if bank is None:
            dtype = torch.promote_types(embeddings.dtype, torch.float32)
            bank = _bank(self.size, embeddings.shape[1], dtype, embeddings.device, labels)
        slots = bank.enqueue(embeddings, labels)
        self.held = bank  # only now: a bank that has refused its first batch is none
        return slots

    def references(self, labels: Tensor, own: Tensor | None) -> References:
        """As of `MemoryBank`, on the labels' device, of a bank that has entries."""
        self._move(labels.device)
        assert self.held is not None
        return self.held.references(labels, own)

    def clear(self) -> None:
        """Forget every entry, and what the first batch said."""
        self.held = None

    def _move(self, device: torch.device) -> None:
        if self.held is None or self.held.embeddings.device == device:
            return
        state = self.held.state()
        self.held = _made_of(state, device)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What `.to`, `.cuda` and their like call for every tensor of a module."""
        if self.held is not None:
            self._move(fn(torch.empty(0, device=self.held.embeddings.device)).device)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        empty = {"embeddings": torch.zeros(self.size, 0), "labels": torch.zeros(self.size, dtype=torch.int64)}
        state = {**empty, "seen": torch.tensor(0)} if self.held is None else self.held.state()
        destination.update({prefix + name: part for name, part in state.items()})

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        names = {prefix + part: part for part in _PARTS}
        if strict:
            unexpected_keys += [name for name in state_dict if name.startswith(prefix) and name not in names]
            missing_keys += [name for name in names if name not in state_dict]
        if names.keys() <= state_dict.keys():
            try:
                self._restore({part: state_dict[name] for name, part in names.items()})
            except InputError as error:
                error_msgs.append(f"{prefix.removesuffix('.')}: {error}")

    def _restore(self, state: dict[str, Tensor]) -> None:
        embeddings, labels = state["embeddings"], state["labels"]
        for name, part in (("embeddings", embeddings), ("labels", labels)):
            if not is_dense(part) or not part.ndim or len(part) != self.size:
                raise InputError(f"the {name} are {describe(part)}, and this memory's size is {self.size}")
        if embeddings.ndim == 2 and not embeddings.shape[1]:
            self.clear()
        elif self.held is None:
            self.held = _made_of(state, embeddings.device)
        else:
            self.held.restore(state)


def _made_of(state: dict[str, Tensor], device: torch.device) -> MemoryBank:
    embeddings, labels = state["embeddings"], state["labels"]
    if embeddings.ndim != 2:
        raise InputError(f"the embeddings are {describe(embeddings)}, not [size, dimensions]")
    bank = _bank(len(embeddings), embeddings.shape[1], embeddings.dtype, device, labels)
    bank.restore(state)
    return bank


def _bank(size: int, dimensions: int, dtype: torch.dtype, device: torch.device, labels: Tensor) -> MemoryBank:
    shape, kind = labels.shape[1:], labels.dtype
    return MemoryBank(size, dimensions, dtype=dtype, device=device, label_shape=shape, label_dtype=kind)
