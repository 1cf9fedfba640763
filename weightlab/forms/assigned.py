"""Positive and negative weights of two forms, chosen apart from each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.forms.band import BandForm
from weightlab.forms.hardest import HardestForm
from weightlab.forms.pointwise import PointwiseForm
from weightlab.forms.positives import Positives
from weightlab.forms.probe import probe_all_pairs
from weightlab.forms.scale import Scale, divided, size_of
from weightlab.forms.softmax import SoftmaxForm
from weightlab.forms.triplets import TripletForm
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Sign

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.forms.probe import Probe

__all__ = ["AssignedForm", "NegativePart", "PositiveForm", "PositivePart", "PositivesAlone"]


@dataclass(frozen=True)
class PositiveForm:
    """w⁺ from the anchor's positives alone; no w⁻.

    function: w⁺, [B, K], of the positives' similarities [B, K] and the mask of those that are there, bool [B, K].
    logarithm: log w⁺ likewise, where weights that are not 0 may be so small that they look like it; else None.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    logarithm: Callable[[Tensor, Tensor], Tensor] | None = None

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        positives = Positives.of(pairs)
        pull = positives.spread(self.pull(positives), pairs.similarity.shape[1])
        return PairWeights(pull, torch.zeros_like(pull))

    def pull(self, positives: Positives) -> Tensor:
        """w⁺, [B, K]; 0 behind an anchor's last."""
        weight = self.function(positives.similarity.clamp(max=1), positives.mask)
        return torch.where(positives.mask, weight, 0)

    def counted(self, positives: Positives, seen: Tensor) -> Tensor:
        """How many positives have a weight however small, [B], where so many are seen to be not 0, [B]."""
        if self.logarithm is None:
            return seen
        some = self.logarithm(positives.similarity.clamp(max=1), positives.mask) > -torch.inf
        return (some & positives.mask).sum(1).to(positives.similarity.dtype)

    def probe(self, probe: Probe) -> Tensor:
        """[C, G], from the anchor's positives."""
        if probe.sign == "negative":
            return probe.grid.new_zeros(probe.shape)
        return self.pull(Positives.all_of(probe.repeated()))[:, 0].view(probe.shape)

    def probe_sizes(self, probe: Probe, scale: Scale) -> None:
        """It has no negative weights to scale."""
        return

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """The positives."""
        return positives


PositivesAlone = PositiveForm | PointwiseForm  # whose w⁺, `pull(positives)`, needs no negative
PositivePart = PositivesAlone | SoftmaxForm | TripletForm
NegativePart = PointwiseForm | SoftmaxForm | TripletForm | HardestForm | BandForm


@dataclass(frozen=True)
class AssignedForm:
    """w⁺ of one form and w⁻ of another, an anchor's weights of each sign scaled together.

    positive: whose w⁺ it has.
    negative: whose w⁻ it has.
    scale: "raw": as they are; "mean": divided by how many are not 0; "mass": divided by their sum.
    """

    positive: PositivePart
    negative: NegativePart
    scale: Scale

    @property
    def as_pointwise(self) -> PointwiseForm | None:
        """The same as a function of the pair's own similarity, where both parts are such and nothing is divided."""
        positive, negative = self.positive, self.negative
        if self.scale != "raw" or not isinstance(positive, PointwiseForm) or not isinstance(negative, PointwiseForm):
            return None
        if positive.averaged or negative.averaged:
            return None
        return PointwiseForm(positive.positive, negative.negative, zero_up_to=negative.zero_up_to)

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        pull, push = _of_sign(self.positive, pairs, "positive"), _of_sign(self.negative, pairs, "negative")
        if self.scale == "raw":
            return PairWeights(pull, push)
        of_pull, of_push = size_of(pull, self.scale), size_of(push, self.scale)
        if self.scale == "mean" and isinstance(self.negative, SoftmaxForm):
            of_push = self.negative.counted(pairs).sum(1).to(push.dtype)
        if self.scale == "mean" and isinstance(self.positive, PositiveForm):
            of_pull = self.positive.counted(Positives.of(pairs), of_pull)
        return PairWeights(divided(pull, of_pull[:, None]), divided(push, of_push[:, None]))

    def scaled(self, pull: Tensor, positives: Positives) -> Tensor:
        """w⁺ of the positives, [B, K], scaled."""
        if self.scale == "raw":
            return pull
        size = size_of(pull, self.scale)
        if self.scale == "mean" and isinstance(self.positive, PositiveForm):
            size = self.positive.counted(positives, size)
        return divided(pull, size[:, None])

    def probe(self, probe: Probe) -> Tensor:
        """[C, G], quick where the part's own is and the scale needs no more than sums."""
        part = self.positive if probe.sign == "positive" else self.negative
        if self.scale == "raw":
            return part.probe(probe)
        if probe.sign == "positive" and isinstance(part, PositivesAlone):
            positives = Positives.all_of(probe.repeated())
            return self.scaled(part.pull(positives), positives)[:, 0].view(probe.shape)
        sizes = self.negative.probe_sizes(probe, self.scale) if probe.sign == "negative" else None
        return probe_all_pairs(self, probe) if sizes is None else divided(part.probe(probe), sizes)

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """As many as its parts look at; all where the scale asks for them."""
        quick = isinstance(self.positive, PositivesAlone) and not isinstance(self.negative, TripletForm)
        if self.scale != "raw" and not quick:
            return positives + negatives
        parts = (each.pairs_of_a_probe(positives, negatives) for each in (self.positive, self.negative))
        return max(*parts, 1 if self.scale == "raw" else positives)


def _of_sign(part: PositivePart | NegativePart, pairs: Pairs, sign: Sign) -> Tensor:
    """A part's weights of one sign, [B, R], without the other's where they come apart."""
    if isinstance(part, PointwiseForm):
        return part.of_sign(pairs, sign)
    weights: Tensor = getattr(part.weights(pairs), sign)
    return weights
