"""Exact nearest neighbours by cosine similarity."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weightlab.arrays import as_embeddings, as_indices
from weightlab.errors import InputError, check_whole
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.arrays import Array

__all__ = ["faiss_threads", "neighbours", "search"]


def neighbours(queries: Array, references: Array, k: int, own: Array | None = None) -> Tensor:
    """The `k` references most similar to each query, most similar first: int64 [Q, k].

    queries: [Q, D], references: [R, D], L2-normalised. own: integer [Q], the reference that is the query itself, which
    is left out (−1: none). It is left out by its index: a duplicate of the query is a neighbour like any other.
    The search is exact (faiss IndexFlatIP in float32). Equally similar references, and those that float32 can't tell
    apart, come in no particular order, and which of them are the last that fit is no one's choice: to count what is
    found among them, take `evaluate`, which averages over the orders.
    Raises InputError for embeddings that don't fit or aren't normalised, and for a `k` beyond what there is to find.
    """
    queries, references = as_embeddings("queries", queries), as_embeddings("references", references)
    if queries.shape[1] != references.shape[1]:
        raise InputError(f"queries have {queries.shape[1]} dimensions, references {references.shape[1]}")
    if own is not None:
        own = as_indices("own", own, -1, len(references) - 1, len(queries))
    there = len(references) - (own is not None)
    k = check_whole("k", k, 1)
    if k > there:
        raise InputError(f"k must be between 1 and {there}, the references to find, not {k}")
    return search(queries, references, k, own)[1]


def search(queries: Tensor, references: Tensor, k: int, own: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Of arguments as of `neighbours`, that were checked: similarities, float32 [Q, k], and references, on the CPU."""
    import faiss

    index = faiss.IndexFlatIP(references.shape[1])
    with faiss_threads(torch.get_num_threads()):
        index.add(references.detach().float().cpu().contiguous().numpy())
        result = index.search(queries.detach().float().cpu().contiguous().numpy(), k + (own is not None))
    similarity, found = (torch.from_numpy(each) for each in result)
    if own is None:
        return similarity, found
    kept = _others(found, own.cpu())
    return similarity[kept].view(len(found), -1), found[kept].view(len(found), -1)


@contextmanager
def faiss_threads(count: int) -> Iterator[None]:
    """faiss on `count` threads, and afterwards as it was: this is a setting of the whole process."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _others(found: Tensor, own: Tensor) -> Tensor:
    """Which of `found` [Q, k + 1] stay: all but each query's own entry, or but the last where it was outranked."""
    is_own = found == own[:, None]
    is_own[~is_own.any(dim=1), -1] = True
    return ~is_own
