"""A weighting of others, whose weights are looked at before they are believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.errors import InputError, reason
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Weighting

if TYPE_CHECKING:
    pass

__all__ = ["Checked"]


@dataclass(frozen=True)
class Checked:
    """A weighting whose `weights` raises InputError where it fails, and unless what it gives are finite tensors [B, R],
    zero off their mask.

    weighting: theirs.
    name: as errors have it.
    """

    weighting: Weighting
    name: str

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        try:
            weights = self.weighting.weights(pairs)
        except Exception as error:  # whatever others' code raises
            raise InputError(f"{self.name} fails: {reason(error)}") from error
        for sign, mask in (("positive", pairs.positive), ("negative", pairs.negative)):
            weight = getattr(weights, sign, None)
            if not isinstance(weight, torch.Tensor) or weight.shape != mask.shape:
                raise InputError(f"{self.name}: weights(pairs) must give PairWeights of two tensors {list(mask.shape)}")
            if not bool(weight.isfinite().all()):
                raise InputError(f"{self.name}: a weight of a {sign} pair is NaN or infinite")
            if bool((weight[~mask] != 0).any()):
                raise InputError(f"{self.name}: {sign} weights must be 0 for pairs that are not {sign}")
        return weights

    def __str__(self) -> str:
        return self.name
