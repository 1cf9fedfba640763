"""How long a full decomposition takes: 1,001 grid points, 256 contexts of 64 negatives."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from weightlab import losses
from weightlab.decompose import decompose

__all__ = ["DRAWS", "POINTS", "time_decompositions"]

POINTS, DRAWS = 1001, 256


def time_decompositions(repeats: int = 5) -> Iterator[tuple[str, float]]:
    """Each loss with the median of its seconds over `repeats`, after one run that does not count."""
    for name in losses.names():
        decompose(name, points=11, draws=8)
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            decompose(name, points=POINTS, draws=DRAWS)
            seconds.append(time.perf_counter() - start)
        yield name, statistics.median(seconds)
