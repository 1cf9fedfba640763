"""Exact nearest neighbours by cosine similarity."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weightlab.errors import InputError
from weightlab.lazy import torch
from weightlab.pairs import check_embeddings

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["faiss_threads", "neighbours"]


def neighbours(queries: Tensor, references: Tensor, k: int, own: Tensor | None = None) -> Tensor:
    """The `k` references most similar to each query, most similar first: int64 [Q, k].

    queries: [Q, D], references: [R, D], L2-normalised. own: int64 [Q], the reference that is the query itself, which is
    left out (−1: none). It is left out by its index: a duplicate of the query is a neighbour like any other.
    The search is exact (faiss IndexFlatIP in float32); equally similar references come in no particular order.
    Raises InputError for embeddings that don't fit or aren't normalised, and for a `k` beyond what there is to find.
    """
    check_embeddings("queries", queries)
    check_embeddings("references", references)
    if queries.shape[1] != references.shape[1]:
        raise InputError(f"queries have {queries.shape[1]} dimensions, references {references.shape[1]}")
    if own is not None:
        _check_own(own, len(queries), len(references))
    excluded = 0 if own is None else 1
    if not 1 <= k <= len(references) - excluded:
        raise InputError(f"k must be between 1 and {len(references) - excluded}, the references to find, not {k}")
    found = _search(queries, references, k + excluded)
    return found if own is None else _without(found, own.cpu())


def _check_own(own: Tensor, queries: int, references: int) -> None:
    if own.shape != (queries,) or own.is_floating_point():
        raise InputError(
            f"own must be {queries} whole numbers, one a query, not {own.dtype} of shape {tuple(own.shape)}"
        )
    if queries and not -1 <= int(own.min()) <= int(own.max()) < references:
        raise InputError(f"own must be between -1 and {references - 1}, not {int(own.min())} to {int(own.max())}")


def _search(queries: Tensor, references: Tensor, k: int) -> Tensor:
    import faiss

    index = faiss.IndexFlatIP(references.shape[1])
    with faiss_threads(torch.get_num_threads()):
        index.add(references.detach().float().cpu().contiguous().numpy())
        _, found = index.search(queries.detach().float().cpu().contiguous().numpy(), k)
    return torch.from_numpy(found)


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


def _without(found: Tensor, own: Tensor) -> Tensor:
    """`found` [Q, k + 1] less each query's own entry, or less the last where its own isn't there (it was outranked)."""
    is_own = found == own[:, None]
    is_own[~is_own.any(dim=1), -1] = True
    return found[~is_own].view(len(found), -1)
