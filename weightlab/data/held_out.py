"""Classes held out of the rows one trains on, to stop early and to choose the best encoder by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.data.disjoint import VALIDATION, place_of
from weightlab.data.split import Inputs, Split, check_rows
from weightlab.errors import InputError
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.data.draw import Draw

__all__ = ["held_out"]


@dataclass(frozen=True, eq=False)
class _Some:
    """The inputs of some rows."""

    inputs: Inputs
    rows: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row's."""
        return self.inputs.shape

    @property
    def slow(self) -> bool:
        """As all of them are."""
        return self.inputs.slow

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        """Of the rows `index` among these; a draw is by the row's number among all."""
        check_rows(index, len(self.rows))
        return self.inputs(self.rows[index], draw)


def held_out(rows: Split) -> tuple[Split, Split]:
    """Rows to train on, and rows of a fifth of the classes (rounded, at least 2) to validate on; roles are left behind.

    A hash of the classes' names, or of their numbers where they have none, says which.
    Raises InputError where that leaves fewer than two classes on either side, or no two rows of one class held out.
    """
    count = int(rows.labels.max()) + 1
    names = rows.class_names or [str(label) for label in range(count)]
    order = sorted(range(count), key=lambda label: (place_of(names[label], 0, "held out"), label))
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[order[: max(2, round(VALIDATION * count))]] = True
    held = chosen[rows.labels]
    if count - int(chosen.sum()) < 2:
        raise InputError(f"{count} classes are too few to hold some out of: 4 or more, or validate_every=0")
    if int(torch.bincount(rows.labels[held]).max()) < 2:
        raise InputError("the classes held out have one row each, so nothing can be found: give validate_every=0")
    return _part(rows, ~held), _part(rows, held)


def _part(rows: Split, kept: Tensor) -> Split:
    index = kept.nonzero()[:, 0]
    labels, classes = _renumbered(rows.labels[index])
    categories, kinds = (None, None) if rows.categories is None else _renumbered(rows.categories[index])
    return Split(
        labels,
        _Some(rows.inputs, index),
        categories,
        paths=None if rows.paths is None else [rows.paths[row] for row in index.tolist()],
        class_names=None if rows.class_names is None else [rows.class_names[each] for each in classes.tolist()],
        category_names=None
        if rows.category_names is None or kinds is None
        else [rows.category_names[each] for each in kinds.tolist()],
    )


def _renumbered(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Numbered from 0 without gaps, and what each was."""
    known, renumbered = torch.unique(numbers, return_inverse=True)
    return renumbered, known
