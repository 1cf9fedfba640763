"""Retrieval metrics: recall at k, and MAP@R."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weightlab.errors import InputError, check_whole, describe
from weightlab.lazy import np
from weightlab.retrieval import scores
from weightlab.retrieval.ranks import per_query
from weightlab.retrieval.rows import as_rows
from weightlab.retrieval.sides import Sides, as_classes, as_role

if TYPE_CHECKING:
    from weightlab.arrays import Array
    from weightlab.retrieval import ties

__all__ = ["as_ks", "evaluate"]


def evaluate(
    embeddings: Array,
    labels: Array,
    ks: Sequence[int] = (1, 10, 100),
    *,
    is_query: Array | None = None,
    is_gallery: Array | None = None,
) -> dict[str, float]:
    """Each query searched in the gallery but for itself: {"R@1", …, "MAP@R"}, fractions in [0, 1], means over queries.

    R@k: 1 where any of the k nearest has the query's label. MAP@R, with R the number of others of that label in the
    gallery: (1/R) Σ_{i ≤ R} P(i)·rel(i), where rel(i) is 1 if the i-th nearest has the label and P(i) is the precision
    at i (Musgrave, Belongie, Lim 2020, "A Metric Learning Reality Check", section 3.2). A row alone with its label has
    nothing to find and is no query, but stays among the references. A k beyond all references means all of them.

    Ties: where references are equally similar to a query, both are the exact expectation over a random order of them,
    so that the order of the rows says nothing: n equal embeddings have an R@1 of chance. Similarities (float64, of the
    rows as given) count as equal from the first of a tied group down to 1e-6 below it: rounding to float32 of rows that
    would be equal, and of rows that a collapsed encoder makes equal but for noise, moves them by some 1e-7.

    embeddings: [N, D], L2-normalised; labels: whole numbers [N]. is_query, is_gallery: truth values [N]; None: all
    rows. More metrics, with intervals: `measure`. Raises InputError for embeddings that contain NaN or aren't
    normalised, labels that don't fit, a k that is not whole or below 1, or where no query has anything to find.
    """
    rows = as_rows("embeddings", embeddings)
    _, classes = as_classes(labels, rows)
    ks = as_ks(ks)
    roles = as_role("is_query", is_query, len(rows)), as_role("is_gallery", is_gallery, len(rows))
    sides = Sides.of(rows, classes, *roles)

    def metrics(found: ties.Standing, relevant: ties.Array) -> ties.Array:
        return np.column_stack([scores.recall(found, relevant, ks), scores.average_precision(found, relevant)])

    means = per_query(sides, metrics, ks).mean(axis=0)
    return dict(zip([*(f"R@{k}" for k in ks), "MAP@R"], means.tolist(), strict=True))


def as_ks(given: object) -> list[int]:
    """The k of R@k. Raises InputError for what is no list of whole numbers of at least 1."""
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(f"ks must be a list of whole numbers, as in (1, 10, 100), not {describe(given)}")
    return [check_whole("k of R@k", k, 1) for k in given]
