"""Ties: the expectation over their orders, against all of these orders, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import truth
from torch import Tensor
from torch.nn.functional import normalize

from weightlab.retrieval import evaluate, measure, scores, ties


def on_levels(levels: list[int], labels: list[int]) -> dict[str, float]:
    """Rows on few directions of a plane, by all orders; the rows of one direction have one similarity to any query."""
    ks, found = (1, 2, 4), []
    cosine = np.cos(np.subtract.outer(levels, levels) * 0.4).round(9)
    for query, label in enumerate(labels):
        others = np.arange(len(labels)) != query
        hits = np.array(labels)[others] == label
        if hits.any():
            found.append(truth.over_all_orders(cosine[query][others], hits, ks))
    return dict(zip([*(f"R@{k}" for k in ks), *truth.METRICS], np.mean(found, axis=0), strict=True))


def directions(levels: list[int], seed: int = 0) -> Tensor:
    """Rows in these directions, turned at random in 16 dimensions: their products differ by rounding."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(16, 16)))[0][:2]
    angles = np.array(levels) * 0.4
    return torch.tensor(np.stack([np.cos(angles), np.sin(angles)], axis=1) @ turn, dtype=torch.float32)


def measured(rows: Tensor, labels: Tensor, ks: tuple[int, ...]) -> dict[str, float]:
    table = measure(rows, labels, ks=ks).table
    return dict(zip(table["metric"], table["value"], strict=True))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=3, max_size=5),
    seed=st.integers(0, 99),
    way=st.sampled_from(truth.WAYS),
)
def test_metrics_are_means_over_all_orders(rows: list[tuple[int, int]], seed: int, way: str) -> None:
    levels, labels = [0, *(level for level, _ in rows)], [rows[0][1], *(label for _, label in rows)]
    expected = on_levels(levels, labels)
    names = ("R@1", "R@2", "R@4", "MAP@R")
    with pytest.MonkeyPatch.context() as patch:
        truth.go(way, patch)
        found = measured(directions(levels, seed), torch.tensor(labels), (1, 2, 4))
        short = evaluate(directions(levels, seed), torch.tensor(labels), (1, 2, 4))
        only = evaluate(directions(levels, seed), torch.tensor(labels), (1,))  # less is looked at
    assert found == pytest.approx(expected, abs=1e-12)
    assert short == pytest.approx({name: expected[name] for name in names}, abs=1e-12)
    assert only == pytest.approx({name: expected[name] for name in ("R@1", "MAP@R")}, abs=1e-12)


@pytest.mark.parametrize("way", truth.WAYS)
@pytest.mark.parametrize("spread", [0.0, 1e-7, 5e-4, 2e-3, 0.3])
def test_metrics_are_those_of_place_by_place(way: str, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a collapse, over similarities that lie too dense for float32, to those that float32 tells apart."""
    truth.go(way, monkeypatch)
    generator = torch.Generator().manual_seed(3)
    rows = normalize(torch.randn(48, generator=generator) + spread * torch.randn(90, 48, generator=generator))
    labels = torch.randint(20, (90,), generator=generator)
    expected = truth.means((rows.double() @ rows.double().T).numpy(), labels.numpy(), (1, 3, 30))
    assert measured(rows, labels, (1, 3, 30)) == pytest.approx(expected, abs=1e-9)
    short = evaluate(rows, labels, (1, 3, 30))
    assert short == pytest.approx({name: expected[name] for name in short}, abs=1e-9)


@pytest.mark.parametrize("noise", [0, 1e-8, 1e-7, 3e-7])
def test_a_collapsed_encoder_is_at_chance(noise: float) -> None:
    """Two rows of one label among 102, equal or equal but for rounding: each finds the other by chance."""
    generator = torch.Generator().manual_seed(0)
    rows = normalize(torch.randn(64, generator=generator) + noise * torch.randn(102, 64, generator=generator))
    found = evaluate(rows, torch.tensor([0, 0, *range(1, 101)]))
    assert found == pytest.approx({"R@1": 1 / 101, "R@10": 10 / 101, "R@100": 100 / 101, "MAP@R": 1 / 101}, abs=1e-12)


def test_a_collapse_of_many_classes() -> None:
    """Of n others R have the label: at each place one has it in R/n cases, so MAP@R is Σ (R/n)(1 + (i−1)(R−1)/(n−1))/i
    over R; a thousand rows go far beyond those that are looked at.
    """
    count, classes = 1000, 200
    n, r = count - 1, count // classes - 1
    found = evaluate(torch.eye(8)[[3] * count], torch.arange(count) // (r + 1), ks=(1, 10))
    assert found["R@1"] == pytest.approx(r / n)
    assert found["R@10"] == pytest.approx(1 - np.prod([(n - r - i) / (n - i) for i in range(10)]))
    places = range(1, r + 1)
    assert found["MAP@R"] == pytest.approx(sum((1 + (i - 1) * (r - 1) / (n - 1)) / i for i in places) / n)


@pytest.mark.parametrize(
    ("directions_count", "noise"), [(1, 0.0), (7, 0.0), (7, 1e-7), (40, 0.0), (400, 1e-4), (1, 5e-4), (3, 1e-3)]
)
def test_the_order_of_the_rows_says_nothing(directions_count: int, noise: float) -> None:
    generator = torch.Generator().manual_seed(1)
    centres = normalize(torch.randn(directions_count, 24, generator=generator))
    labels = torch.arange(600) // 6  # class-ordered, as test sets are
    rows = centres[torch.randint(directions_count, (600,), generator=generator)]
    rows = normalize(rows + noise * torch.randn(600, 24, generator=generator))
    for ks in ((1, 5), (1, 5, 599)):  # a few places, or all
        found = [evaluate(rows[order], labels[order], ks) for order in _orders(600, generator)]
        for other in found[1:]:
            assert other == pytest.approx(found[0], abs=1e-9)


def _orders(count: int, generator: torch.Generator) -> list[Tensor]:
    return [torch.arange(count), torch.arange(count).flip(0), torch.randperm(count, generator=generator)]


@pytest.mark.parametrize("ks", [(1,), (1, 799)])
def test_what_ties_is_decided_in_float64(ks: tuple[int, ...]) -> None:
    """Similarities some 1e-8 apart: those within the tolerance of the nearest tie with it for the first place."""
    generator = torch.Generator().manual_seed(2)
    rows = normalize(torch.randn(64, generator=generator) + 3e-3 * torch.randn(800, 64, generator=generator))
    labels = torch.arange(800) // 200
    similarity = (rows.double() @ rows.double().T).fill_diagonal_(-1)
    first = similarity >= similarity.amax(1, keepdim=True) - 1e-6
    share = (first & (labels[:, None] == labels)).sum(1) / first.sum(1).double()
    assert 2 < float(first.sum(1).double().mean()) < 700
    assert evaluate(rows, labels, ks)["R@1"] == pytest.approx(float(share.mean()), abs=1e-9)


def test_groups_end_where_similarities_lie_dense() -> None:
    """A thousand similarities, each within the tolerance of the next, are no tie of a thousand."""
    distance = torch.arange(1000, dtype=torch.float64).numpy() * (ties.TOLERANCE / 4) - 1
    hit = np.arange(1000) % 3 == 0
    found = ties.standing(distance, hit, np.array([0, 1000]))
    assert found.size.max() <= 5
    assert found.hits.sum() == hit.sum()
    assert found.before[-1] >= 995


def test_hits_that_tie_with_hits_alone_are_certain() -> None:
    distance = np.array([-1.0, -1.0, -0.5, -0.5, -1.0, -0.5])
    found = ties.standing(distance, np.array([True, True, True, False, False, True]), np.array([0, 4, 4, 6]))
    assert found.query.tolist() == [0, 0, 0, 2]
    assert found.before.tolist() == [0, 1, 2, 1]
    assert found.hits_before.tolist() == [0, 1, 2, 0]
    assert found.size.tolist() == [1, 1, 2, 1]
    assert found.hits.tolist() == [1, 1, 1, 1]
    assert scores.recall(found, np.array([3, 0, 1]), (1, 2)).tolist() == [[1, 1], [0, 0], [0, 1]]


def test_what_differs_by_more_than_rounding_is_no_tie() -> None:
    angles = torch.tensor([0.0, 0.5, 0.5 + 1e-5], dtype=torch.float64)
    rows = torch.stack([angles.cos(), angles.sin()], dim=1)
    for labels, expected in ((torch.tensor([0, 0, 1]), 0.5), (torch.tensor([0, 1, 0]), 0.0)):
        assert evaluate(rows, labels, (1,))["R@1"] == expected
