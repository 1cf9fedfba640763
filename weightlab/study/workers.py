"""Trials in worker processes, each with one thread, that stop with their parent."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from weightlab.errors import InputError
from weightlab.lazy import torch
from weightlab.study.trial import Trial
from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult

__all__ = ["Display", "Failure", "Train", "run_trials"]

_REPORT_SECONDS = 0.2  # a worker reports its progress this often at most
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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


@dataclass(frozen=True)
class _Step:
    """A worker's message: a step is done.

    step: how many are done.
    loss: the surrogate's value at it.
    """

    step: int
    loss: float


@dataclass(frozen=True)
class _Failed:
    """A worker's message: the trial has failed.

    reason: why, in one line.
    """

    reason: str


@dataclass(frozen=True)
class _Worker:
    """A worker; every living one is at a trial.

    process: the worker's.
    trial: the one it is at.
    """

    process: SpawnProcess
    trial: Trial


class _DivergedError(Exception):
    """The run went on to numbers that are none."""


def run_trials(
    trials: Sequence[Trial],
    train: Train,
    *,
    jobs: int,
    save: Callable[[Trial, TrainResult], None],
    display: Display,
) -> list[Failure]:
    """Run the trials in `jobs` processes at a time; `save` each as soon as it is finished; the failures.

    `train` must be a module's function (it is sent to the workers by name). A trial that raises, that gives a
    loss or a metric which is not finite, or whose worker dies has failed; the others go on. KeyboardInterrupt
    stops the workers at once and reaches the caller. When this process is killed the workers notice and end
    by themselves. Raises InputError for less than 1 job.
    """
    if jobs < 1:
        raise InputError(f"jobs must be at least 1, not {jobs}")
    waiting = deque(trials)
    failures: list[Failure] = []
    workers: dict[Connection, _Worker] = {}
    try:
        while waiting and len(workers) < jobs:
            _start(workers, train, waiting.popleft(), display)
        while workers:
            for connection in wait(list(workers)):
                assert isinstance(connection, Connection)
                worker = workers[connection]
                message = _receive(connection, worker.process)
                if isinstance(message, _Step):
                    display.step(worker.trial, message.step, message.loss)
                    continue
                if isinstance(message, TrainResult):
                    save(worker.trial, message)
                    display.finished(worker.trial, message)
                else:
                    failures.append(Failure(worker.trial, message.reason))
                    display.failed(worker.trial, message.reason)
                _go_on(workers, connection, train, waiting, display)
    finally:
        _stop(workers)
    return failures


def _start(workers: dict[Connection, _Worker], train: Train, trial: Trial, display: Display) -> None:
    """A new worker, at its first trial."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit torch's threads, but not their state
    connection, far_end = context.Pipe()
    process = context.Process(target=_work, args=(far_end, train, os.getpid()), daemon=True)
    with _single_threaded(), _interrupts_ignored():
        process.start()
    far_end.close()  # so that the worker's death closes the pipe
    workers[connection] = _Worker(process, trial)
    _hand_out(connection, trial, display)


def _go_on(
    workers: dict[Connection, _Worker],
    connection: Connection,
    train: Train,
    waiting: deque[Trial],
    display: Display,
) -> None:
    """Give the next trial to the worker that is through with its own, or to a new one if it has died."""
    worker = workers[connection]
    if waiting and worker.process.is_alive():
        workers[connection] = _Worker(worker.process, waiting.popleft())
        _hand_out(connection, workers[connection].trial, display)
        return
    _stop({connection: workers.pop(connection)})
    if waiting:
        _start(workers, train, waiting.popleft(), display)


def _hand_out(connection: Connection, trial: Trial, display: Display) -> None:
    display.started(trial)
    with suppress(OSError):  # where the worker has just died the next receive says so
        connection.send(trial)


def _receive(connection: Connection, process: SpawnProcess) -> _Step | TrainResult | _Failed:
    try:
        message: _Step | TrainResult | _Failed = connection.recv()
    except (EOFError, OSError):
        process.join(timeout=5)
        return _Failed(f"its worker died (exit code {process.exitcode})")
    return message


def _stop(workers: dict[Connection, _Worker]) -> None:
    """End the workers now: what they have finished is kept already."""
    for worker in workers.values():
        worker.process.terminate()
    for connection, worker in workers.items():
        worker.process.join(timeout=5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        connection.close()


@contextmanager
def _single_threaded() -> Iterator[None]:
    """One thread for the libraries that a process started here loads: they read it as they are imported."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C reaches the workers as well: they are born deaf to it, and stopped by their parent."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _work(connection: Connection, train: Train, parent: int) -> None:
    """A worker's life: trial after trial, until its parent ends it or is gone."""
    torch.set_num_threads(1)
    try:
        while True:
            connection.send(_attempt(connection.recv(), train, connection, parent))
    except (EOFError, OSError):
        return  # the parent is gone


def _attempt(trial: Trial, train: Train, connection: Connection, parent: int) -> TrainResult | _Failed:
    reported = -math.inf

    def on_step(step: int, loss: float) -> None:
        nonlocal reported
        if os.getppid() != parent:
            raise SystemExit  # no one waits for this trial any more
        if not math.isfinite(loss):
            raise _DivergedError(f"the loss is {loss} at step {step}")
        if time.monotonic() - reported >= _REPORT_SECONDS:
            reported = time.monotonic()
            connection.send(_Step(step, loss))

    try:
        result = train(trial.config, on_step=on_step)
        wrong = {name: value for name, value in result.metrics.items() if not math.isfinite(value)}
        if wrong:
            raise _DivergedError(", ".join(f"{name} is {value}" for name, value in wrong.items()))
    except Exception as error:  # whatever a run dies of, the other trials go on
        return _Failed(_reason(error))
    return result


def _reason(error: Exception) -> str:
    """What went wrong in one line."""
    message = next(iter(str(error).strip().splitlines()), "")
    if isinstance(error, InputError | _DivergedError):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
