"""Losses recomposed from weights: their derivative by autograd is the weight, their value that of known losses."""

from __future__ import annotations

import pytest
import torch
from scipy.integrate import quad

import weightlab as wl
from weightlab.assignment import Side, parse
from weightlab.decompose.autograd import autograd_weights
from weightlab.pairs import Sign
from weightlab.testing import random_pairs

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
STEEP = ["linear * exponential(30, 0.5)", "linear * exponential(20, 0.5) + constant", "exponential(1e-12, 0)"]
STEEP += ["sigmoid(1e-12, 0)", "sigmoid(1000, 0.2)", "exponential(40, -0.5)"]


@pytest.mark.parametrize("text", FORMULAS + PRODUCTS)
def test_derivative_is_the_weight(text: str) -> None:
    """By autograd everywhere; by differences of the value away from jumps."""
    pairs = random_pairs(8, 30, 20, special=0.5)
    loss = wl.recompose(text)
    assert loss.closed_form == (text in FORMULAS)
    wanted = wl.assign(text, text).weights(pairs)
    found = autograd_weights(loss.value, pairs)
    assert torch.allclose(found.positive, wanted.positive)
    assert torch.allclose(found.negative, wanted.negative)
    one = torch.ones(1, 1, dtype=torch.bool)
    for s in (-0.93, -0.41, 0.11, 0.37, 0.77):
        low, high = (torch.tensor([[s + step]], dtype=torch.float64) for step in (-1e-3, 1e-3))
        middle = wl.Pairs((low + high) / 2, one, ~one), wl.Pairs((low + high) / 2, ~one, one)
        pull = loss.value(wl.Pairs(low, one, ~one)) - loss.value(wl.Pairs(high, one, ~one))
        push = loss.value(wl.Pairs(high, ~one, one)) - loss.value(wl.Pairs(low, ~one, one))
        assert float(pull) / 2e-3 == pytest.approx(float(loss.weights(middle[0]).positive), rel=1e-3, abs=1e-6)
        assert float(push) / 2e-3 == pytest.approx(float(loss.weights(middle[1]).negative), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("text", FORMULAS + PRODUCTS)
@pytest.mark.parametrize("s", [-1.0, -0.35, 0.4, 1.0])
def test_value_is_the_integral_from_the_easiest(text: str, s: float) -> None:
    function, loss = parse(text), wl.recompose(text)
    one = torch.ones(1, 1, dtype=torch.bool)

    def w(x: float, sign: Sign) -> float:
        return float(function(torch.tensor([[x]], dtype=torch.float64), Side(one, sign)))

    similarity = torch.tensor([[s]], dtype=torch.float64)
    kinks = {"points": [-0.5, -0.2, 0.0, 0.2, 0.3, 0.5, 0.6], "limit": 200}
    push, pull = quad(w, -1, s, args=("negative",), **kinks)[0], quad(w, s, 1, args=("positive",), **kinks)[0]
    assert float(loss.value(wl.Pairs(similarity, ~one, one))) == pytest.approx(push, abs=2e-6)
    assert float(loss.value(wl.Pairs(similarity, one, ~one))) == pytest.approx(pull, abs=2e-6)


@pytest.mark.parametrize("text", STEEP)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_cancels(text: str, dtype: torch.dtype) -> None:
    """Weights of very different sizes at the two ends: an integral from the wrong one would lose the loss."""
    function, loss = parse(text), wl.recompose(text)
    one = torch.ones(1, 1, dtype=torch.bool)
    for sign, easiest, masks in (("positive", 1, (one, ~one)), ("negative", -1, (~one, one))):
        for s in (-0.9, 0.37, 0.9):

            def w(x: float, sign: Sign = sign) -> float:
                return float(function(torch.tensor([[x]], dtype=torch.float64), Side(one, sign)))

            truth, _ = quad(w, *sorted((easiest, s)), epsrel=1e-10, points=[0.2, 0.5, -0.5], limit=200)
            value = float(loss.value(wl.Pairs(torch.tensor([[s]], dtype=dtype), *masks)))
            assert value == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("text", ["easy(0.5)", "window(0.2, 0.5)", "step(0.5)", "spline(-1:0, 0:0.3, 1:1)", "constant"])
def test_no_residual_at_limits_and_knots(text: str) -> None:
    assert wl.decompose(wl.recompose(text)).residual <= 1e-12


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
        (3, "expected .* a weight function"),
    ],
)
def test_what_has_no_loss_of_this_kind(rule: str, message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.recompose(rule)
