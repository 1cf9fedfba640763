"""Assignment: a positive and a negative weight function, chosen apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from weightlab.assignment.function import Side, WeightFunction
from weightlab.assignment.text import parse
from weightlab.errors import InputError, unknown
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Sign, Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Assignment", "Scale", "assign"]

Scale = Literal["raw", "mean", "mass"]


@dataclass(frozen=True)
class Assignment:
    """A weighting made of two parts: w⁺ from `positive`, w⁻ from `negative`.

    A part is a weight function, or another weighting of which the weights of that sign are taken.
    scale: "raw" as they are; "mean": each anchor's weights of a sign divided by how many are not zero; "mass": each
    anchor's weights of a sign divided by their sum, so that they sum to 1 and only the shape of the curve counts.
    """

    positive: WeightFunction | Weighting
    negative: WeightFunction | Weighting
    scale: Scale = "raw"

    def __post_init__(self) -> None:
        if self.scale not in get_args(Scale):
            raise unknown("scale", self.scale, get_args(Scale))

    @property
    def relative(self) -> bool:
        """Whether a pair's weight depends on the anchor's other pairs too."""
        return self.scale != "raw" or any(_is_relative(part) for part in (self.positive, self.negative))

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R] each, zero off their mask; no gradient flows through them."""
        with torch.no_grad():
            return PairWeights(
                positive=self._scaled(self._part(self.positive, pairs, pairs.positive, "positive")),
                negative=self._scaled(self._part(self.negative, pairs, pairs.negative, "negative")),
            )

    def _part(self, part: WeightFunction | Weighting, pairs: Pairs, mask: Tensor, sign: Sign) -> Tensor:
        if isinstance(part, Weighting):
            weights = part.weights(pairs)
            return weights.positive if sign == "positive" else weights.negative
        return torch.where(mask, part(pairs.precise, Side(mask, sign)), 0)

    def _scaled(self, weight: Tensor) -> Tensor:
        if self.scale == "raw":
            return weight
        total = (weight != 0).to(weight.dtype) if self.scale == "mean" else weight.abs()
        size = total.sum(1, keepdim=True)
        return weight / torch.where(size > 0, size, 1)

    def __str__(self) -> str:
        return f"positive {self.positive}, negative {self.negative}, scale {self.scale}"


def assign(
    positive: str | WeightFunction | Weighting,
    negative: str | WeightFunction | Weighting,
    scale: Scale = "raw",
) -> Assignment:
    """An assignment; a part is a text ("step(0.5)"), a weight function, or a weighting whose weights are borrowed.

    Raises InputError for a text that can't be read, a number out of range, an unknown scale, or another type.
    """
    return Assignment(_as_part("positive", positive), _as_part("negative", negative), scale)


def _as_part(name: str, part: str | WeightFunction | Weighting) -> WeightFunction | Weighting:
    if isinstance(part, str):
        return parse(part)
    if isinstance(part, WeightFunction) or (isinstance(part, Weighting) and not isinstance(part, type)):
        return part
    raise InputError(f"{name} must be a weight function, its text or a weighting, not {part!r}")


def _is_relative(part: object) -> bool:
    return bool(getattr(part, "relative", True))  # of a stranger assume that it looks at the other pairs
