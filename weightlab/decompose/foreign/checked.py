"""A weighting of others, whose weights are looked at before they are believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from weightlab.errors import InputError
from weightlab.foreign.guarded import guarded
from weightlab.lazy import torch
from weightlab.pairs import SIGNS, Pairs, PairWeights, Weighting

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
        with guarded(f"{self.name} fails"):
            weights = self.weighting.weights(pairs)
            given: list[Any] = [getattr(weights, sign, None) for sign in SIGNS]
        for sign, mask, weight in zip(SIGNS, (pairs.positive, pairs.negative), given, strict=True):
            if not isinstance(weight, torch.Tensor) or weight.shape != mask.shape:
                raise InputError(f"{self.name}: weights(pairs) must give PairWeights of two tensors {list(mask.shape)}")
            if not bool(weight.isfinite().all()):
                raise InputError(f"{self.name}: a weight of a {sign} pair is NaN or infinite")
            if bool((weight[~mask] != 0).any()):
                raise InputError(f"{self.name}: {sign} weights must be 0 for pairs that are not {sign}")
        return PairWeights(*given)

    def __str__(self) -> str:
        return self.name
