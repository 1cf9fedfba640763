"""Numbers of any type count as what they are: numpy's small ones neither overflow nor reach others' code."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

import weightlab as wl
from weightlab.assignment import functions
from weightlab.errors import InputError, check_number, check_whole

ROWS = torch.eye(4)[[0, 0, 1, 2]]
LABELS = torch.tensor([0, 0, 1, 2])
PLAIN = [
    each
    for each in functions.ALL
    if dataclasses.fields(each) and each.name not in ("spline", "custom", "sum", "product")
]


@pytest.mark.parametrize("number", [Fraction(3), np.float32(3), np.uint8(3), np.int64(3), 3])
def test_a_checked_number_is_plain(number: object) -> None:
    assert type(check_number("x", number)) is float
    assert check_number("x", number) == 3


def test_a_number_has_no_negative_zero() -> None:
    assert str(check_number("x", -0.0)) == "0.0"
    assert str(wl.assignment.Sigmoid(10, -0.0)) == "sigmoid(10, 0)"


@pytest.mark.parametrize("number", [np.uint8(200), np.int64(200), 200])
def test_a_checked_whole_number_is_plain(number: object) -> None:
    assert type(check_whole("x", number, 0)) is int
    assert check_whole("x", number, 0) == 200


@pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.name)
@pytest.mark.parametrize("of", [Fraction, np.uint8, np.float16, np.float32])
def test_a_weight_function_of_any_number(kind: type, of: Callable[[int], float]) -> None:
    names = [field.name for field in dataclasses.fields(kind)]
    values = dict(zip(names, (0, 1) if kind.name == "window" else (1, 1), strict=False))
    given, plain = kind(**{name: of(value) for name, value in values.items()}), kind(**values)
    assert given == plain
    assert str(given) == str(plain)
    assert hash(given) == hash(plain)
    references = wl.References(ROWS, LABELS)
    gradients = []
    for each in (given, plain):
        anchors = ROWS.clone().requires_grad_()
        wl.surrogate(wl.assign("constant", each, "mass"), anchors, LABELS, references).backward()
        gradients.append(anchors.grad)
    assert torch.equal(*gradients)


@pytest.mark.parametrize(
    "call",
    [
        lambda n: len(wl.decompose("contrastive", points=n(200), draws=n(2), seed=n(3)).curve),
        lambda n: wl.retrieval.neighbours(ROWS, ROWS, n(1)).tolist()[2:],
        lambda n: wl.retrieval.evaluate(ROWS, LABELS, ks=[n(1)]),
        lambda n: wl.contexts.get("trained", n(200), n(200)).sample(n(2), n(5)).positive.sum(),
        lambda n: wl.data.PKSampler(range(300), n(200), n(1), n(250)).batch_at(n(255)).tolist(),
        lambda n: wl.step.observe("ms-loss", ROWS, LABELS, bins=n(255)).mass.sum(),
        lambda n: wl.MemoryBank(n(200), n(2)).capacity,
        lambda n: wl.data.load("glyphs", size=n(8)).train.inputs(torch.tensor([0])).shape,
        lambda n: (
            wl.models.build("cnn", shape=(n(1), 8, 8), width=n(2), dimensions=n(200), seed=n(1))
            .eval()(torch.zeros(1, 1, 8, 8))
            .tolist()
        ),
        lambda n: wl.integrability("contrastive", rectangles=n(2), seed=n(1)).asymmetry,
    ],
)
def test_a_whole_number_of_any_type(call: Callable[[Callable[[int], int]], object]) -> None:
    assert call(np.uint8) == call(int)


def test_a_momentum_of_any_type() -> None:
    assert wl.memory.momentum_encoder(nn.Linear(2, 2), Fraction(1, 2)) is not None


@pytest.mark.parametrize(
    "points", [((0, 1, 2), (1, 1, 1)), [0, 1], None, 3, "x", ((0,), (1,)), {0: 1}, ("ab", "cd"), torch.ones(2)]
)
def test_a_spline_wants_points(points: object) -> None:
    with pytest.raises(InputError, match=re.escape("spline")):
        wl.assignment.Spline(points)  # type: ignore[arg-type]


def test_a_spline_of_any_table() -> None:
    wanted = wl.assignment.Spline(((-1, 0), (1, 1)))
    for points in ([[-1, 0], [1, 1]], np.array([[-1, 0], [1, 1]]), torch.tensor([[-1, 0], [1, 1]])):
        found = wl.assignment.Spline(points)  # type: ignore[arg-type]
        assert found == wanted
        assert hash(found) == hash(wanted)
        assert str(found) == "spline(-1:0, 1:1)"


@pytest.mark.parametrize("name", [3, None, b"x", [], {}, set(), float("nan")])
@pytest.mark.parametrize(
    "read",
    [
        wl.losses.from_text,
        wl.losses.get,
        wl.contexts.get,
        wl.assignment.parse,
        wl.as_weighting,
        wl.data.load,
        wl.models.build,
    ],
)
def test_a_name_that_is_no_text(read: Callable[[object], object], name: object) -> None:
    with pytest.raises(InputError):
        read(name)
