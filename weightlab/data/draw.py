"""Which of a row's random views is wanted: randomness that hangs on nothing but the seed, the step and the row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from weightlab.lazy import np

__all__ = ["Draw"]


@dataclass(frozen=True)
class Draw:
    """The views of a step of a run.

    seed, step: at least 0.
    """

    seed: int
    step: int

    def generators(self, index: Iterable[int]) -> list[np.random.Generator]:
        """Random numbers for each row of a batch: a function of (seed, step, row), whoever makes the batch.

        A row that stands in the batch more than once (of a class with few) has others each time.
        """
        before: Counter[int] = Counter()
        found = []
        for row in index:
            found.append(np.random.default_rng((self.seed, self.step, int(row), before[row])))
            before[row] += 1
        return found
