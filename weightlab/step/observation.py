"""What a step's weights did, on request: a step that nobody watches does none of this."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from weightlab.assignment import Weighable, as_weighting
from weightlab.pairs import Pairs, References, check_embeddings, check_labels
from weightlab.precision import exact
from weightlab.relation import Masks, Same, check_masks, check_way

__all__ = ["Observation", "observe"]

_PAIRS = 1 << 22  # at a time


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
    anchors: Tensor,
    labels: Tensor | None = None,
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
    check_way(labels, same, masks)
    check_embeddings("anchors", anchors)
    check_labels("anchors", anchors, labels)
    if references is None:
        references = References.themselves(anchors, labels)
    references.check_anchors(anchors)
    if masks is not None:
        check_masks(masks, len(anchors), len(references))
    edges = torch.linspace(-1, 1, bins + 1, dtype=torch.float64)
    active: list[Tensor] = []
    similarity, mass = torch.zeros(2, bins, dtype=torch.int64), torch.zeros(2, bins, dtype=torch.float64)
    for rows in torch.arange(len(anchors), device=anchors.device).split(max(1, _PAIRS // max(1, len(references)))):
        own = None if references.own is None else references.own[rows]
        some = References(references.embeddings, references.labels, own, verified=True)
        pairs = Pairs.from_embeddings(
            anchors[rows],
            None if labels is None else labels[rows],
            some,
            same=same,
            masks=None if masks is None else (masks[0][rows], masks[1][rows]),
        )
        weights = weighting.weights(pairs)
        active.append((weights.negative != 0).sum(1))
        place = ((pairs.similarity.double() + 1) * (bins / 2)).long().clamp(0, bins - 1)
        for row, (mask, weight) in enumerate(((pairs.positive, weights.positive), (pairs.negative, weights.negative))):
            similarity[row] += torch.bincount(place[mask], minlength=bins).cpu()
            mass[row] += torch.bincount(place[mask], weight[mask].double().abs(), minlength=bins).cpu()
    return Observation(torch.cat(active) if active else torch.zeros(0, dtype=torch.int64), edges, similarity, mass)
