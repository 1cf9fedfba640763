"""What a training run gives back."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TrainResult"]


@dataclass(frozen=True)
class TrainResult:
    """What a training run gives back.

    metrics: {"R@1": …, "R@10": …, "R@100": …, "MAP@R": …} as fractions in [0, 1].
    seconds: wall time of it all.
    """

    metrics: dict[str, float]
    seconds: float
