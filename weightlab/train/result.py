"""What a training run gives back."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrainResult"]


@dataclass(frozen=True)
class TrainResult:
    """What a training run gives back.

    metrics: {"R@1": …, "R@10": …, "R@100": …, "MAP@R": …} as fractions in [0, 1].
    seconds: wall time of it all.
    steps: how many were done: fewer than asked for where it stopped early.
    best_step: after how many the encoder was the best on held-out classes, which is the one that was evaluated; None
        without validation: it is the last one.
    """

    metrics: dict[str, float]
    seconds: float
    steps: int = 0
    best_step: int | None = None
