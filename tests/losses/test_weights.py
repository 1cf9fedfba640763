"""The weights of every loss: the laws, the closed form against autograd of its value, and examples by hand."""

from __future__ import annotations

import math

import pytest
import torch
from contexts import contexts
from hypothesis import given, settings

from weightlab import losses
from weightlab.decompose.autograd import autograd_weights
from weightlab.losses import Loss
from weightlab.pairs import Pairs
from weightlab.testing import check, random_pairs

VARIANTS = [
    "contrastive",
    "contrastive(pos_margin=0.6, neg_margin=0.3)",
    "triplet",
    "triplet(margin=0)",
    "triplet(margin=2.0)",
    "triplet-smooth",
    "triplet-smooth(scale=1000, margin=0.1)",
    "lifted",
    "lifted(margin=-2.5)",
    "lifted(margin=1.0)",
    "n-pair",
    "n-pair(scale=1000)",
    "ms-loss",
    "ms-loss(alpha=1000, beta=1000)",
    "ms-loss(mining_margin=0.1)",
    "ms-loss(mining_margin=0)",
    "binomial-deviance",
    "binomial-deviance(alpha=1000, beta=1000)",
    "infonce",
    "infonce(temperature=0.001)",
    "supcon",
    "supcon(temperature=0.001)",
    "circle",
    "circle(m=0.25, gamma=1000)",
    "margin",
    "margin(beta=0.7, alpha=0.1)",
    "nca",
    "nca(scale=1000)",
    "tuplet-margin",
    "tuplet-margin(scale=1000, margin=30)",
    "ranked-list",
    "ranked-list(negative_scale=1000, positive_scale=1000, balance=0.3)",
    "siglip",
    "siglip(scale=1000, bias=-500)",
    "decoupled-contrastive",
    "decoupled-contrastive(temperature=0.001)",
    "hard-negative-contrastive",
    "hard-negative-contrastive(temperature=0.1, beta=0.5, tau_plus=0)",
    "hard-negative-contrastive(temperature=0.001)",
]


def assert_closed_form_is_the_derivative(loss: Loss, pairs: Pairs) -> None:
    closed, truth = loss.weights(pairs), autograd_weights(loss.value, pairs)
    parts = [(closed.positive, truth.positive), (closed.negative, truth.negative)]
    gap = max(float((a - b).abs().max()) for a, b in parts)
    largest = max(float(b.abs().max()) for _, b in parts)
    # 1e-12: what float64 itself rounds off terms of 1,000 that cancel (supcon among equal positives: all weights 0)
    assert gap <= 1e-9 * largest + 1e-12


def test_every_loss_is_among_the_variants() -> None:
    assert {losses.from_text(text).name for text in VARIANTS} == set(losses.names())


@pytest.mark.parametrize("text", VARIANTS)
@settings(max_examples=400, deadline=None)  # of 3 to 4 anchors on average: above 1,000 contexts
@given(pairs=contexts())
def test_closed_form_is_the_derivative(text: str, pairs: Pairs) -> None:
    loss = losses.from_text(text)
    assert bool(loss.value(pairs).isfinite().all())
    assert_closed_form_is_the_derivative(loss, pairs)


@pytest.mark.parametrize("text", VARIANTS)
def test_closed_form_with_many_negatives(text: str) -> None:
    generator = torch.Generator().manual_seed(0)
    similarity = (0.3 * torch.randn(2, 100_003, generator=generator, dtype=torch.float64)).clamp(-1, 1)
    positive = torch.zeros(similarity.shape, dtype=torch.bool)
    positive[:, :3] = True
    assert_closed_form_is_the_derivative(losses.from_text(text), Pairs(similarity, positive, ~positive))


@pytest.mark.parametrize("text", VARIANTS)
def test_every_law_holds(text: str) -> None:
    report = check(text)
    report.raise_if_broken()
    assert {law.verdict for law in report.laws} == {"holds"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("text", VARIANTS)
def test_low_precision_is_finite_and_near_the_float64_answer(text: str, dtype: torch.dtype) -> None:
    loss = losses.from_text(text)
    low = random_pairs(5, 200, 50, dtype=dtype, special=0.0)
    exact = loss.weights(Pairs(low.similarity.double(), low.positive, low.negative))
    rounded = loss.weights(low)
    assert bool(loss.value(low).isfinite().all())
    for a, b in ((rounded.positive, exact.positive), (rounded.negative, exact.negative)):
        assert bool(a.isfinite().all())
        scale = max(float(b.abs().max()), 1e-30)
        close = (a.double() - b).abs() / scale <= max(torch.finfo(dtype).eps, 2e-4)
        # a hinge may fall to either side where the margin itself is rounded
        assert float(close.double().mean()) >= 0.999


@pytest.mark.parametrize("text", VARIANTS)
def test_no_pairs_at_all(text: str) -> None:
    loss = losses.from_text(text)
    none = torch.zeros(3, 5, dtype=torch.bool)
    pairs = Pairs(torch.zeros(3, 5), none, none)
    assert loss.value(pairs).tolist() == [0, 0, 0]
    assert float(loss.weights(pairs).positive.abs().sum() + loss.weights(pairs).negative.abs().sum()) == 0
    empty = Pairs(torch.zeros(3, 0), none[:, :0], none[:, :0])
    assert loss.value(empty).tolist() == [0, 0, 0]
    assert loss.weights(empty).positive.shape == (3, 0)


def one_anchor(positives: list[float], negatives: list[float]) -> Pairs:
    similarity = torch.tensor([positives + negatives], dtype=torch.float64)
    positive = torch.arange(similarity.shape[1])[None] < len(positives)
    return Pairs(similarity, positive, ~positive)


def test_contrastive_by_hand() -> None:
    pairs = one_anchor([0.9, 1.0], [0.6, 0.5, 0.2])
    loss = losses.Contrastive()
    assert loss.value(pairs).item() == pytest.approx(0.1 + 0.1)
    assert loss.weights(pairs).positive.tolist() == [[1, 0, 0, 0, 0]]
    assert loss.weights(pairs).negative.tolist() == [[0, 0, 1, 0, 0]]


def test_triplet_by_hand() -> None:
    pairs = one_anchor([0.5, 0.9], [0.45, 0.3, 0.85])
    loss = losses.Triplet(margin=0.125)
    assert loss.value(pairs).item() == pytest.approx(0.075 + 0.475 + 0.075)
    assert loss.weights(pairs).positive.tolist() == [[2, 1, 0, 0, 0]]
    assert loss.weights(pairs).negative.tolist() == [[0, 0, 1, 0, 2]]


def test_ms_loss_by_hand() -> None:
    pairs = one_anchor([0.5], [0.5, 0.5])
    loss = losses.MultiSimilarity(alpha=2, beta=50, base=0.5)
    assert loss.value(pairs).item() == pytest.approx(math.log(2) / 2 + math.log(3) / 50)
    assert loss.weights(pairs).positive[0, 0].item() == pytest.approx(1 / 2)
    assert loss.weights(pairs).negative[0, 1:].tolist() == pytest.approx([1 / 3, 1 / 3])


def test_ms_mining_by_hand() -> None:
    pairs = one_anchor([0.5, 0.9], [0.45, 0.3, 0.85])
    weights = losses.MultiSimilarity(mining_margin=0.1).weights(pairs)
    assert (weights.positive > 0).tolist() == [[True, True, False, False, False]]
    assert (weights.negative > 0).tolist() == [[False, False, True, False, True]]


def test_lifted_weights_of_each_sign_sum_to_one_where_the_hinge_is_open() -> None:
    weights = losses.Lifted().weights(one_anchor([0.1, 0.2], [0.3, 0.4, -0.5]))
    assert weights.positive.sum().item() == pytest.approx(1)
    assert weights.negative.sum().item() == pytest.approx(1)
    shut = losses.Lifted(margin=-10).weights(one_anchor([0.1, 0.2], [0.3, 0.4, -0.5]))
    assert shut.positive.abs().sum().item() == shut.negative.abs().sum().item() == 0


def test_smooth_triplet_becomes_triplet_as_its_scale_grows() -> None:
    pairs = random_pairs(7, 20, 15, special=0)
    smooth = losses.SmoothTriplet(scale=1e4, margin=0.1).weights(pairs)
    hard = losses.Triplet(margin=0.1).weights(pairs)
    assert torch.allclose(smooth.negative, hard.negative, atol=1e-3)
    assert torch.allclose(smooth.positive, hard.positive, atol=1e-3)
