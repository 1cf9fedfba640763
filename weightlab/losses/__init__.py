"""The losses: one file each, holding its value, its weights in closed form, its formula and its source.

A new loss is a file here and its class in `ALL` below; commands, tests and figures find it there.
"""

from __future__ import annotations

import dataclasses

from weightlab.errors import InputError, shown, unknown
from weightlab.literals import read_arguments
from weightlab.losses.binomial_deviance import BinomialDeviance
from weightlab.losses.bounds import ranges
from weightlab.losses.circle import Circle
from weightlab.losses.contrastive import Contrastive
from weightlab.losses.decoupled_contrastive import DecoupledContrastive
from weightlab.losses.hard_negative_contrastive import HardNegativeContrastive
from weightlab.losses.infonce import InfoNCE
from weightlab.losses.lifted import Lifted
from weightlab.losses.loss import Loss
from weightlab.losses.margin import Margin
from weightlab.losses.multi_similarity import MultiSimilarity
from weightlab.losses.n_pair import NPair
from weightlab.losses.nca import NCA
from weightlab.losses.ranked_list import RankedList
from weightlab.losses.siglip import SigLIP
from weightlab.losses.smooth_triplet import SmoothTriplet
from weightlab.losses.supcon import SupCon
from weightlab.losses.triplet import Triplet
from weightlab.losses.tuplet_margin import TupletMargin

__all__ = [
    "ALL",
    "NCA",
    "BinomialDeviance",
    "Circle",
    "Contrastive",
    "DecoupledContrastive",
    "HardNegativeContrastive",
    "InfoNCE",
    "Lifted",
    "Loss",
    "Margin",
    "MultiSimilarity",
    "NPair",
    "RankedList",
    "SigLIP",
    "SmoothTriplet",
    "SupCon",
    "Triplet",
    "TupletMargin",
    "from_text",
    "get",
    "names",
    "parameters",
    "ranges",
]

ALL: tuple[type[Loss], ...] = (
    Contrastive,
    Triplet,
    SmoothTriplet,
    Lifted,
    NPair,
    MultiSimilarity,
    BinomialDeviance,
    InfoNCE,
    SupCon,
    Circle,
    Margin,
    NCA,
    TupletMargin,
    RankedList,
    SigLIP,
    DecoupledContrastive,
    HardNegativeContrastive,
)


def names() -> list[str]:
    """The names of all losses, in the order of the design."""
    return [loss.name for loss in ALL]


def get(name: str, **settings: object) -> Loss:
    """The loss called `name` with its parameters set: get("ms-loss", beta=40.0).

    Raises InputError for an unknown name or parameter, with the nearest known one, and for a value out of range.
    """
    for loss in ALL:
        if loss.name == name:
            for parameter in settings:
                if parameter not in parameters(loss):
                    raise unknown(f"parameter of {name}", parameter, parameters(loss))
            return loss(**settings)
    raise unknown("loss", name, names())


def parameters(loss: Loss | type[Loss]) -> dict[str, object]:
    """The parameters of a loss and their values, or of a class and their defaults."""
    return {field.name: getattr(loss, field.name) for field in dataclasses.fields(loss)}  # type: ignore[arg-type]


def from_text(text: str) -> Loss:
    """The loss that a text names: "ms-loss" or "ms-loss(beta=40)"; the values are literals (`weightlab.literals`).

    Raises InputError as `get` does, and where the text is not of this form.
    """
    if not isinstance(text, str):
        raise InputError(f"a loss is a text such as 'ms-loss(beta=40)', not {shown(text)}")
    name, bracket, rest = text.strip().partition("(")
    if not bracket:
        return get(name)
    form = f"can't read the loss {shown(text)}: write name or name(parameter=number, ...)"
    try:
        positional, named = read_arguments(bracket + rest)
    except InputError as error:
        raise InputError(f"{form}; {error}") from error
    if positional:
        raise InputError(form)
    return get(name.strip(), **named)
