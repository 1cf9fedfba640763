"""What a data set is: rows with labels, and how they become what an encoder takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from weightlab.arrays import as_labels
from weightlab.errors import InputError, describe
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.data.draw import Draw

__all__ = ["Dataset", "Inputs", "Split", "check_rows"]


class Inputs(Protocol):
    """How rows become what an encoder takes: images or vectors."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row's: (channels, height, width), or (dimensions,)."""
        ...

    @property
    def slow(self) -> bool:
        """Whether making them takes so long that worker processes should, ahead of the loop; then it must pickle."""
        ...

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        """Of the rows `index`, int64 [n]: float32 [n, *shape]; images in [0, 1].

        With a draw they are freshly augmented, a function of it and the row (training); without one they are always
        the same (test). Raises InputError for rows that are not there.
        """
        ...


@dataclass(frozen=True, eq=False)
class Split:
    """Rows, their labels and what is known of them.

    labels: int64 [N], the class of each row, numbered from 0 without gaps.
    inputs: how rows become what an encoder takes.
    categories: int64 [N], a coarser class of each row, numbered likewise (the 12 super classes of SOP).
    is_query, is_gallery: bool [N], which rows search and which are searched; None: all of them.
    paths: of each row's file.
    class_names, category_names: of each number.

    Raises InputError where one does not fit the labels.
    """

    labels: Tensor
    inputs: Inputs
    categories: Tensor | None = None
    is_query: Tensor | None = None
    is_gallery: Tensor | None = None
    paths: Sequence[str] | None = None
    class_names: Sequence[str] | None = None
    category_names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", _numbered("labels", self.labels, self.class_names))
        if self.categories is not None:
            object.__setattr__(
                self, "categories", _numbered("categories", self.categories, self.category_names, len(self))
            )
        for name in ("is_query", "is_gallery"):
            mask = getattr(self, name)
            if mask is not None and not (
                isinstance(mask, torch.Tensor) and mask.dtype == torch.bool and mask.shape == (len(self),)
            ):
                raise InputError(f"{name} must be a bool tensor [{len(self)}], one for each row, not {describe(mask)}")
        if self.paths is not None and len(self.paths) != len(self):
            raise InputError(f"paths must be {len(self)}, one for each row, not {len(self.paths)}")
        if self.is_query is not None and not bool(self.is_query.any()):
            raise InputError("no row is a query: is_query is False everywhere")
        if self.is_gallery is not None and not bool(self.is_gallery.any()):
            raise InputError("no row is in the gallery: is_gallery is False everywhere")

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A data set.

    name: as a report has it.
    train: what one trains on.
    test: what one tests on, of other classes.
    ks: the k of R@k that its protocol asks for.
    notes: what whoever uses it should know, a line each.
    """

    name: str
    train: Split
    test: Split
    ks: tuple[int, ...] = (1, 10, 100)
    notes: tuple[str, ...] = ()


def check_rows(index: Tensor, count: int) -> None:
    """Raise InputError unless all of `index` are rows of `count`."""
    if index.numel() and not 0 <= int(index.min()) <= int(index.max()) < count:
        raise InputError(f"rows go from 0 to {count - 1}, not from {int(index.min())} to {int(index.max())}")


def _numbered(name: str, given: Tensor, names: Sequence[str] | None, rows: int | None = None) -> Tensor:
    labels = as_labels(name, given)
    if rows is not None and len(labels) != rows:
        raise InputError(f"{name} must be {rows}, one for each row, not {len(labels)}")
    if not len(labels):
        raise InputError(f"{name}: there are no rows")
    found = torch.unique(labels)
    if int(found[0]) != 0 or int(found[-1]) != len(found) - 1:
        raise InputError(f"{name} must be numbered from 0 without gaps")
    if names is not None and len(names) != len(found):
        raise InputError(f"{name} are of {len(found)} numbers, their names {len(names)}")
    return labels
