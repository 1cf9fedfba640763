"""Losses whose negatives share out a softmax: of all the negatives such a loss needs to know a sum or a few only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from weightlab.forms.positives import Positives
from weightlab.forms.stable import masked_softmax_and_logsumexp
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["SoftmaxForm", "over_sums", "softmax_weights"]


@runtime_checkable
class SoftmaxForm(Protocol):
    """w⁻ = c f(S) e^{x(S)} / Σ_N e^{x(S)}, where the anchor's c and its w⁺ depend on its positives and on Σ_N alone.

    So the weights over any number of references follow from a summary, log Σ_N e^x, that is gathered block by block.
    A loss of several such sums stacks them: x is [sums, ...], log Σ_N and c are [sums, B], and w⁻ adds up over them.
    """

    def exponent(self, s: Tensor) -> Tensor:
        """x of negatives with similarities s, of any shape; −∞ where a negative does not count."""
        ...

    def factor(self, s: Tensor) -> Tensor | float:
        """f of negatives with similarities s, of any shape."""
        ...

    def outer(self, positives: Positives, log_total: Tensor) -> tuple[Tensor, Tensor]:
        """w⁺, [B, K], and c, [B], from the positives and log Σ_N e^x, [B], which is −∞ where nothing counts."""
        ...


def softmax_weights(loss: SoftmaxForm, pairs: Pairs) -> PairWeights:
    """The weights of a loss of this form, [B, R]."""
    s, positives = pairs.precise, Positives.of(pairs)
    share, log_total = masked_softmax_and_logsumexp(loss.exponent(s), pairs.negative)
    pull, c = loss.outer(positives, log_total)
    return PairWeights(positives.spread(pull, s.shape[1]), over_sums(c[..., None] * share) * loss.factor(s))


def over_sums(weight: Tensor) -> Tensor:
    """Added up over the sums of a loss that has several: [sums, B, R] → [B, R]; [B, R] as it is."""
    return weight.sum(0) if weight.ndim > 2 else weight
