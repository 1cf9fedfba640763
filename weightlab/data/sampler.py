"""Batches of P classes × K rows of each, as pair-wise losses need them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from weightlab.errors import InputError
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["PKSampler"]


@dataclass(frozen=True, eq=False)
class PKSampler:
    """Random batches of `batch / per_class` distinct classes with `per_class` rows each.

    labels: int64 [N].
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
        for name in ("batch", "per_class"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.batch % self.per_class:
            raise InputError(f"batch={self.batch} must be a multiple of per_class={self.per_class}")
        if self.seed < 0:
            raise InputError(f"seed must be at least 0, not {self.seed}")
        if self.labels.ndim != 1 or self.labels.is_floating_point():
            raise InputError(
                f"labels must be whole numbers [N], not {self.labels.dtype} of shape {tuple(self.labels.shape)}"
            )
        needed, there = self.batch // self.per_class, len(self._rows)
        if needed > there:
            raise InputError(
                f"a batch of {self.batch} with {self.per_class} a class needs {needed} classes; there are {there}"
            )

    def batch_at(self, step: int) -> Tensor:
        """The rows of the batch at `step` ≥ 0: int64 [batch], the rows of a class side by side.

        Rows are drawn without replacement, or with it from a class of fewer than `per_class` rows.
        """
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
