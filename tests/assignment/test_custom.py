"""Callables as weight functions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

import weightlab as wl
from weightlab import InputError
from weightlab.assignment import Custom, Linear, Product, Side, Step, as_function
from weightlab.pairs import SIGNS
from weightlab.testing import random_pairs

ALL = torch.ones(1, 5, dtype=torch.bool)
S = torch.tensor([[-1, -0.5, 0.25, 0.75, 1]])


def hard(s: Tensor) -> Tensor:
    return s * (s > 0.5)


def test_a_callable_is_a_weight_function() -> None:
    function = Custom(hard)
    for sign in SIGNS:
        for dtype in (torch.float32, torch.float64):
            found = function(S.to(dtype), Side(ALL, sign))
            assert found.dtype == dtype
            assert found.tolist() == [[0, 0, 0, 0.75, 1]]
    assert str(function) == "hard"
    assert str(Custom(partial(torch.clamp, min=0))) == "partial"
    assert function == Custom(hard)
    assert function != Custom(lambda s: s * (s > 0.5))
    assert hash(function) == hash(Custom(hard))
    assert not function.relative
    assert not function.closed_form
    assert function.zero_up_to == float("-inf")


@pytest.mark.parametrize(
    ("function", "wanted"),
    [
        (lambda s: s > 0.5, [0, 0, 0, 1, 1]),
        (lambda s: (4 * s.abs()).int(), [4, 2, 1, 3, 4]),
        (lambda s: s.double().exp(), S.exp()[0].tolist()),
        (lambda s: torch.ones(()).expand_as(s), [1, 1, 1, 1, 1]),
        (lambda s: s.clamp_(min=0), [0, 0, 0.25, 0.75, 1]),
    ],
)
def test_what_comes_back_is_taken_as_numbers(function: Callable[[Tensor], Tensor], wanted: list[float]) -> None:
    s = S.clone()
    found = Custom(function)(s, Side(ALL, "negative"))
    assert found.dtype == s.dtype
    assert found[0].tolist() == pytest.approx(wanted)
    assert torch.equal(s, S), "the function wrote in the caller's similarities"
    found[0, 0] = 9  # ours to write in, whatever the function gave


def test_what_a_function_keeps_is_not_written_in() -> None:
    kept: list[Tensor] = []

    def keeping(s: Tensor) -> Tensor:
        kept.append(s.relu())
        return kept[-1]

    Custom(keeping)(S, Side(ALL, "negative")).fill_(9)
    assert float(kept[-1].max()) == 1


def test_a_cosine_past_one_by_rounding_is_one() -> None:
    function = Custom(lambda s: (1 - s).sqrt())
    assert function(torch.tensor([[1.0000001]]), Side(ALL[:, :1], "negative")).tolist() == [[0]]


def test_only_pairs_of_the_mask_count() -> None:
    function = Custom(lambda s: torch.where(s == 0.3, torch.nan, s.abs()))
    s, mask = torch.tensor([[0.3, 0.5]], dtype=torch.float64), torch.tensor([[False, True]])
    assert float(function(s, Side(mask, "negative"))[0, 1]) == 0.5
    with pytest.raises(InputError, match=r"finite weights up to 1e\+30, not nan for the similarity 0\.3"):
        function(s, Side(~mask, "negative"))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda s: s.abs() / s.abs().sum(), "whatever the others are"),
        (lambda s: (s - s.mean()).abs(), "whatever the others are"),
        (lambda s: (2 + s) / (2 + s.amax()), "whatever the others are"),
        (lambda s: s.softmax(-1), "whatever the others are"),
        (lambda s: s.argsort().argsort(), "whatever the others are"),
        (lambda s: torch.arange(s.numel()).view_as(s), "whatever the others are"),
        (lambda s: torch.rand_like(s), "and each time"),
        (lambda s: s.softmax(1), r"failed for similarities \[9\]: IndexError"),
        (lambda s: s.undone(), "AttributeError"),
        (lambda s, t: s, "TypeError"),
        (lambda s: 1.0, r"must give real weights \[9\].*float"),
        (lambda s: s.sum(), r"not torch.float64 \[\]"),
        (lambda s: s.numpy(), "must give real weights"),
        (lambda s: s + 0j, "complex"),
        (lambda s: 1 / (1 - s), "not inf for the similarity 1"),
        (lambda s: s.sqrt(), "not nan"),
        (3, "'int' object is not callable"),
    ],
)
def test_what_is_no_weight_function(function: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        Custom(function)
    assert "\n" not in str(error.value)


def test_what_can_be_given_as_a_function() -> None:
    assert as_function("step(0.5)") == Step(0.5)
    assert as_function(Linear()) == Linear()
    assert as_function(hard) == Custom(hard)
    for wrong in (3, None, Linear, wl.losses.Contrastive()):
        with pytest.raises(InputError, match="expected a weight function, its text or a function of similarities"):
            as_function(wrong)  # type: ignore[arg-type]


def test_it_weighs_multiplies_and_recomposes() -> None:
    pairs = random_pairs(4, 20, 10, special=0.5)
    custom, wanted = wl.Assignment(Linear(), Custom(hard)), torch.where(pairs.negative, hard(pairs.precise), 0)
    assert torch.equal(custom.weights(pairs).negative, wanted)
    assert str(Product((Custom(hard), Step(0.6)))) == "hard * step(0.6)"

    def linear(s: Tensor) -> Tensor:
        return (1 + s) / 2

    found, formula = wl.recompose(linear), wl.recompose(wl.assign("constant", "linear"))
    assert not found.closed_form
    only = wl.Pairs(pairs.similarity, torch.zeros_like(pairs.positive), pairs.negative)
    assert torch.allclose(found.value(only), formula.value(only), atol=1e-6)
