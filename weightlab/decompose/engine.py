"""decompose: from a loss to its explicit positive and negative weight functions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab import losses
from weightlab.decompose import contexts
from weightlab.decompose.autograd import autograd_weights
from weightlab.decompose.curves import mass_frame, weight_curve
from weightlab.decompose.decomposition import Decomposition
from weightlab.errors import InputError, check_number
from weightlab.lazy import torch
from weightlab.losses import Loss
from weightlab.pairs import Pairs, PairWeights, Weighting

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.decompose.contexts import Context, Sample

__all__ = ["decompose"]


def decompose(
    weighting: str | Weighting | Callable[[Pairs], Tensor],
    context: str | Context = "trained",
    *,
    points: int = 401,
    draws: int = 256,
    seed: int = 0,
) -> Decomposition:
    """The weight curves, the weight mass, the formulas and the residual of a weighting.

    weighting: a loss's name ("ms-loss", "ms-loss(beta=40)"), a weighting, or a callable from Pairs to the loss of each
    anchor, whose weights autograd finds. context: a name or a `Context`. points: similarities from −1 to 1 on the
    curve. draws: contexts that are sampled, with `seed`.

    Raises InputError for an unknown name or context, and for something that is no weighting.
    """
    check_number("points", points, 2)
    check_number("draws", draws, 1)
    weighting = _as_weighting(weighting)
    context = contexts.get(context) if isinstance(context, str) else context
    relative = bool(getattr(weighting, "relative", True))
    sample = context.sample(draws, seed)
    grid = torch.linspace(-1, 1, points, dtype=torch.float64).round(decimals=12)  # a clean 0 in the middle
    weights = weighting.weights(sample.pairs)
    curve = weight_curve(weighting, sample if relative else context.sample(1, seed), grid)
    return Decomposition(
        title=_title(weighting),
        context=f"{context.name}, {context.positives} positives, {context.negatives} negatives",
        relative=relative,
        signed=bool(min(weights.positive.min(), weights.negative.min()) < 0 or (curve["weight"] < 0).any()),
        curve=curve,
        mass=mass_frame(weights, sample),
        formula=_formula(weighting),
        residual=_residual(weighting, weights, sample),
    )


@dataclass(frozen=True)
class _ByAutograd:
    """A callable from Pairs to a loss, as a weighting."""

    value: Callable[[Pairs], Tensor]

    def weights(self, pairs: Pairs) -> PairWeights:
        return autograd_weights(self.value, pairs)

    def __str__(self) -> str:
        return str(getattr(self.value, "__name__", type(self.value).__name__))


def _as_weighting(weighting: object) -> Weighting:
    if isinstance(weighting, str):
        return losses.from_text(weighting)
    if isinstance(weighting, type):
        raise InputError(f"decompose wants an instance: {weighting.__name__}(...)")
    if isinstance(weighting, Weighting):
        return weighting
    if isinstance(weighting, Callable):
        return _ByAutograd(weighting)
    raise InputError(f"decompose wants a loss's name, a weighting or a callable, not {type(weighting).__name__}")


def _title(weighting: Weighting) -> str:
    if not isinstance(weighting, Loss) or not dataclasses.is_dataclass(weighting):
        return str(weighting)
    values = ((field.name, getattr(weighting, field.name)) for field in dataclasses.fields(weighting))
    shown = ", ".join(f"{name}={value:g}" for name, value in values if value is not None)
    return f"{weighting.name}({shown})" if shown else weighting.name


def _formula(weighting: Weighting) -> dict[str, str] | None:
    if not isinstance(weighting, Loss):
        return None
    from weightlab.decompose.symbolic import derive  # SymPy takes a second to start

    return derive(weighting).latex()


def _residual(weighting: Weighting, weights: PairWeights, sample: Sample) -> float:
    if not isinstance(weighting, Loss):
        return math.nan
    truth = autograd_weights(weighting.value, sample.pairs)
    gap = max((weights.positive - truth.positive).abs().max(), (weights.negative - truth.negative).abs().max())
    largest = max(truth.positive.abs().max(), truth.negative.abs().max())
    return float(gap / largest) if largest > 0 else float(gap)
