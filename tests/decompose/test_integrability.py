"""Losses have symmetric derivatives of their weights; what is no continuous loss's has not."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import AvgNonZeroReducer, SumReducer

import weightlab as wl
from weightlab import Pairs, PairWeights, losses
from weightlab.decompose import contexts

CONTEXT = contexts.get("early", positives=2, negatives=5)
HELD = {"circle", "ranked-list"}  # factors that are held constant: not the derivative of any loss


@pytest.mark.parametrize("name", [name for name in losses.names() if name not in HELD])
def test_losses_are_integrable(name: str) -> None:
    found = wl.integrability(name, CONTEXT, rectangles=80)
    assert found.integrable
    assert found.asymmetry <= 0.01


@pytest.mark.parametrize("name", sorted(HELD))
def test_a_loss_with_a_held_factor_is_not(name: str) -> None:
    assert wl.integrability(name, CONTEXT, rectangles=80).asymmetry > 0.02


@pytest.mark.parametrize(
    ("negative", "scale", "integrable"),
    [
        ("step(0.3)", "raw", True),
        ("linear", "raw", True),
        ("top(2)", "raw", True),  # the derivative of the sum of the two largest similarities
        ("softmax(10)", "raw", True),  # the derivative of a log-sum-exp
        ("softmax(10) * linear", "raw", False),
        ("step(0.3)", "mean", False),
        ("linear", "mass", False),
        ("top(2) * linear", "raw", True),  # the derivative of the sum of a function of the two largest
        ("top(2) + softmax(5) * linear", "raw", False),
    ],
)
def test_assignments(negative: str, scale: str, integrable: bool) -> None:
    rule = wl.assign("constant", negative, scale)  # type: ignore[arg-type]
    found = wl.integrability(rule, CONTEXT, rectangles=120)
    assert found.integrable == integrable, str(found)
    assert ("symmetric, as" in str(found)) == integrable


@pytest.mark.parametrize(("reducer", "integrable"), [(SumReducer(), True), (AvgNonZeroReducer(), False)])
def test_a_mean_over_the_triplets_that_are_not_zero_jumps(reducer: torch.nn.Module, integrable: bool) -> None:
    """One anchor at a time, so fewer rectangles; the sum of the triplets is continuous, their mean jumps."""
    loss = TripletMarginLoss(margin=0.1, distance=CosineSimilarity(), reducer=reducer)
    found = wl.integrability(loss, CONTEXT)
    assert found.rectangles == 20
    assert found.active >= 5
    assert found.integrable == integrable, str(found)


class Swirl:
    """g = (−S_2, S_1) of two negatives: a pure rotation, as far from a gradient as can be."""

    def weights(self, pairs: Pairs) -> PairWeights:
        s, last = pairs.similarity, pairs.similarity.shape[1] - 1
        swirled = torch.zeros_like(s)
        swirled[:, last - 1], swirled[:, last] = -s[:, last], s[:, last - 1]
        return PairWeights(torch.zeros_like(s), swirled)


def test_a_pure_rotation_has_asymmetry_one() -> None:
    found = wl.integrability(Swirl(), contexts.get("early", positives=1, negatives=2), rectangles=60)
    assert found.asymmetry == pytest.approx(1)
    assert 0 < found.active < 60


def test_wrong_counts() -> None:
    with pytest.raises(wl.InputError, match="rectangles must be a whole number"):
        wl.integrability("ms-loss", rectangles=1.5)  # type: ignore[arg-type]
