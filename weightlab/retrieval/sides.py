"""What is searched for what: queries and the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.arrays import as_labels
from weightlab.lazy import np, torch
from weightlab.retrieval.ties import TOLERANCE

if TYPE_CHECKING:
    from weightlab import arrays
    from weightlab.retrieval.ties import Array

__all__ = ["Sides", "as_classes"]


def as_classes(labels: arrays.Array, rows: Array) -> tuple[Array, Array]:
    """Labels of rows: which there are, ascending, and each row's, numbered from 0; int64.

    Raises InputError for labels that aren't whole numbers, one a row.
    """
    given = as_labels("labels", labels, torch.empty(len(rows), 0)).cpu().numpy()
    return np.unique(given, return_inverse=True)


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
    def of(cls, rows: Array, classes: Array, is_query: Array | None = None, is_gallery: Array | None = None) -> Sides:
        """All rows, or those of these masks, bool [N]; a query that has nothing to find is left out."""
        there = np.ones(len(rows), dtype=bool) if is_gallery is None else is_gallery
        wanted = np.ones(len(rows), dtype=bool) if is_query is None else is_query
        relevant = np.bincount(classes[there], minlength=int(classes.max(initial=-1)) + 1)[classes] - there
        queries = np.flatnonzero(wanted & (relevant > 0))
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
