"""Batches of P classes × K rows of each, as pair-wise losses need them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from weightlab.arrays import as_labels
from weightlab.errors import InputError, check_whole
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["PKSampler"]


@dataclass(frozen=True, eq=False)
class PKSampler:
    """Random batches of `batch / per_class` distinct classes with `per_class` rows each.

    labels: whole numbers [N]; numpy's or a list too.
    batch: rows of a batch, at least 1.
    per_class: rows of each class in it, at least 1.
    seed: at least 0.

    A batch is a function of the seed and the step alone, so a resumed run goes on exactly.
    Raises InputError where `batch` is no multiple of `per_class`, or there are fewer classes than a batch takes.
    """

    labels: Tensor
    batch: int
    per_class: int
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("batch", 1), ("per_class", 1), ("seed", 0)):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), least))
        if self.batch % self.per_class:
            raise InputError(f"batch={self.batch} must be a multiple of per_class={self.per_class}")
        object.__setattr__(self, "labels", as_labels("labels", self.labels))
        needed, there = self.batch // self.per_class, len(self._rows)
        if needed > there:
            raise InputError(
                f"a batch of {self.batch} with {self.per_class} a class needs {needed} classes; there are {there}"
            )

    def batch_at(self, step: int) -> Tensor:
        """The rows of the batch at `step` ≥ 0: int64 [batch], the rows of a class side by side.

        Rows are drawn without replacement, or with it from a class of fewer than `per_class` rows.
        Raises InputError for a step that is not whole or below 0.
        """
        step = check_whole("step", step, 0)
        random = np.random.default_rng((self.seed, step))
        classes = random.choice(len(self._rows), self.batch // self.per_class, replace=False)
        drawn = [
            random.choice(rows, self.per_class, replace=len(rows) < self.per_class)
            for rows in (self._rows[number] for number in classes)
        ]
        return torch.from_numpy(np.concatenate(drawn))

    @cached_property
    def _rows(self) -> list[NDArray[np.int64]]:
        """The rows of each class."""
        labels = self.labels.cpu().numpy()
        order = np.argsort(labels, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []
