"""What runs the trials of a study: the protocol, and what every runner shares. A new runner is a file beside this."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from weightlab.errors import InputError, reason
from weightlab.study.trial import Trial
from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult

__all__ = ["Display", "Failure", "Runner", "Train", "attempt"]


class Train(Protocol):
    """A training run: `weightlab.train.loop.train`, or what stands for it in a test."""

    def __call__(self, config: TrainConfig, *, on_step: Callable[[int, float], None] | None = None) -> TrainResult:
        """Train; `on_step(step, loss)` is called after every step."""
        ...


class Display(Protocol):
    """Is told how the trials go on."""

    def started(self, trial: Trial) -> None:
        """A worker has been given the trial."""

    def step(self, trial: Trial, step: int, loss: float) -> None:
        """The trial has done that many steps."""

    def finished(self, trial: Trial, result: TrainResult) -> None:
        """The trial is done, and kept."""

    def failed(self, trial: Trial, reason: str) -> None:
        """The trial has failed; the reason is one line."""


@dataclass(frozen=True)
class Failure:
    """A trial that did not come to a result.

    trial: which.
    reason: why, in one line.
    """

    trial: Trial
    reason: str


class Runner(Protocol):
    """Runs trials, each on one thread, and `save`s each as soon as it is finished."""

    def __call__(
        self,
        trials: Sequence[Trial],
        train: Train,
        *,
        save: Callable[[Trial, TrainResult], None],
        display: Display,
    ) -> list[Failure]:
        """Run them all; those that failed. KeyboardInterrupt reaches the caller, with what is saved kept."""
        ...


class _DivergedError(Exception):
    """The run went on to numbers that are none."""


def attempt(trial: Trial, train: Train, on_step: Callable[[int, float], None]) -> TrainResult | Failure:
    """One trial's result, or its failure: it raises or exits, its loss is not finite, or a metric not in [0, 1]."""

    def checked(step: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise _DivergedError(f"the loss is {loss} at step {step}")
        on_step(step, loss)

    try:
        result = train(trial.config, on_step=checked)
        wrong = {name: value for name, value in result.metrics.items() if not 0 <= value <= 1}
        if wrong:
            raise _DivergedError(", ".join(f"{name} is {value}" for name, value in wrong.items()))
    except (Exception, SystemExit) as error:  # whatever a run dies of, or whoever ends it, the other trials go on
        return Failure(trial, _reason(error))
    return result


def _reason(error: BaseException) -> str:
    """What went wrong in one line."""
    if isinstance(error, InputError | _DivergedError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory"
    return reason(error)
