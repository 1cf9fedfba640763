"""Negatives that share out a softmax: of all of them such a weighting needs to know a sum or a few only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from weightlab.forms.positives import Positives
from weightlab.forms.probe import probe_all_pairs
from weightlab.forms.scale import Scale
from weightlab.forms.stable import masked_logsumexp, masked_softmax_and_logsumexp
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.forms.probe import Probe

__all__ = ["Exponent", "Line", "SoftmaxForm", "mined", "over_sums"]


class Exponent(Protocol):
    """x of negatives with similarities s, of any shape; −∞ where a negative does not count."""

    def __call__(self, s: Tensor) -> Tensor:
        """x(s); of several sums, [sums, ...]."""
        ...

    def reach(self, level: Tensor) -> Tensor | None:
        """For levels [B] the similarities [B] up to which x(s) ≤ level; None where nothing of the kind is known."""
        ...


@dataclass(frozen=True)
class Line:
    """x = slope (s − centre).

    slope: above 0.
    centre: the similarity at which x is 0.
    """

    slope: float
    centre: float = 0.0

    def __call__(self, s: Tensor) -> Tensor:
        """x(s)."""
        return (s - self.centre).mul_(self.slope) if self.centre else s * self.slope

    def reach(self, level: Tensor) -> Tensor:
        """Where the line meets the level."""
        return level / self.slope + self.centre


@dataclass(frozen=True)
class SoftmaxForm:
    """w⁻ = c f(S) e^{x(S)} / Σ_N e^{x(S)}, where the anchor's c and its w⁺ depend on its positives and on Σ_N alone.

    So the weights over any number of references follow from a summary, log Σ_N e^x, that is gathered block by block.
    A weighting of several such sums stacks them: x is [sums, ...], log Σ_N and c are [sums, B], and w⁻ adds up over
    them.

    exponent: x, in float64 where rounding it would show.
    masses: w⁺, [B, K], and c, [B], from the positives and log Σ_N e^x, [B], which is −∞ where nothing counts.
    factor: f of negatives with similarities s, of any shape; None for 1.
    factor_falls: whether f is larger for some easier negatives: then none is too easy to count.
    sums: how many sums it stacks.
    mining_margin: ε, where a negative counts only if S > min_P S − ε, a positive only if S < max_N S + ε; None: all do.
    """

    exponent: Exponent
    masses: Callable[[Positives, Tensor], tuple[Tensor, Tensor]]
    factor: Callable[[Tensor], Tensor] | None = None
    mining_margin: float | None = None
    sums: int = 1
    factor_falls: bool = False

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]."""
        pairs = mined(pairs, self.mining_margin)
        s, positives = pairs.precise, Positives.of(pairs)
        share, log_total = masked_softmax_and_logsumexp(self.exponent(s), pairs.negative)
        share, log_total = share.to(s.dtype), log_total.to(s.dtype)  # exponents may be in float64
        pull, c = self.masses(positives, log_total)
        return PairWeights(positives.spread(pull, s.shape[1]), self._times_factor(over_sums(c[..., None] * share), s))

    def probe(self, probe: Probe) -> Tensor:
        """[C, G], from the sums over the other negatives, worked out once a context.

        With mining the probed pair decides which others count: then all pairs are looked at.
        """
        if self.mining_margin is not None:
            return probe_all_pairs(self, probe)
        log_total = self._log_total(probe.others)[..., None]
        if probe.sign == "positive":
            log_total = log_total.expand(*log_total.shape[:-1], len(probe.grid)).flatten(-2)
            return self.masses(Positives.all_of(probe.repeated()), log_total)[0][:, 0].view(probe.shape)
        exponent = self.exponent(probe.grid)[..., None, :]
        log_total = torch.logaddexp(log_total, exponent)
        share = (exponent - log_total).exp().masked_fill(log_total == -torch.inf, 0)
        c = self.masses(Positives.all_of(probe.repeated()), log_total.flatten(-2))[1].view(share.shape)
        return self._times_factor(over_sums(c * share), probe.grid)

    def probe_sizes(self, probe: Probe, scale: Scale) -> Tensor | None:
        """What `scale` divides a probed negative's weight by, [C, G]; None for several sums, and with mining."""
        if self.mining_margin is not None or self.sums > 1:
            return None
        one = torch.ones_like
        factor = self.factor or one
        own, others = factor(probe.grid), factor(probe.others)
        if scale == "mean":
            counts = ((others != 0) & (self.exponent(probe.others) > -torch.inf)).sum(1, keepdim=True)
            return counts + ((own != 0) & (self.exponent(probe.grid) > -torch.inf)).to(own.dtype)
        log_total = torch.logaddexp(self._log_total(probe.others)[:, None], self.exponent(probe.grid))
        shift = torch.where(log_total > -torch.inf, log_total, 0)
        weighted = self._log_total(probe.others, others)[:, None]
        both = (weighted - shift).exp() + own * (self.exponent(probe.grid) - shift).exp()
        c = self.masses(Positives.all_of(probe.repeated()), log_total.flatten())[1].view(both.shape)
        return c * both

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """The positives; all with mining."""
        return positives if self.mining_margin is None else positives + negatives

    def counted(self, pairs: Pairs) -> Tensor:
        """Which negatives have a weight however small, bool [B, R]: a softmax that underflows is not 0."""
        pairs = mined(pairs, self.mining_margin)
        some = pairs.negative & (self.exponent(pairs.precise) > -torch.inf)
        return some if self.factor is None else some & (self.factor(pairs.precise) != 0)

    def _times_factor(self, weight: Tensor, s: Tensor) -> Tensor:
        return weight if self.factor is None else weight * self.factor(s)

    def _log_total(self, s: Tensor, factor: Tensor | None = None) -> Tensor:
        """log Σ f e^x of negatives [C, N], [..., C]; f ≥ 0."""
        x = self.exponent(s) if factor is None else self.exponent(s) + factor.log()
        return masked_logsumexp(x, torch.ones_like(s, dtype=torch.bool))


def over_sums(weight: Tensor) -> Tensor:
    """Added up over the sums of a weighting that has several: [sums, B, R] → [B, R]; [B, R] as it is."""
    return weight.sum(0) if weight.ndim > 2 else weight


def mined(pairs: Pairs, margin: float | None) -> Pairs:
    """The pairs that count: negatives above min_P S − margin, positives below max_N S + margin; None: all of them.

    An anchor without positives (negatives) keeps no negative (positive). Source: Wang et al. 2019, eq. 10, 11.
    """
    if margin is None or not pairs.similarity.shape[1]:
        return pairs
    s = pairs.precise.detach()
    least_positive = s.masked_fill(~pairs.positive, torch.inf).amin(1, keepdim=True)
    largest_negative = s.masked_fill(~pairs.negative, -torch.inf).amax(1, keepdim=True)
    positive = pairs.positive & (s < largest_negative + margin)
    negative = pairs.negative & (s > least_positive - margin)
    return Pairs(pairs.similarity, positive, negative)
