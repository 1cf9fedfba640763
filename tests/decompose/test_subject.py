"""Subject: one door for whatever is decomposed, and what it finds out about it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import ContrastiveLoss
from pytorch_metric_learning.reducers import SumReducer
from torch import Tensor

import weightlab as wl
from weightlab.forms import PointwiseForm, SoftmaxForm, form_of


def own_pointwise(similarity: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    return torch.where(negative, similarity.exp(), 0).sum(1) - torch.where(positive, similarity, 0).sum(1)


def own_relative(similarity: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    return torch.where(negative, 5 * similarity, -torch.inf).logsumexp(1) - torch.where(positive, similarity, 0).sum(1)


class OwnWeights:
    """Says nothing of contexts."""

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        s = pairs.similarity
        return wl.PairWeights(torch.where(pairs.positive, 1 - s, 0), torch.where(pairs.negative, 1 + s, 0))


class Untrue(wl.losses.NPair):
    relative = False


@pytest.mark.parametrize(
    ("what", "relative"),
    [
        *((name, wl.losses.get(name).relative) for name in wl.losses.names()),
        ("step(0.5)", False),
        ("softmax(3)", True),
        ("spline(-1:0, 0.5:1)", False),
        (lambda s: s * (s > 0.5), False),
        (wl.assign("constant", "linear"), False),
        (wl.assign("constant", "linear", "mass"), True),
        (own_pointwise, False),
        (own_relative, True),
        (OwnWeights(), False),
        (Untrue(), True),
        (ContrastiveLoss(1, 0.5, distance=CosineSimilarity(), reducer=SumReducer()), False),
        (ContrastiveLoss(1, 0.5, distance=CosineSimilarity()), True),
        (wl.recompose("linear"), False),
    ],
)
def test_whether_weights_change_with_the_context(what: object, relative: bool) -> None:
    assert wl.Subject.of(what).relative is relative  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["step(0.5)", "linear", "step(0.5) * linear"])
def test_a_text_a_function_and_a_lambda_are_one(text: str) -> None:
    """The same curves by every door, and the same gradient by the step's."""
    from weightlab.assignment import parse

    function = parse(text)
    ways = [text, function, wl.assign(text, text), lambda s: function.of(s, "negative")]
    curves = [wl.decompose(way, points=21, draws=4).curve for way in ways]
    for curve in curves[1:3]:
        assert curve.equals(curves[0])
    negative = [curve[curve["sign"] == "negative"]["weight"].tolist() for curve in curves]
    assert negative[3] == negative[0]
    assert wl.Subject.of(function).title == text


def test_what_a_function_takes_goes_by_its_arguments_then_by_trial() -> None:
    def a_loss(p: wl.Pairs) -> Tensor:
        return torch.where(p.negative, p.similarity**2 / 2, 0).sum(1)

    def a_weight(x: Tensor) -> Tensor:
        return x.abs()

    for function in (a_loss, a_weight):
        curve = wl.decompose(function, points=5, draws=2).curve
        negative = curve[curve["sign"] == "negative"]["weight"].abs().tolist()
        assert negative == pytest.approx([1, 0.5, 0, 0.5, 1])
    assert wl.Subject.of(lambda pairs: pairs.similarity.sum(1)).one_at_a_time is False
    assert isinstance(wl.Subject.of(a_weight).form, PointwiseForm)
    assert wl.Subject.of(a_loss).form is None
    with pytest.raises(wl.InputError, match="AttributeError"):
        wl.decompose(lambda s: s.nothing)
    with pytest.raises(wl.InputError, match="fails: AttributeError"):
        wl.decompose(lambda pairs: pairs.nothing)


def test_titles_and_short_names() -> None:
    assert wl.Subject.of("ms-loss(beta=40)").title == "ms-loss(alpha=2, beta=40, base=0.5)"
    assert wl.Subject.of("ms-loss(beta=40)").short == "ms-loss"
    assert wl.Subject.of(wl.assign("constant", "step(0.5)")).short == "positive constant, negative step(0.5), scale raw"
    assert wl.Subject.of(own_pointwise).title == "own_pointwise"


def test_others_may_state_a_form_and_a_wrong_one_is_not_asked() -> None:
    class Doubled:
        def __init__(self, factor: float) -> None:
            self.factor = factor

        def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
            right = wl.losses.NPair().weights(pairs)
            return wl.PairWeights(self.factor * right.positive, self.factor * right.negative)

        @property
        def form(self) -> object:
            return form_of(wl.losses.NPair())

    assert isinstance(wl.Subject.of(Doubled(1.0)).form, SoftmaxForm)
    assert wl.Subject.of(Doubled(2.0)).form is None


def test_a_subject_goes_in_where_it_came_out() -> None:
    subject = wl.Subject.of("ms-loss")
    assert wl.Subject.of(subject) is subject
    assert wl.decompose(subject, points=5, draws=8).curve.equals(wl.decompose("ms-loss", points=5, draws=8).curve)
    assert wl.compare(subject, "triplet").distances.equals(wl.compare("ms-loss", "triplet").distances)
    assert wl.integrability(subject, rectangles=5) == wl.integrability("ms-loss", rectangles=5)


def test_what_is_nothing_to_decompose() -> None:
    for what, message in [
        (3, "expected a loss's name"),
        (wl.losses.Triplet, "is a class: give an instance"),
        ("ms-los", "did you mean 'ms-loss'"),
        ("stpe(0.5)", "did you mean 'step'"),
        ("no.module:f", "can't import"),
        ("folder/file.py:", "there is no file folder/file.py"),
        ("folder:", "can't read"),
    ]:
        with pytest.raises(wl.InputError, match=message):
            wl.Subject.of(what)  # type: ignore[arg-type]


def test_the_package_is_the_function() -> None:
    """`wl.decompose` can be called, and hides nothing."""
    import weightlab.decompose.contexts as contexts_module

    assert contexts_module is wl.contexts is sys.modules["weightlab.decompose.contexts"]
    assert wl.decompose is importlib.import_module("weightlab.decompose")
    assert wl.decompose("contrastive", points=3).title == wl.decompose.decompose("contrastive", points=3).title  # type: ignore[attr-defined]
    for name in wl.__all__:
        assert getattr(wl, name) is not None
    assert wl.train.TrainConfig().scale == wl.assign("constant", "constant").scale == "raw"


def test_a_file_s_loss_trains(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def f(similarity, positive, negative):\n    return (similarity**2 * negative).sum(1)\n")
    weighting = wl.train.TrainConfig(loss=f"{path}:f").weighting()
    s = torch.tensor([[0.5, 0.2]], dtype=torch.float64)
    pairs = wl.Pairs(s, torch.tensor([[True, False]]), torch.tensor([[False, True]]))
    assert weighting.weights(pairs).negative.tolist() == [[0, pytest.approx(0.4)]]


def test_forms_of_ours() -> None:
    assert isinstance(wl.Subject.of("contrastive").form, PointwiseForm)
    assert isinstance(wl.Subject.of("infonce").form, SoftmaxForm)
    assert wl.Subject.of(own_pointwise).form is None
