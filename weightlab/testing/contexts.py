"""Random contexts to hold a weighting to laws in: uneven numbers of pairs, anchors with none, ties, exact ±1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch
from weightlab.pairs import Pairs

if TYPE_CHECKING:
    from torch import dtype as Dtype

__all__ = ["Contexts", "random_pairs"]

_SPECIAL = (-1.0, 0.0, 0.3, 0.4, 0.5, 0.6, 1.0)  # ±1, margins of the losses, and so ties at a margin
_ANCHORS = 8  # of a block
_REFERENCES = (20, 7, 3, 2, 1)
_SHARES = (0.2, 0.9, 0.0)  # of special values; as many as have no divisor in common with the above


def random_pairs(seed: int, anchors: int, references: int, special: float = 0.2, dtype: Dtype | None = None) -> Pairs:
    """Anchors against references, [anchors, references], in float64 unless a dtype is given; the same from a seed.

    An anchor's share of positives varies from none to all, and of the others none, half or all are negatives, the rest
    ignored. A share `special` of the similarities is from a few values (±1, 0 and usual margins), so that there are
    ties, at margins too; the others are normal about a centre of the anchor's, cut at ±1.
    """
    rng = np.random.default_rng(seed)
    shape = (anchors, references)
    centre = rng.uniform(-1, 1, (anchors, 1))
    values = np.clip(centre + rng.normal(0, rng.choice([0.05, 0.3, 1.0]), shape), -1, 1)
    values = np.where(rng.random(shape) < special, rng.choice(_SPECIAL, shape), values)
    kind = rng.random(shape)
    share = rng.choice([0.0, 0.1, 0.4, 1.0], (anchors, 1))
    positive = kind < share
    negative = (kind >= share) & (rng.random(shape) < rng.choice([0.0, 0.5, 1.0], (anchors, 1), p=[0.15, 0.3, 0.55]))
    similarity = torch.from_numpy(values).to(torch.float64 if dtype is None else dtype)
    return Pairs(similarity, torch.from_numpy(positive), torch.from_numpy(negative))


@dataclass(frozen=True)
class Contexts:
    """Anchors with their pairs, in blocks of a few; made afresh each time, lest a weighting that writes in them spoils
    the next law's.

    count: how many anchors.
    seed: what they come from.
    """

    count: int
    seed: int

    def __iter__(self) -> Iterator[Pairs]:
        """Blocks of 1 to 20 references, in float64."""
        rng = np.random.default_rng(self.seed)
        for block, first in enumerate(range(0, self.count, _ANCHORS)):
            yield random_pairs(
                seed=int(rng.integers(2**32)),
                anchors=min(_ANCHORS, self.count - first),
                references=_REFERENCES[block % len(_REFERENCES)],
                special=_SHARES[block % len(_SHARES)],
            )

    def tied(self) -> Iterator[Pairs]:
        """The blocks with their similarities rounded to quarters, so that few differ."""
        for pairs in self:
            yield Pairs((4 * pairs.similarity).round() / 4, pairs.positive, pairs.negative)

    def without_ties(self) -> Iterator[Pairs]:
        """The blocks with other similarities, uniform, of which no two are equal."""
        rng = np.random.default_rng(self.seed)
        for pairs in self:
            similarity = torch.from_numpy(rng.uniform(-1, 1, pairs.similarity.shape))
            yield Pairs(similarity, pairs.positive, pairs.negative)
