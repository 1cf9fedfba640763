"""Which form a weighting states, and when it is not believed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from weightlab import Pairs, PairWeights, Weighting, assign, losses
from weightlab.forms import Form, HardestForm, PointwiseForm, PositiveForm, SoftmaxForm, TripletForm, form_of

FORMS: list[Form] = [
    PointwiseForm(torch.ones_like, torch.ones_like),
    HardestForm(3),
    TripletForm(torch.relu, 0.1),
    PositiveForm(lambda s, mask: s.masked_fill(~mask, 0)),
    losses.InfoNCE().form,
    assign("constant", "step(0.5)").form,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
def test_a_form_is_its_own(form: Form) -> None:
    assert form_of(form) is form


@pytest.mark.parametrize("name", losses.names())
def test_every_loss_states_one(name: str) -> None:
    assert form_of(losses.get(name)) is not None


def test_a_loss_states_the_one_it_has() -> None:
    assert isinstance(form_of(losses.Triplet(0.3)), TripletForm)
    assert isinstance(form_of(losses.InfoNCE()), SoftmaxForm)
    assert isinstance(form_of(losses.Contrastive()), PointwiseForm)


@dataclass(frozen=True)
class Doubled(losses.Contrastive):
    """Weights of its own beside its parent's form."""

    def weights(self, pairs: Pairs) -> PairWeights:
        weights = super().weights(pairs)
        return PairWeights(2 * weights.positive, 2 * weights.negative)


@dataclass(frozen=True)
class DoubledAndStated(Doubled):
    """Weights of its own, and the form that goes with them."""

    @property
    def form(self) -> PointwiseForm:
        form = super().form
        return PointwiseForm(lambda s: 2 * form.positive(s), lambda s: 2 * form.negative(s))


@dataclass(frozen=True)
class Renamed(losses.Contrastive):
    """Its parent's weights and form."""


def test_weights_of_its_own_have_no_form_of_the_parents() -> None:
    assert form_of(Doubled()) is None


def test_a_form_of_its_own_is_believed() -> None:
    form = form_of(DoubledAndStated())
    assert isinstance(form, PointwiseForm)
    assert form.negative(torch.tensor([0.9])).item() == 2


def test_a_subclass_that_overrides_neither_has_its_parents() -> None:
    assert isinstance(form_of(Renamed()), PointwiseForm)


class Plain:
    """A weighting that states no form."""

    def weights(self, pairs: Pairs) -> PairWeights:
        return PairWeights(pairs.positive.float(), pairs.negative.float())


class Wrong(Plain):
    """Its `form` is none."""

    form = "pointwise"


class Late(Plain):
    """A form on the object and not on its class, where no one can tell whether it goes with the weights."""

    def __init__(self) -> None:
        self.form = HardestForm(1)


@pytest.mark.parametrize("weighting", [Plain(), Wrong(), Late()], ids=lambda weighting: type(weighting).__name__)
def test_an_object_without_a_form_has_none(weighting: Weighting) -> None:
    assert form_of(weighting) is None
