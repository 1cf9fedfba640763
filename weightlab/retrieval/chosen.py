"""A few queries with their nearest references, to be looked at: failures beside successes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.arrays import as_embeddings, as_labels
from weightlab.errors import InputError, check_whole
from weightlab.lazy import np, torch
from weightlab.retrieval.nearest import search

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from weightlab.arrays import Array

__all__ = ["Examples", "examples"]

_LOOKED_AT = 2000  # queries among which failures are looked for
_SEEDS = 2**32 - 1


@dataclass(frozen=True, eq=False)
class Examples:
    """Q queries and the k references that are most similar to each, most similar first.

    queries: int64 [Q], rows; those whose first reference is of another label come first.
    found: int64 [Q, k], rows.
    similarity: float32 [Q, k].
    is_right: bool [Q, k], whether the reference has the query's label.
    failures, looked_at: of how many queries the first reference was of another label, and of how many in all.
    """

    queries: Tensor
    found: Tensor
    similarity: Tensor
    is_right: Tensor
    failures: int
    looked_at: int


def examples(
    embeddings: Array,
    labels: Array,
    count: int = 12,
    k: int = 8,
    *,
    is_query: Tensor | None = None,
    is_gallery: Tensor | None = None,
    seed: int = 0,
) -> Examples:
    """A random choice of `count` queries, half of them such whose nearest reference is of another label; all, if fewer.

    Where there are too few of one half, more are of the other. Only queries that have something to find count; of more
    than 2,000, so many are drawn first. Of references that are equally similar any may be the nearest.

    embeddings: [N, D], L2-normalised; labels: whole numbers [N]. is_query, is_gallery: bool [N]; None: all rows.
    Raises InputError for arguments that don't fit, for more references than there are, and where no query has another
    row of its label in the gallery.
    """
    rows = as_embeddings("embeddings", embeddings).detach().cpu()
    classes = as_labels("labels", labels, rows)
    count, k = check_whole("queries", count, 1), check_whole("k", k, 1)
    random = np.random.default_rng(check_whole("seed", seed, 0, _SEEDS))
    gallery = torch.arange(len(rows)) if is_gallery is None else is_gallery.nonzero()[:, 0]
    place = torch.full((len(rows),), -1)  # of each row in the gallery
    place[gallery] = torch.arange(len(gallery))
    most = len(gallery) - bool((place >= 0).any() if is_query is None else (place[is_query] >= 0).any())
    if k > most:
        raise InputError(f"k must be a whole number of 1 to {most}, the references that there are, not {k}")
    some = _drawn(_eligible(classes, is_query, place), _LOOKED_AT, random)
    _, nearest = search(rows[some], rows[gallery], 1, place[some])
    failed = (classes[gallery[nearest[:, 0]]] != classes[some]).numpy()
    wrong, right = some[torch.from_numpy(failed)], some[torch.from_numpy(~failed)]
    halves = max(min(len(wrong), count // 2), count - len(right))
    chosen = torch.cat([_drawn(wrong, halves, random), _drawn(right, max(0, count - halves), random)])
    similarity, found = search(rows[chosen], rows[gallery], k, place[chosen])
    found = gallery[found]
    return Examples(chosen, found, similarity, classes[found] == classes[chosen, None], int(failed.sum()), len(some))


def _eligible(classes: Tensor, is_query: Tensor | None, place: Tensor) -> Tensor:
    """The queries that have another row of their label in the gallery."""
    _, numbers = torch.unique(classes, return_inverse=True)
    there = torch.bincount(numbers[place >= 0], minlength=int(numbers.max()) + 1)
    able = there[numbers] - (place >= 0).long() > 0
    queries = (able if is_query is None else able & is_query).nonzero()[:, 0]
    if not len(queries):
        raise InputError("nothing to show: no query has another row of its label in the gallery")
    return queries


def _drawn(rows: Tensor, most: int, random: np.random.Generator) -> Tensor:
    """A choice of `most` rows, or all of them, in their order."""
    if len(rows) <= most:
        return rows
    chosen: NDArray[np.int64] = np.sort(random.choice(len(rows), most, replace=False))
    return rows[torch.from_numpy(chosen)]
