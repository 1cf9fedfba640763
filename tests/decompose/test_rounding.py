"""What is rounding has no sign and no mass; what really has the wrong sign keeps it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from pytorch_metric_learning.losses import (
    FastAPLoss,
    HistogramLoss,
    IntraPairVarianceLoss,
    PNPLoss,
    TripletMarginLoss,
    TupletMarginLoss,
)
from torch import Tensor

import weightlab as wl
from weightlab.cli.printing import print_json
from weightlab.decompose import contexts
from weightlab.decompose.autograd import without_rounding

CONTEXT = contexts.get("early", 3, 12)


class Pushing(torch.nn.Module):
    """Normalises what it gets, and only pushes: its derivative by the positives is rounding."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        unit = torch.nn.functional.normalize(embeddings.to(self.dtype))
        similarity, other = unit @ unit.T, labels[:, None] != labels[None]
        return (similarity.exp() * other).sum() + 1e-17 * (similarity * ~other).sum()


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # HistogramLoss's own
@pytest.mark.parametrize("loss", [HistogramLoss(), PNPLoss()], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("context", ["trained", "early"])
def test_rounding_is_not_signed(loss: torch.nn.Module, context: str) -> None:
    d = wl.decompose(loss, contexts.get(context, 3, 12), points=9, draws=8)
    assert not d.signed
    assert d.curve["low"].min() >= 0
    assert d.residual < 1e-9


def test_a_billionth_of_the_largest_weight_is_not_signed() -> None:
    """Beyond its margin tuplet margin loss does push a positive: by next to nothing where the negatives are easy, by
    a lot where they are hard, by either implementation.
    """
    for loss in (TupletMarginLoss(), "tuplet-margin"):
        trained, early = (wl.decompose(loss, context, points=21, draws=9) for context in ("trained", "early"))
        assert -1e-9 * trained.curve["high"].max() < trained.curve["low"].min() < 0
        assert early.curve["low"].min() < -1
        assert (trained.signed, early.signed) == (False, True)


@pytest.mark.parametrize(
    "loss", [FastAPLoss(), IntraPairVarianceLoss(), TripletMarginLoss(swap=True)], ids=lambda x: type(x).__name__
)
def test_what_is_signed_stays_so(loss: torch.nn.Module) -> None:
    d = wl.decompose(loss, CONTEXT, points=5, draws=8)
    assert d.signed
    assert d.curve["low"].min() < -1e-3 or d.mass["share"].sum() > 0


@pytest.mark.parametrize("context", ["trained", "early"])
def test_built_in_losses_that_are_signed(context: str) -> None:
    found = {name for name in wl.losses.names() if wl.decompose(name, context, points=5, draws=16).signed}
    assert found == {"supcon", "hard-negative-contrastive"} | ({"tuplet-margin"} if context == "early" else set())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_module_that_only_pushes_does_not_pull(dtype: torch.dtype, capsys: pytest.CaptureFixture[str]) -> None:
    d = wl.decompose(Pushing(dtype), CONTEXT, points=5, draws=4)
    positive = d.hardness[d.hardness["sign"] == "positive"]
    assert not d.signed
    assert math.isinf(d.ratio)
    assert math.isnan(d.ratio_error)
    assert positive["share"].tolist() == [0, 0, 0]
    assert d.mass.loc[d.mass["sign"] == "positive", "share"].sum() == 0
    assert d.curve.loc[d.curve["sign"] == "positive", ["low", "weight", "high"]].abs().to_numpy().max() == 0
    assert d.to_dict()["ratio"] is None
    assert "∞ (no positive has a weight)" in d._repr_html_()
    print_json(d.to_dict())
    assert "Infinity" not in capsys.readouterr().out


def test_neither_pushes_nor_pulls() -> None:
    d = wl.decompose("contrastive(pos_margin=-1, neg_margin=1)", points=5)
    assert math.isnan(d.ratio)
    assert "none (no pair has a weight in this context)" in d._repr_html_()
    assert (d.hardness["share"] == 0).all()
    assert (d.hardness["error"] == 0).all()


def test_of_a_function_of_similarities_too() -> None:
    """0.1 + 0.2 − 0.3 is rounding: it pulls nothing."""

    def pushing(pairs: wl.Pairs) -> Tensor:
        s = pairs.similarity
        return (s * pairs.negative).sum(1) + ((0.1 * s + 0.2 * s - 0.3 * s) * pairs.positive).sum(1)

    d = wl.decompose(pushing, points=5)
    assert not d.signed
    assert math.isinf(d.ratio)
    assert (d.curve.loc[d.curve["sign"] == "positive", "weight"] == 0).all()


def test_where_all_of_an_anchor_is_rounding() -> None:
    """A softmax that cancels: 1 − e^{log p} is rounding where p is 1, and so are all of an anchor's weights there."""

    def cancelling(pairs: wl.Pairs) -> Tensor:
        share = (pairs.similarity / 0.01).masked_fill(~(pairs.positive | pairs.negative), -torch.inf).log_softmax(1)
        return -(torch.where(pairs.positive, share, 0)).sum(1)

    d = wl.decompose(cancelling, contexts.get("trained", 1, 8), points=21, draws=64)
    assert not d.signed
    assert d.curve["low"].min() >= 0


def test_the_tolerance() -> None:
    """10⁻⁹ of the anchor's largest weight, of either sign; 10⁻¹³ of what is usual, where all are rounding."""
    positive = torch.tensor([[2.0, -1.9e-9, 0, 0], [1e-14, 0, 0, 0], [1e-9, 0, 0, 0]], dtype=torch.float64)
    negative = torch.tensor([[0, 0, 2.1e-9, -1.9e-9], [0, 0, 3e-14, -9e-14], [0, 0, 1e-12, 9e-19]], dtype=torch.float64)
    found = without_rounding(wl.PairWeights(positive, negative), usual=1.0)
    assert found.positive.tolist() == [[2.0, 0, 0, 0], [0, 0, 0, 0], [1e-9, 0, 0, 0]]
    assert found.negative.tolist() == [[0, 0, 2.1e-9, 0], [0, 0, 0, 0], [0, 0, 1e-12, 0]]
    nothing: Any = torch.zeros(2, 0)
    assert without_rounding(wl.PairWeights(nothing, nothing), 1.0).positive.shape == (2, 0)
