"""The whole of an evaluation, against torchmetrics, scikit-learn and the definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from retrieval import truth
from sklearn.metrics import ndcg_score
from torch import Tensor
from torchvision_operators import declare

from weightlab.errors import InputError
from weightlab.retrieval import Evaluation, evaluate, evaluation, measure
from weightlab.retrieval.clusters import mutual_information
from weightlab.retrieval.intervals import interval

declare()  # torchmetrics imports torchvision
from torchmetrics.functional.retrieval import (  # noqa: E402
    retrieval_hit_rate,
    retrieval_normalized_dcg,
    retrieval_r_precision,
    retrieval_reciprocal_rank,
)

NAMES = ("R@1", "R@5", *truth.METRICS)


def made(rows: int = 60, classes: int = 8, seed: int = 0, spread: float = 0.8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (rows,), generator=generator)
    centres = torch.randn(classes, 12, generator=generator)
    return torch.nn.functional.normalize(centres[labels] + spread * torch.randn(rows, 12, generator=generator)), labels


def values(found: Evaluation) -> dict[str, float]:
    return dict(zip(found.table["metric"], found.table["value"], strict=True))


def roles(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are query, gallery, both or neither."""
    random = np.random.default_rng(seed)
    return random.random(rows) < 0.6, random.random(rows) < 0.6


@pytest.mark.parametrize("way", truth.WAYS)
@pytest.mark.parametrize("seed", [0, 1])
def test_query_and_gallery_are_those_of_brute_force(way: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    truth.go(way, monkeypatch)
    rows, labels = made(seed=seed, classes=25)
    is_query, is_gallery = roles(60, seed)
    similarity = (rows.double() @ rows.double().T).numpy()
    for query, gallery in ((is_query, is_gallery), (is_query, None), (None, is_gallery), (~is_gallery, is_gallery)):
        found = measure(rows, labels, ks=(1, 5), is_query=query, is_gallery=gallery)
        expected = truth.means(similarity, labels.numpy(), (1, 5), query, gallery)
        assert values(found) == pytest.approx(expected, abs=1e-12)
        there = np.ones(60, bool) if gallery is None else gallery
        wanted = np.ones(60, bool) if query is None else query
        has = [(there & (labels.numpy() == label)).sum() - there[row] > 0 for row, label in enumerate(labels.tolist())]
        assert found.queries == found.eligible == int((wanted & has).sum())
        assert found.without_positive == int((wanted & ~np.array(has)).sum())
        assert found.gallery == int(there.sum())
    assert found.without_positive > 0


def test_metrics_are_those_of_torchmetrics_and_scikit_learn() -> None:
    rows, labels = made()
    similarity = rows @ rows.T
    found, gains = [], []
    for query in range(len(rows)):
        others = torch.arange(len(rows)) != query
        preds, target = similarity[query][others], labels[others] == labels[query]
        relevant = int(target.sum())
        found.append(
            [
                retrieval_hit_rate(preds, target, top_k=1),
                retrieval_hit_rate(preds, target, top_k=5),
                retrieval_r_precision(preds, target),
                retrieval_normalized_dcg(preds, target),
                retrieval_reciprocal_rank(preds, target),
            ]
        )
        gains.append(ndcg_score(target.numpy()[None], preds.numpy()[None]))
        assert relevant
    ours = values(measure(rows, labels, ks=(1, 5)))
    names = ("R@1", "R@5", "R-precision", "nDCG", "MRR")
    assert [ours[name] for name in names] == pytest.approx(torch.tensor(found).double().mean(0).tolist(), abs=1e-6)
    assert ours["nDCG"] == pytest.approx(np.mean(gains), abs=1e-9)
    short = evaluate(rows, labels, (1, 5))
    assert short == pytest.approx({name: ours[name] for name in short}, abs=1e-12)


def test_per_class_and_per_category() -> None:
    rows, labels = made()
    labels, categories = labels * 10 - 3, labels % 3
    found = measure(rows, labels, ks=(1, 5), categories=categories)
    assert found.per_class["class"].tolist() == sorted(set(labels.tolist()))
    assert found.per_class["queries"].tolist() == [int((labels == label).sum()) for label in found.per_class["class"]]
    weights = found.per_class["queries"]
    for name in NAMES:
        assert (found.per_class[name] * weights).sum() / weights.sum() == pytest.approx(values(found)[name])
    assert found.per_category is not None
    assert found.per_category.columns.tolist() == ["category", "queries", "classes", *NAMES]
    assert found.per_category["classes"].tolist() == [3, 3, 2]
    for category, queries, *_ in found.per_category.itertuples(index=False):
        alone = measure(rows, labels, ks=(1, 5), is_query=categories == category)
        assert alone.queries == queries
        row = found.per_category.set_index("category").loc[category, list(NAMES)]
        assert row.to_dict() == pytest.approx(values(alone))
    assert measure(rows, labels).per_category is None


def test_a_sample_of_queries() -> None:
    rows, labels = made(rows=400)
    whole, some = measure(rows, labels), measure(rows, labels, queries=50, seed=3)
    assert (whole.queries, whole.eligible, whole.is_sample) == (400, 400, False)
    assert (some.queries, some.eligible, some.is_sample, some.gallery) == (50, 400, True, 400)
    again, other = measure(rows, labels, queries=50, seed=3), measure(rows, labels, queries=50, seed=4)
    assert again.table.equals(some.table)
    assert values(other) != values(some)
    assert measure(rows, labels, queries=400).table.equals(whole.table)
    means = [values(measure(rows, labels, queries=50, seed=seed))["MAP@R"] for seed in range(30)]
    assert np.mean(means) == pytest.approx(values(whole)["MAP@R"], abs=0.03)


def test_intervals_are_those_of_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    counts = random.integers(1, 9, size=40)
    classes = np.repeat(np.arange(40), counts)
    scores = random.random(len(classes)) + (classes % 2)
    sums = np.bincount(classes, weights=scores)[:, None]
    low, high = interval(sums, counts, 7)
    again, means = np.random.default_rng(7), []
    for _ in range(1000):
        drawn = again.integers(40, size=40)
        means.append(np.concatenate([scores[classes == each] for each in drawn]).mean())
    assert [low[0], high[0]] == pytest.approx(np.percentile(means, [2.5, 97.5]))
    assert low[0] < scores.mean() < high[0]


def test_intervals_cover_the_truth() -> None:
    """Class means around 0.5: of 100 intervals some 95 % hold it, where those of independent rows would not."""
    random, held = np.random.default_rng(1), 0
    for seed in range(100):
        mean = random.normal(0.5, 0.1, size=60)
        low, high = interval(mean[:, None] * 5, np.full(60, 5), seed)
        held += low[0] <= 0.5 <= high[0]
    assert 88 <= held <= 99


def test_one_class_has_no_interval() -> None:
    rows, labels = made(classes=1)
    assert measure(rows, labels).table[["low", "high"]].isna().all(axis=None)


def test_clusters() -> None:
    rows, labels = made(rows=200, spread=0.02)
    assert values(measure(rows, labels, clusters=True))["NMI"] == pytest.approx(1)
    shuffled = labels[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    assert values(measure(rows, shuffled, clusters=True))["NMI"] < 0.2
    assert "NMI" not in values(measure(rows, labels))
    half = np.arange(200) < 100
    found = measure(rows, labels, is_query=half, is_gallery=half, clusters=True, seed=5).table.set_index("metric")
    assert found.loc["NMI", "value"] == mutual_information(rows[:100].numpy(), labels[:100].numpy(), 5)
    assert np.isnan(found.loc["NMI", "low"])
    collapsed = torch.eye(12)[[3] * 200]
    assert values(measure(collapsed, labels, clusters=True))["NMI"] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_memory_mapped_rows_are_never_held_as_a_whole(
    dtype: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, labels = made(rows=300)
    np.save(tmp_path / "rows.npy", rows.numpy().astype(dtype))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    expected = values(measure(torch.from_numpy(np.array(mapped)), labels))
    seen: list[int] = []
    checked = evaluation.as_rows.__globals__["as_embeddings"]
    monkeypatch.setattr("weightlab.retrieval.rows._BLOCK", 12 * 40)
    monkeypatch.setattr(
        "weightlab.retrieval.rows.as_embeddings", lambda name, given: seen.append(len(given)) or checked(name, given)
    )
    assert values(measure(mapped, labels)) == pytest.approx(expected, abs=1e-12)
    assert max(seen) == 40
    broken = np.load(tmp_path / "rows.npy", mmap_mode="c")
    broken[280] *= 3
    broken.flags.writeable = False
    with pytest.raises(InputError, match="normalise"):
        measure(broken, labels)


MASK = torch.ones(4, dtype=torch.bool)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"is_query": ~MASK}, "nothing to evaluate: is_query is true of no row"),
        ({"is_gallery": ~MASK}, "nothing to evaluate: is_gallery is true of no row"),
        (
            {"is_query": [True, False, False, False], "is_gallery": [True, False, True, True]},
            "no query has another row of its label in the gallery",
        ),
        ({"is_query": MASK[:3]}, r"is_query must be truth values, \[4\], one for each row, not bool \[3\]"),
        ({"is_gallery": MASK.int()}, r"is_gallery must be truth values, \[4\], one for each row, not int32 \[4\]"),
        ({"is_query": "yes"}, "is_query must be truth values"),
        ({"categories": [1, 2]}, r"categories must be whole numbers, \[4\]"),
        ({"categories": [1.5, 2, 2, 2]}, "categories must be whole numbers"),
        ({"queries": 0}, "queries must be a whole number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a whole number of 0 to 4294967295, not -1"),
        ({"ks": 3}, "ks must be a list"),
    ],
)
def test_bad_input(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure(torch.eye(4), torch.tensor([0, 0, 1, 1]), **arguments)
