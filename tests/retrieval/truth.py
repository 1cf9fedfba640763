"""The definitions of retrieval metrics, query by query and place by place."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product
from math import comb

import numpy as np
import pytest

from weightlab.retrieval import above, floors, ranks, whole

METRICS = ("MAP@R", "R-precision", "nDCG", "MRR")


def of_ranking(hits: np.ndarray, ks: Sequence[int]) -> list[float]:
    """R@ks, MAP@R, R-precision, nDCG and MRR of one order of the references."""
    relevant, gains = int(hits.sum()), 1 / np.log2(np.arange(len(hits)) + 2)
    return [
        *(float(hits[:k].any()) for k in ks),
        sum(hits[: i + 1].mean() for i in range(relevant) if hits[i]) / relevant,
        hits[:relevant].mean(),
        gains[hits].sum() / gains[:relevant].sum(),
        1 / (1 + int(np.argmax(hits))),
    ]


def over_all_orders(similarity: np.ndarray, hits: np.ndarray, ks: Sequence[int]) -> list[float]:
    """The same, averaged over every order of the references that sorts them."""
    levels = [np.flatnonzero(similarity == level) for level in sorted(set(similarity), reverse=True)]
    orders = product(*(list(permutations(level)) for level in levels))
    return list(np.mean([of_ranking(hits[np.concatenate(order)], ks) for order in orders], axis=0))


def expected(similarity: np.ndarray, hits: np.ndarray, ks: Sequence[int], tolerance: float = 1e-6) -> list[float]:
    """The same for many references: tied from the first of a group down as `tie`, sums of chances over places."""
    order = np.argsort(-similarity, kind="stable")
    values, hits = similarity[order], hits[order]
    relevant, end, groups = int(hits.sum()), 0, []
    while end < len(values):
        start, end = end, int(np.searchsorted(-values, -(values[end] - tolerance), side="right"))
        groups.append((start, end - start, int(hits[start:end].sum()), int(hits[:start].sum())))
    recalls = dict.fromkeys(ks, 0.0)
    precision = r_precision = gain = inverse = 0.0
    for start, size, found, before in groups:
        if not found:
            continue
        for k in ks:
            drawn = min(max(k - start, 0), size)
            if not before:
                recalls[k] = 1 - comb(size - found, drawn) / comb(size, drawn)
        for j in range(size):
            others = j * (found - 1) / (size - 1) if size > 1 else 0
            precision += (start + j < relevant) * found / size * (before + 1 + others) / (start + j + 1) / relevant
            r_precision += (start + j < relevant) * found / size / relevant
            gain += found / size / np.log2(start + j + 2)
            if not before:
                inverse += comb(size - j - 1, found - 1) / comb(size, found) / (start + j + 1)
    return [*recalls.values(), precision, r_precision, gain / (1 / np.log2(np.arange(relevant) + 2)).sum(), inverse]


def means(
    similarity: np.ndarray,
    labels: np.ndarray,
    ks: Sequence[int],
    is_query: np.ndarray | None = None,
    is_gallery: np.ndarray | None = None,
) -> dict[str, float]:
    """`expected`, averaged over the queries that have something to find; the similarity is of all rows with all."""
    queries = np.flatnonzero(np.ones(len(labels)) if is_query is None else is_query)
    gallery = np.ones(len(labels), dtype=bool) if is_gallery is None else is_gallery
    found = []
    for query in queries:
        others = gallery & (np.arange(len(labels)) != query)
        hits = labels[others] == labels[query]
        if hits.any():
            found.append(expected(similarity[query][others], hits, ks))
    return dict(zip([*(f"R@{k}" for k in ks), *METRICS], np.mean(found, axis=0), strict=True))


def go(way: str, patch: pytest.MonkeyPatch) -> None:
    """Send all queries one way: "whole", "above" their floors, or either in small blocks, where each fits nowhere."""
    patch.setattr(ranks, "_SMALL", 1 << 40 if way.startswith("whole") else 0)
    patch.setattr(ranks, "_HITS", 0.5)
    patch.setattr(ranks, "_SHARE", 0.01)
    if way.endswith("in blocks"):
        for module, name, size in (
            (whole, "_NUMBERS", 1),
            (whole, "_QUERIES", 3),
            (whole, "_PIECE", 5),
            (above, "_TALL", 2),
            (above, "_WIDE", 4),
            (above, "_NUMBERS", 8),
            (floors, "_SAMPLE", 7),
            (floors, "_QUERIES", 5),
        ):
            patch.setattr(module, name, size)


WAYS = ("whole", "whole, in blocks", "above", "above, in blocks")
