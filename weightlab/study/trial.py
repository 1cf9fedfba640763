"""A trial: one arm of a study at one seed."""

from __future__ import annotations

from dataclasses import dataclass

from weightlab.study.spec import StudySpec
from weightlab.train.config import TrainConfig

__all__ = ["Trial", "trials"]


@dataclass(frozen=True)
class Trial:
    """One arm at one seed.

    arm: its name.
    seed: at least 0.
    config: the training run that this is.
    """

    arm: str
    seed: int
    config: TrainConfig

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}"


def trials(spec: StudySpec, size: str) -> list[Trial]:
    """All trials of a study at a size, one seed after the other: what has run early on compares all arms.

    Raises InputError for an unknown size.
    """
    return [
        Trial(arm, seed, spec.config(arm, size, seed)) for seed in spec.seeds_at(size) for arm in spec.arms_at(size)
    ]
