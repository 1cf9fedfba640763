from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from contexts import contexts
from hypothesis import given, settings
from scipy.interpolate import PchipInterpolator

from weightlab import Assignment, InputError, Pairs, assign, losses
from weightlab.assignment import Below, Linear, Product, Spline, Step, Sum, as_weighting, parse
from weightlab.forms import Scale
from weightlab.testing import check, random_pairs

GRID = torch.linspace(-1, 1, 41, dtype=torch.float64).round(decimals=6)


def curve(text: str, sign: str) -> list[float]:
    mask = torch.ones(len(GRID), 1, dtype=torch.bool)
    pairs = Pairs(GRID[:, None], mask if sign == "positive" else ~mask, ~mask if sign == "positive" else mask)
    weights = assign(text, text).weights(pairs)
    return (weights.positive if sign == "positive" else weights.negative)[:, 0].tolist()


# one plain Python formula each, (negative, positive), from the design's table
FORMULAS = {
    "constant": (lambda s: 1, lambda s: 1),
    "constant(0.25)": (lambda s: 0.25, lambda s: 0.25),
    "step(0.5)": (lambda s: s > 0.5, lambda s: s < 0.5),
    "easy(0.5)": (lambda s: s <= 0.5, lambda s: s >= 0.5),
    "window(-0.5, 0.5)": (lambda s: -0.5 < s < 0.5, lambda s: -0.5 < s < 0.5),
    "linear": (lambda s: (1 + s) / 2, lambda s: (1 - s) / 2),
    "power(3)": (lambda s: ((1 + s) / 2) ** 3, lambda s: ((1 - s) / 2) ** 3),
    "exponential(10, 0.2)": (lambda s: math.exp(10 * (s - 0.2)), lambda s: math.exp(-10 * (s - 0.2))),
    "sigmoid(20, 0.5)": (lambda s: 1 / (1 + math.exp(-20 * (s - 0.5))), lambda s: 1 / (1 + math.exp(20 * (s - 0.5)))),
    "constant(0.1) + step(0.5) * linear": (
        lambda s: 0.1 + (s > 0.5) * (1 + s) / 2,
        lambda s: 0.1 + (s < 0.5) * (1 - s) / 2,
    ),
    "(step(0) + constant) * constant(2)": (lambda s: 2 * ((s > 0) + 1), lambda s: 2 * ((s < 0) + 1)),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_weight_functions_by_formula(text: str) -> None:
    negative, positive = FORMULAS[text]
    assert curve(text, "negative") == pytest.approx([float(negative(s)) for s in GRID.tolist()])
    assert curve(text, "positive") == pytest.approx([float(positive(s)) for s in GRID.tolist()])


def test_spline_is_scipys_pchip() -> None:
    x, y = [-0.8, 0.0, 0.5, 0.9], [0.0, 0.1, 1.0, 0.2]
    expected = PchipInterpolator(x, y)(np.clip(GRID.numpy(), -0.8, 0.9))
    text = f"spline({', '.join(f'{a}:{b}' for a, b in zip(x, y, strict=True))})"
    for sign in ("positive", "negative"):
        assert curve(text, sign) == pytest.approx(expected.tolist(), abs=1e-12)


def test_softmax_and_top_look_at_the_anchors_own_pairs() -> None:
    pairs = random_pairs(11, 30, 12, special=0)
    soft = assign("softmax(5)", "softmax(5)").weights(pairs)
    top = assign("top(3)", "top(3)").weights(pairs)
    for i in range(30):
        for mask, s_sign, w, t in (
            (pairs.positive[i], -1, soft.positive[i], top.positive[i]),
            (pairs.negative[i], 1, soft.negative[i], top.negative[i]),
        ):
            hardness = (s_sign * pairs.similarity[i][mask]).numpy()
            exponentials = np.exp(5 * hardness)
            assert w[mask].numpy() == pytest.approx(exponentials / exponentials.sum())
            chosen, left = hardness[t[mask].numpy() > 0], hardness[t[mask].numpy() == 0]
            assert len(chosen) == min(3, len(hardness))
            assert not len(left) or chosen.min() >= left.max()
            assert float(w[~mask].abs().sum() + t[~mask].abs().sum()) == 0


@settings(max_examples=60, deadline=None)
@given(pairs=contexts())
def test_scales(pairs: Pairs) -> None:
    raw, mean, mass = (assign("linear", "step(0.1) * linear", s).weights(pairs) for s in ("raw", "mean", "mass"))
    for sign in ("positive", "negative"):
        for i in range(len(pairs.similarity)):
            w = getattr(raw, sign)[i].numpy()
            active, total = int((w != 0).sum()), float(w.sum())
            assert getattr(mean, sign)[i].numpy() == pytest.approx(w / max(active, 1))
            assert getattr(mass, sign)[i].numpy() == pytest.approx(w / total if total else w)


MIXED = [
    ("softmax(3) * linear + top(2)", "step(-0.2) * softmax(5) * linear"),
    ("contrastive", "ms-loss"),
    ("triplet", "triplet(margin=0.5)"),
    ("n-pair(scale=20)", "circle(gamma=5)"),
    ("constant", "ms-loss(mining_margin=0.1)"),
    ("constant", "hard-negative-contrastive"),
    ("constant", "softmax(3) * top(2)"),
]


@pytest.mark.parametrize("scale", ["raw", "mean", "mass"])
@pytest.mark.parametrize("rule", MIXED)
def test_every_law_holds(rule: tuple[str, str], scale: Scale) -> None:
    check(assign(*rule, scale), contexts=80).raise_if_broken()


def test_weights_are_held_constant() -> None:
    similarity = torch.rand(3, 4, requires_grad=True)
    mask = torch.ones(3, 4, dtype=torch.bool)
    assert not assign("linear", "linear").weights(Pairs(similarity, ~mask, mask)).negative.requires_grad


def test_parts_borrowed_from_losses() -> None:
    pairs = random_pairs(2, 10, 10)
    rule = assign(losses.Contrastive(), losses.MultiSimilarity())
    assert torch.equal(rule.weights(pairs).positive, losses.Contrastive().weights(pairs).positive)
    assert torch.equal(rule.weights(pairs).negative, losses.MultiSimilarity().weights(pairs).negative)


def test_whether_a_rule_is_relative() -> None:
    assert not assign("constant", "step(0.5) * linear").relative
    assert assign("constant", "step(0.5) + softmax(3)").relative
    assert assign("constant", "step(0.5)", "mass").relative
    assert assign("constant", losses.Lifted()).relative
    assert not assign("constant", losses.Contrastive()).relative


def test_parsed_structure_and_its_text() -> None:
    assert parse("step(-.5)*linear+constant") == Sum((Product((Step(-0.5), Linear())), parse("constant(1)")))
    assert parse("spline(-1:0, 0.5:1)") == Spline(((-1, 0), (0.5, 1)))


@pytest.mark.parametrize("text", [*FORMULAS, "spline(-1:0, 0.5:1, 1:0.2)", "top(3)", "softmax(2) * step(0.25)"])
def test_a_functions_text_reads_back(text: str) -> None:
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stpe(0.5)", "did you mean 'step'"),
        ("step", r"write step\(t\)"),
        ("step(0.5, 1)", r"write step\(t\)"),
        ("step(2)", "at most 1"),
        ("step(0.5", "expected '\\)' at its end"),
        ("step(0.5) linear", "at 'linear'"),
        ("linear +", "at its end"),
        ("", "at its end"),
        ("window(0.5, 0.5)", "empty"),
        ("power(-1)", "at least 0"),
        ("exponential(100, 0)", "at most 40"),
        ("spline(0:1)", "two points"),
        ("spline(0.5:1, 0:1)", "rising"),
        ("spline(1, 2)", "x:y"),
        ("linear(0:1)", "spline"),
        ("top(1.5)", "whole"),
        ("constant(-1)", "at least 0"),
        ("step(0.5) & linear", "unexpected '&'"),
        ("step(nan)", "expected a number"),
    ],
)
def test_wrong_texts_are_explained(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text)


def test_wrong_parts_and_scales() -> None:
    with pytest.raises(InputError, match="positive: expected a weight function"):
        assign(3, "constant")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="negative: expected a weight function"):
        assign("constant", losses.Contrastive)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unknown scale 'men': did you mean 'mean'"):
        Assignment(Linear(), Linear(), "men")  # type: ignore[arg-type]


def test_a_lone_weight_function_weighs_both_signs_each_its_own_way() -> None:
    """linear is (1 − s)/2 for a positive and (1 + s)/2 for a negative; what is for negatives alone leaves constant."""
    similarity = torch.tensor([[0.5, -0.2, 0.1]])
    pairs = Pairs(similarity, torch.tensor([[True, False, False]]), torch.tensor([[False, True, True]]))
    weights = as_weighting(Linear()).weights(pairs)
    torch.testing.assert_close(weights.positive, torch.tensor([[0.25, 0, 0]]))
    torch.testing.assert_close(weights.negative, torch.tensor([[0, 0.4, 0.55]]))
    weights = as_weighting(Below(0.5)).weights(pairs)
    assert weights.positive.tolist() == [[1, 0, 0]]
    assert weights.negative.tolist() == [[0, 1, 0]]
