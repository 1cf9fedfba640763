"""What a step's weights did, on request: a step that nobody watches does none of this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from weightlab.assignment import Weighable, as_weighting
from weightlab.errors import check_whole
from weightlab.pairs import Pairs, References, as_anchors, weights_of
from weightlab.precision import exact
from weightlab.relation import Masks, Same, as_masks

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["Observation", "observe"]

_PAIRS = 1 << 22  # at a time
_MOST_BINS = 1 << 20


@dataclass(frozen=True)
class Observation:
    """Counts of one step.

    active: int64 [B], how many negatives of each anchor have a weight.
    edges: float64 [bins + 1], of the bins, from −1 to 1.
    similarity: int64 [2, bins], how many positives (first row) and negatives have their similarity in each bin.
    mass: float64 [2, bins], the sum of |w| there.
    """

    active: Tensor
    edges: Tensor
    similarity: Tensor
    mass: Tensor


@exact()
@torch.no_grad()
def observe(
    weighting: Weighable,
    anchors: Array,
    labels: Array | None = None,
    references: References | None = None,
    *,
    same: Same | None = None,
    masks: Masks | None = None,
    bins: int = 40,
) -> Observation:
    """The weights of a step, counted. Arguments as of `surrogate`; a few anchors at a time, so that memory is bounded.

    Raises InputError as `Pairs.from_embeddings` does.
    """
    weighting = as_weighting(weighting)
    bins = check_whole("bins", bins, 1, _MOST_BINS)
    embeddings, entries, given = as_anchors(anchors, labels, references, same, masks)
    compared = References.of_batch(embeddings, entries) if given is None else given
    chosen = None if masks is None else as_masks(masks, len(embeddings), len(compared), embeddings.device)
    edges = torch.linspace(-1, 1, bins + 1, dtype=torch.float64)
    active: list[Tensor] = []
    similarity, mass = torch.zeros(2, bins, dtype=torch.int64), torch.zeros(2, bins, dtype=torch.float64)
    for rows in torch.arange(len(embeddings), device=embeddings.device).split(max(1, _PAIRS // max(1, len(compared)))):
        own = None if compared.own is None else compared.own[rows]
        some = References(compared.embeddings, compared.labels, own, verified=True)
        pairs = Pairs.from_embeddings(
            embeddings[rows],
            None if entries is None else entries[rows],
            some,
            same=same,
            masks=None if chosen is None else (chosen[0][rows], chosen[1][rows]),
        )
        weights = weights_of(weighting, pairs)
        active.append((weights.negative != 0).sum(1))
        # One count of all: positives' bins, then negatives', then those of no sign; by masks it would take ten times as
        # long. On the CPU, for a GPU adds in any order.
        positive, negative = pairs.positive.cpu(), pairs.negative.cpu()
        place = ((pairs.similarity.cpu().double() + 1) * (bins / 2)).long().clamp_(0, bins - 1)
        place += torch.where(positive, 0, torch.where(negative, bins, 2 * bins))
        weight = torch.where(positive, weights.positive.cpu(), weights.negative.cpu()).double().abs()
        for total, each in ((similarity, None), (mass, weight.flatten())):
            total += torch.bincount(place.flatten(), each, minlength=3 * bins)[: 2 * bins].view(2, bins)
    return Observation(torch.cat(active) if active else torch.zeros(0, dtype=torch.int64), edges, similarity, mass)
