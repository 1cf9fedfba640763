"""The losses: one file each, holding its value, its weights in closed form, its formula and its source.

A new loss is a file here and its class in `ALL` below; commands, tests and figures find it there.
"""

from __future__ import annotations

import ast
import dataclasses

from weightlab.errors import InputError, unknown
from weightlab.losses.binomial_deviance import BinomialDeviance
from weightlab.losses.contrastive import Contrastive
from weightlab.losses.lifted import Lifted
from weightlab.losses.loss import Loss
from weightlab.losses.multi_similarity import MultiSimilarity
from weightlab.losses.n_pair import NPair
from weightlab.losses.smooth_triplet import SmoothTriplet
from weightlab.losses.triplet import Triplet

__all__ = [
    "ALL",
    "BinomialDeviance",
    "Contrastive",
    "Lifted",
    "Loss",
    "MultiSimilarity",
    "NPair",
    "SmoothTriplet",
    "Triplet",
    "from_text",
    "get",
    "names",
]

ALL: tuple[type[Loss], ...] = (
    Contrastive,
    Triplet,
    SmoothTriplet,
    Lifted,
    NPair,
    MultiSimilarity,
    BinomialDeviance,
)


def names() -> list[str]:
    """The names of all losses, in the order of the design."""
    return [loss.name for loss in ALL]


def get(name: str, **parameters: object) -> Loss:
    """The loss called `name` with `parameters` set: get("ms-loss", beta=40.0).

    Raises InputError for an unknown name or parameter, with the nearest known one, and for a value out of range.
    """
    for loss in ALL:
        if loss.name == name:
            known = [field.name for field in dataclasses.fields(loss)]  # type: ignore[arg-type]
            for parameter in parameters:
                if parameter not in known:
                    raise unknown(f"parameter of {name}", parameter, known)
            return loss(**parameters)
    raise unknown("loss", name, names())


def from_text(text: str) -> Loss:
    """The loss that a text names: "ms-loss" or "ms-loss(beta=40)"; the values are literals.

    Raises InputError as `get` does, and where the text is not of this form.
    """
    name, bracket, rest = text.strip().partition("(")
    if not bracket:
        return get(name)
    form = InputError(f"can't read the loss '{text}': write name or name(parameter=number, ...)")
    try:
        call = ast.parse(f"_({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not isinstance(call.func, ast.Name):
            raise form
        parameters = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise form from error
    return get(name.strip(), **parameters)
