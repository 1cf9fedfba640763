"""What a loss meets: sampled anchors with some of their positives and a pool of negatives, a group at a time.

Each group of anchors has a pool of its own, so what groups differ by holds the error of anchors and pool alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch
from weightlab.pairs import Pairs

if TYPE_CHECKING:
    from weightlab.diagnose.estimate import Array
    from weightlab.diagnose.rows import Rows

__all__ = ["Plan", "contexts"]

_GROUPS = 32


@dataclass(frozen=True)
class Plan:
    """How much of the rows losses are asked about.

    anchors: at most so many, in up to 32 groups.
    positives, pool: at most so many positives of an anchor, and rows among which its negatives are.
    dtype: of the similarities.
    """

    anchors: int
    positives: int
    pool: int
    dtype: torch.dtype

    @classmethod
    def of(cls, *, one_at_a_time: bool) -> Plan:
        """A memory's worth; little where a loss has to be asked for one anchor after another."""
        if one_at_a_time:
            return cls(64, 4, 64, torch.float64)
        return cls(512, 32, 16_384, torch.float32)

    def sees_all(self, rows: Rows) -> bool:
        """Whether an anchor meets all its pairs, so that only anchors are left out."""
        return len(rows) <= self.pool and int(rows.sizes.max()) - 1 <= self.positives


def contexts(rows: Rows, plan: Plan, random: np.random.Generator) -> list[Callable[[], Pairs]]:
    """The groups, each to be made when it is called: an anchor's positives stand in the first columns, the pool behind
    them.
    """
    count = min(plan.anchors, len(rows.paired))
    anchors = random.choice(rows.paired, count, replace=False)
    groups = np.array_split(anchors, min(_GROUPS, count))
    return [partial(_group, rows, some, plan, own) for some, own in zip(groups, random.spawn(len(groups)), strict=True)]


def _group(rows: Rows, anchors: Array, plan: Plan, random: np.random.Generator) -> Pairs:
    every = np.arange(len(rows))
    pool = every if len(every) <= plan.pool else random.choice(len(rows), plan.pool, replace=False, shuffle=False)
    chosen = [_positives(rows, int(anchor), plan.positives, random) for anchor in anchors]
    most = max(map(len, chosen))
    slots = np.array([np.pad(some, (0, most - len(some)), constant_values=-1) for some in chosen])
    a = rows.take(anchors).to(plan.dtype)
    near = rows.take(np.maximum(slots, 0).ravel()).to(plan.dtype).view(*slots.shape, -1)
    similarity = torch.cat([(near @ a[:, :, None])[:, :, 0], a @ rows.take(pool).to(plan.dtype).T], dim=1)
    positive, negative = (torch.zeros(similarity.shape, dtype=torch.bool) for _ in range(2))
    positive[:, :most] = torch.from_numpy(slots >= 0)
    negative[:, most:] = torch.from_numpy(rows.classes[pool] != rows.classes[anchors][:, None])
    return Pairs(similarity.clamp(-1, 1), positive, negative)


def _positives(rows: Rows, anchor: int, most: int, random: np.random.Generator) -> Array:
    others = rows.of_class(int(rows.classes[anchor]))
    others = others[others != anchor]
    return others if len(others) <= most else random.choice(others, most, replace=False)
