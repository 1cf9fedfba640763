"""What is searched for what: queries and the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.arrays import as_labels
from weightlab.errors import InputError, describe
from weightlab.lazy import np, torch
from weightlab.retrieval.ties import TOLERANCE

if TYPE_CHECKING:
    from weightlab import arrays
    from weightlab.retrieval.ties import Array

__all__ = ["Sides", "as_classes", "as_role"]


def as_classes(labels: arrays.Array, rows: Array) -> tuple[Array, Array]:
    """Labels of rows: which there are, ascending, and each row's, numbered from 0; int64.

    Raises InputError for labels that aren't whole numbers, one a row.
    """
    given = as_labels("labels", labels, torch.empty(len(rows), 0)).cpu().numpy()
    return np.unique(given, return_inverse=True)


def as_role(name: str, given: arrays.Array | None, rows: int) -> Array:
    """Which rows are queries, or in the gallery: bool [rows]; all, where none is given.

    Raises InputError for what is no mask of the rows, and where it is true of none.
    """
    if given is None:
        return np.ones(rows, dtype=bool)
    mask = np.asarray(given.detach().cpu() if isinstance(given, torch.Tensor) else given)
    if mask.dtype != bool or mask.shape != (rows,):
        raise InputError(f"{name} must be truth values, [{rows}], one for each row, not {describe(mask)}")
    if not mask.any():
        raise InputError(f"nothing to evaluate: {name} is true of no row")
    return mask


@dataclass(frozen=True, eq=False)
class Sides:
    """Queries and the gallery that they are searched in; a row that is both is not found by itself.

    rows: embeddings [N, D], float; perhaps on disk.
    classes: int64 [N], labels numbered from 0.
    queries: int64 [Q], which rows.
    gallery: int64 [G], which rows, ascending.
    relevant: int64 [Q], how many others of the gallery have the query's label, at least 1.
    """

    rows: Array
    classes: Array
    queries: Array
    gallery: Array
    relevant: Array

    @classmethod
    def of(cls, rows: Array, classes: Array, is_query: Array, is_gallery: Array) -> Sides:
        """Rows by their roles, bool [N]; a query that has nothing to find is left out.

        Raises InputError where none is left.
        """
        there = is_gallery
        relevant = np.bincount(classes[there], minlength=int(classes.max(initial=-1)) + 1)[classes] - there
        queries = np.flatnonzero(is_query & (relevant > 0))
        if not len(queries):
            raise InputError("nothing to evaluate: no query has another row of its label in the gallery")
        return cls(rows, classes, queries, np.flatnonzero(there), relevant[queries])

    @property
    def is_gallery(self) -> Array:
        """bool [N]."""
        mask = np.zeros(len(self.rows), dtype=bool)
        mask[self.gallery] = True
        return mask

    @property
    def error(self) -> float:
        """How far a similarity in float32 may be off: half a unit in the last place a product, added up from 0 to 1."""
        return float((self.rows.shape[1] / 2 + 8) * 2.0**-24)

    @property
    def near(self) -> float:
        """Similarities in float32 that are farther apart tie in no case."""
        return TOLERANCE + 2 * self.error
