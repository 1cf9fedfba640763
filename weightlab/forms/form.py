"""How a weighting states its form."""

from __future__ import annotations

from weightlab.forms.assigned import AssignedForm, PositiveForm
from weightlab.forms.band import BandForm
from weightlab.forms.hardest import HardestForm
from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.softmax import SoftmaxForm
from weightlab.forms.triplets import TripletForm
from weightlab.pairs import Weighting

__all__ = ["FORMS", "Form", "form_of"]

Form = PointwiseForm | SoftmaxForm | TripletForm | HardestForm | BandForm | PositiveForm | AssignedForm
FORMS = (PointwiseForm, SoftmaxForm, TripletForm, HardestForm, BandForm, PositiveForm, AssignedForm)


def form_of(weighting: Weighting) -> Form | None:
    """The form that a weighting states in its property `form`, or that it is itself; None where it states none.

    None too where a subclass has weights of its own and its parent's form: it may weigh otherwise.
    """
    if isinstance(weighting, FORMS):
        return weighting
    states, weighs = (_depth(type(weighting), name) for name in ("form", "weights"))
    form = getattr(weighting, "form", None) if states <= weighs else None
    return form if isinstance(form, FORMS) else None


def _depth(kind: type, name: str) -> int:
    """How far up among the parents a name is defined."""
    parents = kind.__mro__
    return next((depth for depth, parent in enumerate(parents) if name in vars(parent)), len(parents))
