"""Losses that pytorch-metric-learning lacks, against their papers: the formulas as written there, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from weightlab import losses
from weightlab.pairs import Pairs


def hard_negative_contrastive(s_p: Tensor, s_n: Tensor, t: float, beta: float, tau_plus: float) -> Tensor:
    """Robinson et al. 2021, section 3 and the code in its appendix; a mean over the positives."""
    pos, neg, n = (s_p / t).exp(), (s_n / t).exp(), len(s_n)
    importance = neg**beta
    reweighted = (importance * neg).sum() / importance.mean()
    estimate = ((reweighted - tau_plus * n * pos) / (1 - tau_plus)).clamp(min=n * math.exp(-1 / t))
    return -(pos / (pos + estimate)).log().mean()


def siglip(s_p: Tensor, s_n: Tensor, t: float, b: float) -> Tensor:
    """Zhai et al. 2023, algorithm 1: −Σ log σ(z (t s + b)) with z = ±1."""
    return -torch.sigmoid(t * s_p + b).log().sum() - torch.sigmoid(-(t * s_n + b)).log().sum()


def decoupled_contrastive(s_p: Tensor, s_n: Tensor, t: float) -> Tensor:
    """Yeh et al. 2022, eq. 6; a mean over the positives."""
    return (-s_p / t + (s_n / t).exp().sum().log()).mean()


def binomial_deviance(s_p: Tensor, s_n: Tensor, alpha: float, beta: float, base: float) -> Tensor:
    """Yi, Lei, Li 2014, eq. 11, as in Wang et al. 2019, section 3.2.1."""
    return (1 + (alpha * (base - s_p)).exp()).log().mean() + (1 + (beta * (s_n - base)).exp()).log().mean()


CASES: list[tuple[str, Callable[..., Tensor], tuple[float, ...]]] = [
    ("hard-negative-contrastive(temperature=0.5, beta=1, tau_plus=0.1)", hard_negative_contrastive, (0.5, 1, 0.1)),
    ("hard-negative-contrastive(temperature=0.2, beta=0.5, tau_plus=0)", hard_negative_contrastive, (0.2, 0.5, 0)),
    ("hard-negative-contrastive(temperature=1, beta=2, tau_plus=0.6)", hard_negative_contrastive, (1, 2, 0.6)),
    ("siglip(scale=10, bias=-10)", siglip, (10, -10)),
    ("siglip(scale=4, bias=1)", siglip, (4, 1)),
    ("decoupled-contrastive(temperature=0.1)", decoupled_contrastive, (0.1,)),
    ("decoupled-contrastive(temperature=0.7)", decoupled_contrastive, (0.7,)),
    ("binomial-deviance(alpha=2, beta=50, base=0.5)", binomial_deviance, (2, 50, 0.5)),
    ("binomial-deviance(alpha=1, beta=3, base=-0.2)", binomial_deviance, (1, 3, -0.2)),
]


@pytest.mark.parametrize(("text", "formula", "numbers"), CASES, ids=[text for text, _, _ in CASES])
def test_value_and_weights_are_those_of_the_paper(
    text: str, formula: Callable[..., Tensor], numbers: tuple[float, ...]
) -> None:
    loss, generator = losses.from_text(text), torch.Generator().manual_seed(0)
    for positives, negatives in ((1, 1), (1, 9), (3, 1), (4, 30)):
        s = 2 * torch.rand(positives + negatives, generator=generator, dtype=torch.float64) - 1
        s.requires_grad_()
        truth = formula(s[:positives], s[positives:], *numbers)
        (slope,) = torch.autograd.grad(truth, s)
        positive = (torch.arange(len(s)) < positives)[None]
        pairs = Pairs(s.detach()[None], positive, ~positive)
        assert loss.value(pairs).item() == pytest.approx(truth.item(), rel=1e-12)
        weights = loss.weights(pairs)
        torch.testing.assert_close(weights.negative[0] - weights.positive[0], slope, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(
    ("text", "value", "pull", "push"),
    [
        # Q = G = 2e, r = 2: ∂ log(1 + r) / ∂S_p = −(Q / 0.9) / e / 3 / 0.5
        ("hard-negative-contrastive(temperature=0.5, beta=1, tau_plus=0.1)", math.log(3), 40 / 27, 20 / 27),
        ("siglip(scale=2, bias=-1)", 3 * math.log(2), 1, 1),
        ("decoupled-contrastive(temperature=0.5)", math.log(2), 2, 1),
        ("binomial-deviance(alpha=2, beta=6, base=0.5)", 2 * math.log(2), 1, 1.5),
    ],
)
def test_one_positive_and_two_negatives_at_one_half(text: str, value: float, pull: float, push: float) -> None:
    positive = torch.tensor([[True, False, False]])
    pairs = Pairs(torch.full((1, 3), 0.5, dtype=torch.float64), positive, ~positive)
    weights = losses.from_text(text).weights(pairs)
    assert losses.from_text(text).value(pairs).item() == pytest.approx(value)
    assert weights.positive[0].tolist() == pytest.approx([pull, 0, 0])
    assert weights.negative[0].tolist() == pytest.approx([0, push, push])
