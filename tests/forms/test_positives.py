"""Positives side by side against plain loops: uneven numbers of them, anchors without any, no anchors at all."""

from __future__ import annotations

import math

import pytest
import torch
from contexts import contexts, random_pairs
from hypothesis import given
from torch import Tensor

from weightlab.forms import Positives
from weightlab.forms.positives import to_front
from weightlab.pairs import Pairs

NONE = Pairs(torch.zeros(3, 4), torch.zeros(3, 4, dtype=torch.bool), torch.ones(3, 4, dtype=torch.bool))
EMPTY = Pairs(torch.zeros(0, 4), torch.zeros(0, 4, dtype=torch.bool), torch.zeros(0, 4, dtype=torch.bool))
NO_REFERENCES = Pairs(torch.zeros(2, 0), torch.zeros(2, 0, dtype=torch.bool), torch.zeros(2, 0, dtype=torch.bool))


def columns_of(pairs: Pairs) -> list[list[int]]:
    """The columns of each anchor's positives."""
    return [[column for column, positive in enumerate(row) if positive] for row in pairs.positive.tolist()]


def check(pairs: Pairs) -> None:
    """Everything that `Positives` offers, anchor by anchor."""
    s, columns = pairs.precise, columns_of(pairs)
    positives = Positives.of(pairs)
    most = max(map(len, columns), default=0)
    assert positives.similarity.shape == positives.mask.shape == (len(s), most)
    assert positives.least().shape == positives.count.shape == (len(s),)
    numbers = torch.arange(float(len(s) * most), dtype=s.dtype).view(len(s), most) + 1
    spread = positives.spread(numbers, s.shape[1])
    for row, own in enumerate(columns):
        behind = most - len(own)
        assert positives.similarity[row].tolist() == [*s[row, own].tolist(), *[math.inf] * behind]
        assert positives.mask[row].tolist() == [True] * len(own) + [False] * behind
        assert positives.count[row] == max(len(own), 1)
        assert positives.least()[row] == min(s[row, own].tolist(), default=math.inf)
        expected = torch.zeros(s.shape[1], dtype=s.dtype)
        expected[own] = numbers[row, : len(own)]
        assert torch.equal(spread[row], expected)


def listed(pairs: Pairs) -> list[tuple[int, int, int]]:
    """Row, column and slot of every positive pair, anchors ascending."""
    return [(row, column, slot) for row, own in enumerate(columns_of(pairs)) for slot, column in enumerate(own)]


@given(contexts())
def test_positives_stand_in_front(pairs: Pairs) -> None:
    check(pairs)


@pytest.mark.parametrize("pairs", [NONE, EMPTY, NO_REFERENCES], ids=["no positives", "no anchors", "no references"])
def test_nothing_there_is_no_error(pairs: Pairs) -> None:
    check(pairs)
    positives = Positives.of(pairs)
    assert positives.similarity.shape == (len(pairs.similarity), 0)
    assert positives.front(positives.of_each(positives.similarity)).shape == positives.similarity.shape
    assert positives.below(positives.least()).similarity.shape == positives.similarity.shape


@given(contexts())
def test_pairs_are_listed_with_where_they_stand(pairs: Pairs) -> None:
    positives = Positives.of(pairs)
    rows, columns, slots = (part.tolist() for part in (positives.row, positives.column, positives.slot))
    assert list(zip(rows, columns, slots, strict=True)) == listed(pairs)


@given(contexts())
def test_at_takes_a_list_of_pairs_as_of_makes_it(pairs: Pairs) -> None:
    row, column = pairs.positive.nonzero(as_tuple=True)
    one = Positives.of(pairs)
    other = Positives.at(row, column, pairs.similarity[row, column], len(pairs.similarity))
    for name in ("similarity", "count", "row", "column", "slot"):
        assert torch.equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("shape", [(3, 4), (2, 1), (2, 0), (0, 3)])
def test_all_of_takes_every_entry(shape: tuple[int, int]) -> None:
    s = torch.rand(shape, dtype=torch.float64)
    mask = torch.ones(shape, dtype=torch.bool)
    one, other = Positives.all_of(s), Positives.of(Pairs(s, mask, ~mask))
    assert torch.equal(one.similarity, s)
    assert torch.equal(one.spread(s, shape[1]), s)
    assert torch.equal(one.of_each(s), other.of_each(s))
    assert torch.equal(one.count.clamp(min=1), other.count)


@given(contexts())
def test_numbers_of_each_pair_go_to_the_front_and_back(pairs: Pairs) -> None:
    positives = Positives.of(pairs)
    numbers = torch.arange(float(len(positives.row)), dtype=torch.float64) + 1
    front = positives.front(numbers)
    assert torch.equal(positives.of_each(front), numbers)
    for (row, _, slot), number in zip(listed(pairs), numbers.tolist(), strict=True):
        assert front[row, slot] == number
    assert bool((front[~positives.mask] == 0).all())


@given(contexts())
def test_below_leaves_those_under_the_limit(pairs: Pairs) -> None:
    s, positives = pairs.similarity, Positives.of(pairs)
    limit = torch.linspace(-0.6, 0.6, len(s), dtype=s.dtype)
    limit[0] = 0.5  # a value that some similarities have: it is not below itself
    kept = positives.below(limit)
    for row, own in enumerate(columns_of(pairs)):
        entries = [s[row, column].item() for column in own]
        under = [each if each < limit[row] else math.inf for each in entries]
        assert kept.similarity[row, : len(own)].tolist() == under
        assert kept.count[row] == max(sum(math.isfinite(each) for each in under), 1)
        assert kept.least()[row] == min(under, default=math.inf)
    assert torch.equal(kept.slot, positives.slot)


def test_similarities_are_differentiable() -> None:
    pairs = random_pairs(3, 5, 7)
    s = pairs.similarity.requires_grad_()
    Positives.of(Pairs(s, pairs.positive, pairs.negative)).similarity.masked_fill(
        ~Positives.of(pairs).mask, 0
    ).sum().backward()
    assert s.grad is not None
    assert torch.equal(s.grad, pairs.positive.to(s.dtype))


@pytest.mark.parametrize("fill", [0.0, math.inf, -1.0])
@pytest.mark.parametrize("row", [[], [0, 0, 0], [0, 2, 2, 3], [3]])
def test_to_front_fills_behind(row: list[int], fill: float) -> None:
    values = torch.arange(float(len(row))) + 10
    matrix, slot, counts = to_front(torch.tensor(row, dtype=torch.int64), values, 4, fill)
    expected = [[value for at, value in zip(row, values.tolist(), strict=True) if at == i] for i in range(4)]
    most = max(map(len, expected))
    assert matrix.tolist() == [own + [fill] * (most - len(own)) for own in expected]
    assert counts.tolist() == [len(own) for own in expected]
    assert slot.tolist() == [row[:i].count(at) for i, at in enumerate(row)]


def test_to_front_of_no_rows() -> None:
    none: Tensor = torch.empty(0, dtype=torch.int64)
    matrix, slot, counts = to_front(none, torch.empty(0), 0, math.inf)
    assert matrix.shape == (0, 0)
    assert slot.shape == counts.shape == (0,)
