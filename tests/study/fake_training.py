"""Stand-ins for training, by name in this module so that worker processes find them."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult

OnStep = Callable[[int, float], None]
LOG = "FAKE_TRAINING_LOG"


def value(config: TrainConfig) -> float:
    """What a fake run reports as R@1: the learning rate, and a little for the seed."""
    return config.learning_rate + 0.001 * config.seed


def fast(config: TrainConfig, *, on_step: OnStep) -> TrainResult:
    for step in range(1, config.steps + 1):
        on_step(step, 1 / step)
    return TrainResult({"R@1": value(config), "MAP@R": value(config) / 2}, 1.5)


def slow(config: TrainConfig, *, on_step: OnStep) -> TrainResult:
    """20 ms a step; the log gets a line at the start and one at the end."""
    _log("start", config)
    for step in range(1, config.steps + 1):
        time.sleep(0.02)
        on_step(step, 1 / step)
    _log("end", config)
    return TrainResult({"R@1": value(config), "MAP@R": value(config) / 2}, 1.5)


def accident_prone(config: TrainConfig, *, on_step: OnStep) -> TrainResult:
    """Every way of failing, by the arm's negatives; the others report what the worker's threads are."""
    if config.negative == "constant":
        raise KeyError("no such\nthing")
    if config.negative == "linear":
        on_step(1, 1.0)
        on_step(2, float("nan"))
    if config.negative == "easy(0.5)":
        return TrainResult({"R@1": float("nan")}, 1.0)
    if config.negative == "step(0.7)":
        os._exit(3)
    threads = float(torch.get_num_threads())
    return TrainResult({"R@1": 0.5, "threads": threads, "OMP": float(os.environ["OMP_NUM_THREADS"])}, 1.0)


def _log(event: str, config: TrainConfig) -> None:
    with Path(os.environ[LOG]).open("a") as log:
        log.write(f"{event} {config.learning_rate} {config.seed} {os.getpid()}\n")
