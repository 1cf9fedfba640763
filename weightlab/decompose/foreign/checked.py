"""Somebody else's weighting, whose weights are looked at before they are believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab import losses
from weightlab.assignment import Assignment
from weightlab.decompose.foreign.callables import ByAutograd
from weightlab.decompose.foreign.on_embeddings import OnEmbeddings
from weightlab.decompose.recomposition import Recomposed
from weightlab.errors import InputError, reason
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights, Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Checked", "trusted"]

_OURS = (*losses.ALL, Assignment, Recomposed, ByAutograd, OnEmbeddings)


def trusted(weighting: Weighting, name: str) -> Weighting:
    """One of ours as it is, anybody else's `Checked`. A subclass of ours is a stranger's: it may weigh otherwise."""
    return weighting if type(weighting) in _OURS else Checked(weighting, name)


@dataclass(frozen=True)
class Checked:
    """A weighting whose `weights` raises InputError where it fails, and unless what it gives are finite tensors [B, R],
    zero off their mask.
    """

    weighting: Weighting
    name: str

    @property
    def relative(self) -> bool:
        """As it says; a stranger that says nothing may look at the anchor's other pairs."""
        return bool(getattr(self.weighting, "relative", True))

    @property
    def value(self) -> Callable[[Pairs], Tensor] | None:
        """Its value, if it has one."""
        value = getattr(self.weighting, "value", None)
        return value if callable(value) else None

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        try:
            weights = self.weighting.weights(pairs)
        except Exception as error:  # whatever a stranger's code raises
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
