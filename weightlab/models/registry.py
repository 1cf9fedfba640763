"""Every kind of encoder that has a name. A new one is a file of its own and an entry here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from weightlab.errors import InputError
from weightlab.models import vision
from weightlab.models.kind import Kind, Wanted
from weightlab.models.option import whole

if TYPE_CHECKING:
    from torch import nn

__all__ = ["KINDS"]

# A module's class needs torch at once: each is imported when one is built.


def _cnn(place: str, options: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    from weightlab.models.cnn import CNN

    channels, height, width = wanted.shape
    if min(height, width) < CNN.SMALLEST:
        raise InputError(
            f"cnn takes images of {CNN.SMALLEST} × {CNN.SMALLEST} pixels and more, not of {height} × {width}"
        )
    return CNN(channels, wanted.width, wanted.dimensions)


def _linear(place: str, options: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    from weightlab.models.linear import Linear

    return Linear(wanted.shape[0], wanted.dimensions)


def _mlp(place: str, options: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    from weightlab.models.mlp import MLP

    return MLP(wanted.shape[0], options["hidden"], wanted.dimensions)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="cnn", example="cnn", takes="images", build=_cnn),
        Kind(name="linear", example="linear", takes="vectors", build=_linear),
        Kind(
            name="mlp",
            example="mlp(hidden=1024)",
            takes="vectors",
            options={"hidden": whole(1024, 1, 65_536)},
            build=_mlp,
        ),
        vision.KIND,
    )
}
