from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from retrieval import truth
from torch import Tensor

from weightlab.errors import InputError
from weightlab.retrieval import evaluate, ranks, scores
from weightlab.retrieval.ties import standing


def clustered(sizes: list[int], spread: float = 1.0, dimensions: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Embeddings around a centre a class, and their labels, in random order."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    rows = random.normal(size=(len(sizes), dimensions))[labels] + spread * random.normal(size=(len(labels), dimensions))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return torch.tensor(rows, dtype=torch.float32), torch.from_numpy(labels)


def brute_force(embeddings: Tensor, labels: Tensor, ks: tuple[int, ...]) -> dict[str, float]:
    """The definitions, query by query."""
    similarity = embeddings.double().numpy() @ embeddings.double().numpy().T
    names = [*(f"R@{k}" for k in ks), "MAP@R"]
    found = truth.means(similarity, labels.numpy(), ks)
    return {name: found[name] for name in names}


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 12), min_size=2, max_size=8), spread=st.floats(0.1, 3), seed=st.integers(0, 99))
def test_metrics_are_those_of_brute_force(sizes: list[int], spread: float, seed: int) -> None:
    sizes = [*sizes, 2]
    embeddings, labels = clustered(sizes, spread, seed=seed)
    ks = (1, 3, 100)
    assert evaluate(embeddings, labels, ks) == pytest.approx(brute_force(embeddings, labels, ks), abs=1e-12)


@pytest.mark.parametrize("sizes", [[5] * 30, [2, 3, 40, 7], [1, 1, 1, 6, 9]])
def test_metrics_are_those_of_pytorch_metric_learning(sizes: list[int]) -> None:
    embeddings, labels = clustered(sizes)
    calculator = AccuracyCalculator(include=("precision_at_1", "mean_average_precision_at_r"), k="max_bin_count")
    other = calculator.get_accuracy(embeddings, labels)
    ours = evaluate(embeddings, labels)
    assert ours["R@1"] == pytest.approx(other["precision_at_1"])
    assert ours["MAP@R"] == pytest.approx(other["mean_average_precision_at_r"])


def test_names_and_order() -> None:
    assert list(evaluate(*clustered([3, 4]))) == ["R@1", "R@10", "R@100", "MAP@R"]
    assert list(evaluate(*clustered([3, 4]), ks=(5, 2))) == ["R@5", "R@2", "MAP@R"]


def test_perfect_and_hopeless_embeddings() -> None:
    labels = torch.arange(4).repeat_interleave(3)
    perfect = torch.eye(4)[labels]
    assert evaluate(perfect, labels) == {"R@1": 1, "R@10": 1, "R@100": 1, "MAP@R": 1}
    # Every row's two nearest are of other classes.
    hopeless = torch.eye(3)[torch.arange(3).repeat(3)]
    found = evaluate(hopeless, torch.arange(3).repeat_interleave(3), ks=(1, 2))
    assert found == {"R@1": 0, "R@2": 0, "MAP@R": 0}


def test_map_at_r_of_the_published_kind() -> None:
    """One query class of 4 in a line: places 1 and 3 of R = 3 are hits, so (1/1 + 2/3) / 3 for the query at angle 0."""
    angles = torch.tensor([0.0, 0.1, 0.21, 0.33, 3.0])
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    found = standing(np.array([-0.9, -0.8, -0.7, -0.6]), np.array([True, False, True, True]), np.array([0, 4]))
    assert scores.average_precision(found, np.array([3])) == pytest.approx((1 + 2 / 3) / 3)
    labels = torch.tensor([0, 0, 1, 0, 0])
    assert evaluate(embeddings, labels) == pytest.approx(brute_force(embeddings, labels, (1, 10, 100)))


def test_map_at_r_looks_beyond_the_largest_k() -> None:
    """Of each query's R = 3 the nearest is a hit and the next two are misses."""
    angles = torch.deg2rad(torch.tensor([0.0, 1.0, 90.0, 91.0, 4.0, 5.0, 94.0, 95.0]))
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    found = evaluate(embeddings, torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]), ks=(1,))
    assert found == {"R@1": 1, "MAP@R": pytest.approx(1 / 3)}


def test_own_entry_is_no_hit_even_among_copies() -> None:
    """Two copies of different labels: each finds the other, never itself."""
    embeddings = torch.eye(4)[[0, 0, 1, 1]]
    assert evaluate(embeddings, torch.tensor([0, 1, 0, 1]), ks=(1,)) == {"R@1": 0, "MAP@R": 0}
    assert evaluate(embeddings, torch.tensor([0, 0, 1, 1]), ks=(1,)) == {"R@1": 1, "MAP@R": 1}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("way", truth.WAYS)
def test_how_it_is_searched_changes_nothing(way: str, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, labels = clustered([7, 1, 12, 3, 5], spread=2)
    expected = brute_force(embeddings, labels, (1, 10, 100))
    truth.go(way, monkeypatch)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert evaluate(embeddings, labels) == pytest.approx(expected, abs=1e-12)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("spread", [0.7, 3.0])
def test_each_query_goes_the_way_that_costs_least(spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """of 500 rows in classes of 2 to 40, most queries are searched above their floors, and some as a whole."""
    embeddings, labels = clustered([2, 3, 5] * 30 + [40] * 5, spread, dimensions=24)
    monkeypatch.setattr(ranks, "_SMALL", 1 << 40)
    expected = evaluate(embeddings, labels)
    ways: dict[str, int] = {}
    monkeypatch.setattr(ranks, "_SMALL", 100)
    monkeypatch.setattr(ranks, "_HITS", 30)
    for name in ("above", "whole"):
        way = getattr(ranks, name)
        monkeypatch.setattr(
            ranks,
            name,
            lambda sides, some, *rest, way=way, name=name: _noted(ways, name, some) or way(sides, some, *rest),
        )
    assert evaluate(embeddings, labels) == pytest.approx(expected, abs=1e-12)
    assert ways["above"] > 100
    assert ways["whole"] >= 200


def _noted(ways: dict[str, int], name: str, some: np.ndarray) -> None:
    ways[name] = len(some)


def test_lone_rows_are_references_but_no_queries() -> None:
    angles = torch.tensor([0.0, 1.0, 0.1])
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    # Row 2 is alone with its label and the nearest of row 0 and row 1.
    found = evaluate(embeddings, torch.tensor([5, 5, 8]), ks=(1, 2))
    assert found == {"R@1": 0, "R@2": 1, "MAP@R": 0}


@pytest.mark.parametrize(
    ("embeddings", "labels", "ks", "message"),
    [
        (torch.full((4, 2), torch.nan), torch.tensor([0, 0, 1, 1]), (1,), "contain NaN"),
        (torch.ones(4, 2), torch.tensor([0, 0, 1, 1]), (1,), "normalise"),
        (torch.eye(4), torch.tensor([0, 0, 1]), (1,), r"labels must be whole numbers, \[4\], one for each row"),
        (torch.eye(4), torch.tensor([0, 1, 2, 3]), (1,), "no query has another row of its label"),
        (torch.zeros(0, 4), torch.tensor([], dtype=torch.int64), (1,), "no query has another row of its label"),
        (torch.eye(4), torch.tensor([0, 0, 1, 1]), (0, 1), "whole number of at least 1, not 0"),
        (torch.eye(4), torch.tensor([0, 0, 1, 1]), (1.0,), "k of R@k must be a whole number of at least 1, not 1.0"),
        (torch.eye(4), torch.tensor([0, 0, 1, 1]), (True,), "k of R@k"),
        (torch.eye(4), torch.tensor([0, 0, 1, 1]), 5, "ks must be a list of whole numbers"),
        (torch.eye(4), torch.tensor([0, 0, 1, 1]), "1", "ks must be a list"),
        (torch.eye(4, dtype=torch.int64), torch.tensor([0, 0, 1, 1]), (1,), "floating-point"),
    ],
)
def test_bad_input(embeddings: Tensor, labels: Tensor, ks: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(embeddings, labels, ks)
