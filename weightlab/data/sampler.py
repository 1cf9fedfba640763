"""Batches of P classes × K rows of each, as pair-wise losses need them; of any classes, or by their categories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from weightlab.arrays import as_labels
from weightlab.errors import InputError, check_whole, unknown
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["PKSampler", "Spread"]

Spread = Literal["any", "within", "across"]


@dataclass(frozen=True, eq=False)
class PKSampler:
    """Random batches of `batch / per_class` distinct classes with `per_class` rows each.

    labels: whole numbers [N]; numpy's or a list too.
    batch: rows of a batch, at least 1.
    per_class: rows of each class in it, at least 1.
    seed: at least 0.
    categories: whole numbers [N], a coarser class of each row (the super classes of SOP), one for all rows of a class.
    spread: "any" draws the classes from all of them; "within" from a single category, whose negatives are the harder
    ones, each category as often as another; "across" from all categories alike: of P classes in C categories, ⌊P/C⌋ or
    ⌈P/C⌉ of each.

    A batch is a function of the seed and the step alone, so a resumed run goes on exactly.
    Raises InputError where `batch` is no multiple of `per_class`, there are fewer classes than a batch takes (within a
    single category, or in one of those that it takes them across), or a class is of two categories.
    """

    labels: Tensor
    batch: int
    per_class: int
    seed: int
    categories: Tensor | None = None
    spread: Spread = "any"

    def __post_init__(self) -> None:
        for name, least in (("batch", 1), ("per_class", 1), ("seed", 0)):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), least))
        if self.batch % self.per_class:
            raise InputError(f"batch={self.batch} must be a multiple of per_class={self.per_class}")
        object.__setattr__(self, "labels", as_labels("labels", self.labels))
        if self.spread not in get_args(Spread):
            raise unknown("spread", str(self.spread), get_args(Spread))
        self._check_classes(len(self._rows), self.batch // self.per_class, "")
        if self.spread == "any":
            return
        if self.categories is None:
            raise InputError(f"batches {self.spread} categories need data that have them: these have none")
        object.__setattr__(self, "categories", as_labels("categories", self.categories))
        if len(self.categories) != len(self.labels):
            raise InputError(f"categories must be {len(self.labels)}, one for each label, not {len(self.categories)}")
        sizes = [len(classes) for classes in self._by_category]
        if self.spread == "within":
            self._check_classes(max(sizes), self.batch // self.per_class, "within a category")
        else:
            most = -(-self.batch // self.per_class // len(sizes))
            self._check_classes(min(sizes), most, "of each category")

    def _check_classes(self, there: int, needed: int, where: str) -> None:
        if needed > there:
            of = f" {where}" if where else ""
            raise InputError(
                f"a batch of {self.batch} with {self.per_class} a class needs {needed} classes{of}; there are {there}"
            )

    def batch_at(self, step: int) -> Tensor:
        """The rows of the batch at `step` ≥ 0: int64 [batch], the rows of a class side by side.

        Rows are drawn without replacement, or with it from a class of fewer than `per_class` rows.
        Raises InputError for a step that is not whole or below 0.
        """
        step = check_whole("step", step, 0)
        random = np.random.default_rng((self.seed, step))
        classes = self._classes(random, self.batch // self.per_class)
        drawn = [
            random.choice(rows, self.per_class, replace=len(rows) < self.per_class)
            for rows in (self._rows[number] for number in classes)
        ]
        return torch.from_numpy(np.concatenate(drawn))

    def _classes(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """The classes of a batch, numbered as in `_rows`."""
        if self.spread == "any":
            return random.choice(len(self._rows), count, replace=False)
        if self.spread == "within":
            large = [classes for classes in self._by_category if len(classes) >= count]
            return random.choice(large[random.integers(len(large))], count, replace=False)
        number = len(self._by_category)
        takes = np.full(number, count // number)
        takes[random.choice(number, count % number, replace=False)] += 1
        drawn = [
            random.choice(classes, take, replace=False)
            for classes, take in zip(self._by_category, takes.tolist(), strict=True)
        ]
        return np.concatenate(drawn)

    @cached_property
    def _by_category(self) -> list[NDArray[np.int64]]:
        """The classes of each category, numbered as in `_rows`."""
        assert self.categories is not None
        categories = self.categories.cpu().numpy()
        first = np.array([categories[rows[0]] for rows in self._rows])
        for rows, category in zip(self._rows, first, strict=True):
            if (categories[rows] != category).any():
                other = int(categories[rows][categories[rows] != category][0])
                raise InputError(f"class {int(self.labels[rows[0]])} is of two categories, {category} and {other}")
        return [np.flatnonzero(first == category) for category in np.unique(first)]

    @cached_property
    def _rows(self) -> list[NDArray[np.int64]]:
        """The rows of each class."""
        labels = self.labels.cpu().numpy()
        order = np.argsort(labels, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []
