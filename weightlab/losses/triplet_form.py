"""Losses over all triplets: a function of how far each negative lies above each positive, summed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from weightlab.forms.positives import Positives
from weightlab.forms.stable import masked_sum
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TripletForm", "triplet_value", "triplet_weights"]


@runtime_checkable
class TripletForm(Protocol):
    """w⁺ = Σ_N v(S_n − S_p + m) and w⁻ = Σ_P v(S_n − S_p + m)."""

    @property
    def margin(self) -> float:
        """m."""
        ...

    def violation(self, excess: Tensor) -> Tensor:
        """v, of any shape, in the dtype of `excess`; it may overwrite `excess`."""
        ...


def triplet_value(loss: TripletForm, pairs: Pairs, penalty: Callable[[Tensor], Tensor]) -> Tensor:
    """Σ_P Σ_N penalty(S_n − S_p + m), [B]; walks the positives, so that [B, P, N] is never held at once."""
    s = pairs.precise
    total = 0 * s.sum(1)  # differentiable even where no anchor has a positive
    for limit in (Positives.of(pairs).similarity - loss.margin).unbind(1):
        total = total + masked_sum(penalty(s - limit[:, None]), pairs.negative)
    return total


def triplet_weights(loss: TripletForm, pairs: Pairs) -> PairWeights:
    """The weights of a loss of this form, [B, R]."""
    s, positives = pairs.precise.detach(), Positives.of(pairs)
    pull, push = torch.zeros_like(positives.similarity), torch.zeros_like(s)
    for slot, limit in enumerate((positives.similarity.detach() - loss.margin).unbind(1)):
        share = torch.where(pairs.negative, loss.violation(s - limit[:, None]), 0)
        pull[:, slot] = share.sum(1)
        push += share
    return PairWeights(positives.spread(pull, s.shape[1]), push)
