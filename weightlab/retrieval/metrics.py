"""Retrieval metrics: recall at k, and MAP@R."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.arrays import as_embeddings, as_labels
from weightlab.errors import InputError, check_whole, describe
from weightlab.lazy import torch
from weightlab.retrieval.nearest import search
from weightlab.retrieval.ties import TOLERANCE, Places

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.arrays import Array

__all__ = ["evaluate"]

_CHUNK = 1 << 20  # neighbours that are held at a time
_NUMBERS = 1 << 23  # float64 that are held at a time
_PIECE = 1 << 15  # references that are made float64 at a time
_NEAR = TOLERANCE + 2e-6  # float32 similarities farther apart tie in no case: each is off by less than 1e-6


def evaluate(embeddings: Array, labels: Array, ks: Sequence[int] = (1, 10, 100)) -> dict[str, float]:
    """Each row searched among all the others: {"R@1", …, "MAP@R"}, fractions in [0, 1], averaged over the queries.

    R@k: 1 where any of the k nearest has the query's label. MAP@R, with R the number of other rows of that label:
    (1/R) Σ_{i ≤ R} P(i)·rel(i), where rel(i) is 1 if the i-th nearest has the label and P(i) is the precision at i
    (Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check", section 3.2). A row alone with its label has
    nothing to find and is no query, but stays among the references. A k beyond all references means all of them.

    Ties: where references are equally similar to a query, both are the exact expectation over a random order of them,
    so that the order of the rows says nothing: n equal embeddings have an R@1 of chance. Similarities (float64, of the
    rows as given) count as equal from the first of a tied group down to 1e-6 below it: rounding to float32 of rows that
    would be equal, and of rows that a collapsed encoder makes equal but for noise, moves them by some 1e-7.

    embeddings: [N, D], L2-normalised; labels: whole numbers [N]. Raises InputError for embeddings that contain NaN or
    aren't normalised, labels that don't fit, a k that is not whole or below 1, or where no label has two rows.
    """
    rows = as_embeddings("embeddings", embeddings).detach().cpu()
    _, classes, sizes = torch.unique(as_labels("labels", labels, rows), return_inverse=True, return_counts=True)
    ks = _plain(ks)
    relevant = sizes[classes] - 1  # R of each row
    queries = torch.nonzero(relevant).flatten()
    if not len(queries):
        raise InputError("nothing to evaluate: no label has two rows")
    gallery = _Gallery(rows, classes)
    depth = min(max([*ks, int(relevant.max())]), len(rows) - 1)
    totals = torch.zeros(len(ks) + 1, dtype=torch.float64)
    for some in queries.split(max(1, _CHUNK // depth)):
        places = gallery.places(some, depth, ks, relevant[some])
        found = [*(places.recall(k) for k in ks), places.average_precision(relevant[some])]
        totals += torch.stack(found).sum(dim=1)
    names = [*(f"R@{k}" for k in ks), "MAP@R"]
    return dict(zip(names, (totals / len(queries)).tolist(), strict=True))


def _plain(ks: object) -> list[int]:
    if isinstance(ks, str) or not isinstance(ks, Sequence):
        raise InputError(f"ks must be a list of whole numbers, as in (1, 10, 100), not {describe(ks)}")
    return [check_whole("k of R@k", k, 1) for k in ks]


@dataclass(frozen=True)
class _Gallery:
    """What is searched.

    embeddings: [N, D].
    classes: int64 [N], labels numbered from 0.
    """

    embeddings: Tensor
    classes: Tensor

    def places(self, queries: Tensor, depth: int, ks: Sequence[int], relevant: Tensor) -> Places:
        """The first `depth` places of these rows, exact wherever recall at `ks` and precision at R depend on them.

        The search is in float32. Where similarities that it can't tell apart belong to hits and misses, they are made
        again in float64; where those that tie may go on beyond what was found, all the query's similarities are.
        """
        beyond = min(depth + 1, len(self.classes) - 1)
        similarity, found = search(self.embeddings[queries], self.embeddings, beyond, own=queries)
        hits = self.classes[found] == self.classes[queries, None]
        near = similarity[:, :-1] - similarity[:, 1:] <= _NEAR
        similarity = similarity.double()
        for some in (near & (hits[:, :-1] != hits[:, 1:])).any(1).nonzero()[:, 0].split(self._held(beyond)):
            similarity[some], hits[some] = self._again(queries[some], found[some], hits[some])
        places = Places.of(similarity[:, :depth], hits[:, :depth])
        if beyond > depth:
            for some in _open(near, hits, ks, relevant).nonzero()[:, 0].split(max(1, _NUMBERS // len(self.classes))):
                places.put(some, self._whole(queries[some], depth))
        return places

    def _held(self, references: int) -> int:
        return max(1, _NUMBERS // (references * self.embeddings.shape[1]))

    def _again(self, queries: Tensor, found: Tensor, hits: Tensor) -> tuple[Tensor, Tensor]:
        """What was found, in its order in float64."""
        rows = self.embeddings[found].double() * self.embeddings[queries, None].double()
        similarity, order = rows.sum(2).sort(dim=1, descending=True)
        return similarity, hits.gather(1, order)

    def _whole(self, queries: Tensor, depth: int) -> Places:
        """Among all references, in float64."""
        rows = self.embeddings[queries].double()
        similarity = torch.cat([rows @ piece.double().T for piece in self.embeddings.split(_PIECE)], dim=1)
        similarity[torch.arange(len(queries)), queries] = -torch.inf
        return Places.among(similarity, self.classes == self.classes[queries, None], depth)


def _open(near: Tensor, hits: Tensor, ks: Sequence[int], relevant: Tensor) -> Tensor:
    """Which queries' metrics depend on references beyond those found, as the last of these may tie with more: bool [Q].

    near: whether a place may tie with the next, [Q, d]. Before the run of such at the end, all is known.
    """
    known = near.shape[1] - near.flip(1).cumprod(1).sum(1)  # places before the run; all where the last stands apart
    found = hits.cumsum(1).gather(1, (known - 1).clamp(min=0)[:, None])[:, 0].where(known > 0, 0) > 0
    recall_known = found | (known >= max(ks, default=0))
    return (known < near.shape[1]) & ~(recall_known & (relevant <= known))
