"""Losses recomposed from weights: their derivative by autograd is the weight, their value that of known losses."""

from __future__ import annotations

import pytest
import torch
from contexts import random_pairs
from scipy.integrate import quad

import weightlab as wl
from weightlab.assignment import Side, parse
from weightlab.decompose.autograd import autograd_weights

FORMULAS = [
    "constant(0.7)",
    "step(0.3)",
    "easy(0.3)",
    "window(-0.2, 0.6)",
    "linear",
    "power(3)",
    "exponential(10, 0.5)",
    "exponential(0, 0.5)",
    "sigmoid(20, 0.5)",
    "sigmoid(0, 0)",
    "spline(-0.5:0.2, 0.2:0.4, 0.6:1)",
    "constant(0.1) + linear",
]
PRODUCTS = ["linear * sigmoid(10, 0.2)", "spline(-1:0, 0:1, 1:0) * linear + constant(0.5)"]


@pytest.mark.parametrize("text", FORMULAS + PRODUCTS)
def test_derivative_is_the_weight(text: str) -> None:
    pairs = random_pairs(8, 30, 20, special=0)
    loss = wl.recompose(text)
    found, wanted = autograd_weights(loss.value, pairs), wl.assign(text, text).weights(pairs)
    limit = 1e-9 if text in FORMULAS else 1e-4
    assert loss.closed_form == (text in FORMULAS)
    assert torch.allclose(found.positive, wanted.positive, atol=limit)
    assert torch.allclose(found.negative, wanted.negative, atol=limit)


@pytest.mark.parametrize("text", FORMULAS + PRODUCTS)
@pytest.mark.parametrize("s", [-1.0, -0.35, 0.4, 1.0])
def test_value_is_the_integral_from_the_easiest(text: str, s: float) -> None:
    function, loss = parse(text), wl.recompose(text)
    one = torch.ones(1, 1, dtype=torch.bool)

    def w(x: float, sign: int) -> float:
        return float(function(torch.tensor([[x]], dtype=torch.float64), Side(one, sign)))  # type: ignore[arg-type]

    similarity = torch.tensor([[s]], dtype=torch.float64)
    kinks = {"points": [-0.5, -0.2, 0.0, 0.2, 0.3, 0.5, 0.6], "limit": 200}
    push, pull = quad(w, -1, s, args=(1,), **kinks)[0], quad(w, s, 1, args=(-1,), **kinks)[0]
    assert float(loss.value(wl.Pairs(similarity, ~one, one))) == pytest.approx(push, abs=2e-6)
    assert float(loss.value(wl.Pairs(similarity, one, ~one))) == pytest.approx(pull, abs=2e-6)


def test_contrastive_is_what_its_weights_recompose_to() -> None:
    pairs = random_pairs(9, 20, 15)
    loss = wl.recompose(wl.assign("constant", "step(0.5)"))
    assert torch.allclose(loss.value(pairs), wl.losses.Contrastive().value(pairs))


def test_a_recomposed_loss_decomposes_again() -> None:
    d = wl.decompose(wl.recompose("power(2)"), points=21)
    negative = d.curve[d.curve["sign"] == "negative"]
    assert negative["weight"].tolist() == pytest.approx((((1 + negative["similarity"]) / 2) ** 2).tolist())
    assert not d.relative


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("softmax(5)", "integrability"),
        ("top(3)", "integrability"),
        ("step(0.5) + softmax(1)", "integrability"),
        (wl.assign("constant", "constant", "mass"), "scale 'mass'"),
        (wl.assign("constant", wl.losses.Triplet()), "weighting"),
        ("stpe(1)", "did you mean 'step'"),
        (3, "wants a weight function"),
    ],
)
def test_what_has_no_loss_of_this_kind(rule: str, message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.recompose(rule)
