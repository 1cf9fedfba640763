"""Evaluation of embeddings by retrieval: metrics with their intervals, per class and per category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from weightlab.arrays import as_labels
from weightlab.errors import check_whole
from weightlab.lazy import np, pd, torch
from weightlab.retrieval import scores
from weightlab.retrieval.clusters import mutual_information
from weightlab.retrieval.intervals import interval
from weightlab.retrieval.metrics import as_ks
from weightlab.retrieval.ranks import per_query
from weightlab.retrieval.rows import as_rows
from weightlab.retrieval.sides import Sides, as_classes, as_role

if TYPE_CHECKING:
    import pandas

    from weightlab import arrays
    from weightlab.retrieval.ties import Array, Standing

__all__ = ["Evaluation", "measure"]

_SEEDS = 2**32 - 1  # the largest that scikit-learn takes


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `measure` found.

    table: metric, value, low, high; one row a metric. low and high: the 95 % interval; NaN where there is none.
    per_class: class (its label), queries, and a column a metric; one row a class that has queries.
    per_category: category, queries, classes, and a column a metric; None where no categories were given.
    queries: how many rows were searched for.
    eligible: how many could have been; more than `queries` where these are a sample of them.
    without_positive: how many rows were to be queries, but have nothing to find in the gallery.
    classes: how many labels the queries have.
    gallery: in how many rows they were searched.
    """

    table: pandas.DataFrame
    per_class: pandas.DataFrame
    per_category: pandas.DataFrame | None
    queries: int
    eligible: int
    without_positive: int
    classes: int
    gallery: int

    @property
    def is_sample(self) -> bool:
        """Whether the queries are a sample of those that there are."""
        return self.queries < self.eligible


def measure(
    embeddings: arrays.Array,
    labels: arrays.Array,
    *,
    ks: Sequence[int] = (1, 10, 100),
    is_query: arrays.Array | None = None,
    is_gallery: arrays.Array | None = None,
    categories: arrays.Array | None = None,
    queries: int | None = None,
    seed: int = 0,
    clusters: bool = False,
) -> Evaluation:
    """Each query searched in the gallery but for itself: R@k, MAP@R, R-precision, nDCG and MRR, averaged over queries.

    With R the number of references of the query's label: R@k and MAP@R as of `evaluate`; R-precision, the share of hits
    among the R nearest; nDCG, over all references: Σ over hits of 1/log₂(1 + rank), divided by the most it can be,
    Σ_{i ≤ R} 1/log₂(1 + i); MRR, 1/rank of the first hit. All are in [0, 1], and the exact expectation over a random
    order of what ties, as of `evaluate`. With `clusters`, NMI too: the normalised mutual information (arithmetic mean)
    of the labels and as many k-means clusters of the rows on either side as these have labels (slow; no interval).

    Intervals: 95 %, by the percentiles of 1,000 bootstrap samples of the queries' classes, as rows of a class are not
    independent. None (NaN) with one class.

    embeddings: [N, D], L2-normalised; if memory-mapped (float32), they are read in blocks and never held as a whole.
    labels: whole numbers [N]. is_query, is_gallery: truth values [N]; None: all rows. A query that has nothing to find
    in the gallery is none, and counted. categories: whole numbers [N]. queries: at most so many, a random sample of
    those that there are. seed: of sample, bootstrap and clusters.
    Raises InputError for arguments that don't fit, as `evaluate` does, and where no query or no gallery is left.
    """
    rows = as_rows("embeddings", embeddings)
    names, classes = as_classes(labels, rows)
    groups = (
        None if categories is None else as_labels("categories", categories, torch.empty(len(rows), 0)).cpu().numpy()
    )
    ks = list(dict.fromkeys(as_ks(ks)))
    sample = None if queries is None else check_whole("queries", queries, 1)
    seed = check_whole("seed", seed, 0, _SEEDS)
    wanted, there = as_role("is_query", is_query, len(rows)), as_role("is_gallery", is_gallery, len(rows))
    every = Sides.of(rows, classes, wanted, there)
    sides = _sampled(every, sample, seed)
    metrics = [*(f"R@{k}" for k in ks), "MAP@R", "R-precision", "nDCG", "MRR"]

    def score(found: Standing, relevant: Array) -> Array:
        whole = (scores.average_precision, scores.r_precision, scores.ndcg, scores.reciprocal_rank)
        return np.column_stack([scores.recall(found, relevant, ks), *(each(found, relevant) for each in whole)])

    values = pd.DataFrame(per_query(sides, score), columns=metrics)
    own = sides.classes[sides.queries]
    per_class = _means(values, pd.Series(names[own], name="class"))
    low, high = interval(
        per_class[metrics].mul(per_class["queries"], axis=0).to_numpy(), per_class["queries"].to_numpy(), seed
    )
    table = pd.DataFrame({"metric": metrics, "value": values.mean().to_numpy(), "low": low, "high": high})
    if clusters:
        taking_part = np.flatnonzero(wanted | there)
        nmi = mutual_information(rows[taking_part], classes[taking_part], seed)
        table = pd.concat(
            [table, pd.DataFrame([{"metric": "NMI", "value": nmi, "low": np.nan, "high": np.nan}])], ignore_index=True
        )
    per_category = None
    if groups is not None:
        category = pd.Series(groups[sides.queries], name="category")
        per_category = _means(values, category)
        per_category.insert(2, "classes", pd.Series(own).groupby(category).nunique().to_numpy())
    return Evaluation(
        table,
        per_class,
        per_category,
        queries=len(sides.queries),
        eligible=len(every.queries),
        without_positive=int(wanted.sum()) - len(every.queries),
        classes=len(per_class),
        gallery=len(sides.gallery),
    )


def _sampled(sides: Sides, queries: int | None, seed: int) -> Sides:
    if queries is None or queries >= len(sides.queries):
        return sides
    some = np.sort(np.random.default_rng(seed).choice(len(sides.queries), queries, replace=False))
    return replace(sides, queries=sides.queries[some], relevant=sides.relevant[some])


def _means(values: pandas.DataFrame, by: pandas.Series[Any]) -> pandas.DataFrame:
    """Means of each group, after how many there are."""
    groups = values.groupby(by, sort=True)
    means = groups.mean()
    means.insert(0, "queries", groups.size())
    return means.reset_index()
