"""Seconds of several runs, taken in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

__all__ = ["median_ratio", "time_in_turns"]


def time_in_turns(
    runs: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    least: int,
    most: int,
    finish: Callable[[], object] = lambda: None,
) -> dict[str, list[float]]:
    """Seconds of each run, in rounds A B C A B C …, so that a drift of the machine hits all alike.

    All are in the first `least` rounds; one that has taken `seconds` in all then drops out; `most` rounds at most.
    finish: called before each reading of the clock, to wait for work that goes on elsewhere (a GPU's queue).
    """
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(most):
        for name, run in runs.items():
            if turn < least or (len(taken[name]) == turn and sum(taken[name]) < seconds):
                finish()
                start = time.perf_counter()
                run()
                finish()
                taken[name].append(time.perf_counter() - start)
    return taken


def median_ratio(seconds: Sequence[float], yardstick: Sequence[float]) -> float:
    """The median, over the rounds that both were in, of one's seconds to the other's."""
    return statistics.median(mine / other for mine, other in zip(seconds, yardstick, strict=False))
