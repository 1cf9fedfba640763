"""The learning rate of each step."""

from __future__ import annotations

import math

from weightlab.train.config import TrainConfig

__all__ = ["learning_rate"]

_DROP = 0.1


def learning_rate(config: TrainConfig, step: int) -> float:
    """The peak × (step + 1) / rise while it rises, steps counted from 0; then by the schedule.

    cosine: peak × ½ (1 + cos(π (step − rise) / (steps − rise))). steps: peak × 0.1 for each drop up to this step, those
    within the rise as well. constant: the peak.
    """
    rise = config.rise
    factor = (step + 1) / rise if step < rise else 1.0
    if config.schedule == "cosine" and step >= rise:
        factor = 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, config.steps - rise)))
    return config.learning_rate * factor * _DROP ** sum(step >= drop for drop in config.dropped_at)
