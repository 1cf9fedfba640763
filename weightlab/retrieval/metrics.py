"""Retrieval metrics: recall at k, and MAP@R."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weightlab.errors import InputError
from weightlab.lazy import torch
from weightlab.pairs import check_embeddings
from weightlab.retrieval.nearest import neighbours

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["evaluate"]

_CHUNK = 1 << 22  # neighbours that are held at a time


def evaluate(embeddings: Tensor, labels: Tensor, ks: Sequence[int] = (1, 10, 100)) -> dict[str, float]:
    """Each row searched among all the others: {"R@1", …, "MAP@R"}, fractions in [0, 1], averaged over the queries.

    R@k: 1 where any of the k nearest has the query's label. MAP@R, with R the number of other rows of that label:
    (1/R) Σ_{i ≤ R} P(i)·rel(i), where rel(i) is 1 if the i-th nearest has the label and P(i) is the precision at i
    (Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check", section 3.2). A row alone with its label has
    nothing to find and is no query, but stays among the references. A k beyond all references means all of them.

    embeddings: float [N, D], L2-normalised; labels: int64 [N]. Raises InputError for embeddings that contain NaN or
    aren't normalised, labels that don't fit, a k below 1, or where no label has two rows.
    """
    check_embeddings("embeddings", embeddings)
    if labels.shape != embeddings.shape[:1]:
        raise InputError(f"{len(embeddings)} embeddings need as many labels, not shape {tuple(labels.shape)}")
    if any(k < 1 for k in ks):
        raise InputError(f"k of R@k must be at least 1, not {min(ks)}")
    _, classes, sizes = torch.unique(labels.cpu(), return_inverse=True, return_counts=True)
    relevant = sizes[classes] - 1  # R of each row
    queries = torch.nonzero(relevant).flatten()
    if not len(queries):
        raise InputError("nothing to evaluate: no label has two rows")
    depth = min(max(*ks, int(relevant.max())), len(labels) - 1)
    totals = torch.zeros(len(ks) + 1, dtype=torch.float64)
    for rows in queries.split(max(1, _CHUNK // depth)):
        found = neighbours(embeddings[rows], embeddings, depth, own=rows)
        hits = classes[found] == classes[rows, None]
        totals += torch.stack([*(_recall(hits, k) for k in ks), _average_precision(hits, relevant[rows])]).sum(dim=1)
    names = [*(f"R@{k}" for k in ks), "MAP@R"]
    return dict(zip(names, (totals / len(queries)).tolist(), strict=True))


def _recall(hits: Tensor, k: int) -> Tensor:
    """Whether any of the first `k` is a hit: float64 [Q]."""
    return hits[:, :k].any(dim=1).double()


def _average_precision(hits: Tensor, relevant: Tensor) -> Tensor:
    """Average precision over the first R = `relevant` places: float64 [Q]."""
    depth = int(relevant.max())
    place = torch.arange(1, depth + 1)
    hits = hits[:, :depth] & (place <= relevant[:, None])
    precision = hits.cumsum(dim=1, dtype=torch.float64) / place
    return (precision * hits).sum(dim=1) / relevant
