"""Weights of an anchor's hardest negatives alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.forms.scale import Scale, size_of
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.forms.probe import Probe

__all__ = ["HardestForm"]


@dataclass(frozen=True)
class HardestForm:
    """w⁻ = f(S) for an anchor's k hardest negatives, all of them where there are fewer, else 0; no w⁺.

    k: at least 1.
    factor: f of negatives with similarities s, of any shape; None for 1.
    """

    k: int
    factor: Callable[[Tensor], Tensor] | None = None

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights, [B, R]; which of equally hard ones is not said."""
        s = pairs.precise.detach()
        hardness = s.masked_fill(~pairs.negative, -torch.inf)
        columns = hardness.topk(min(self.k, s.shape[1]), dim=1).indices
        chosen = torch.zeros_like(s).scatter_(1, columns, 1)
        return PairWeights(torch.zeros_like(s), torch.where(pairs.negative, chosen * self.weigh(s), 0))

    def weigh(self, s: Tensor) -> Tensor:
        """f(s), where a negative is among the hardest."""
        return torch.ones_like(s) if self.factor is None else self.factor(s)

    def probe(self, probe: Probe) -> Tensor:
        """[C, G], from the k hardest of the others."""
        if probe.sign == "positive":
            return probe.grid.new_zeros(probe.shape)
        return self._is_in(probe) * self.weigh(probe.grid)

    def probe_sizes(self, probe: Probe, scale: Scale) -> Tensor:
        """What `scale` divides a probed negative's weight by, [C, G]."""
        hardest = probe.others.topk(min(self.k, probe.others.shape[1]), dim=1).values
        beside, alone = (size_of(self.weigh(hardest[:, :most]), scale)[:, None] for most in (self.k - 1, self.k))
        own = size_of(self.weigh(probe.grid[:, None]), scale)
        return torch.where(self._is_in(probe), beside + own, alone)

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """Only the probed one."""
        return 1

    def _is_in(self, probe: Probe) -> Tensor:
        """Whether the probed negative is among the k hardest, bool [C, G]."""
        others = probe.others
        if others.shape[1] < self.k:
            return torch.ones(probe.shape, dtype=torch.bool, device=others.device)
        return probe.grid > others.topk(self.k, dim=1).values[:, -1:]
