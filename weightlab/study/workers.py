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

from weightlab.errors import InputError
from weightlab.lazy import torch
from weightlab.study.runner import Display, Failure, Train, attempt
from weightlab.study.trial import Trial
from weightlab.train.result import TrainResult

__all__ = ["run_trials"]

_REPORT_SECONDS = 0.2  # a worker reports its progress this often at most
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class _Step:
    """A worker's message: a step is done.

    step: how many are done.
    loss: the surrogate's value at it.
    """

    step: int
    loss: float


@dataclass(frozen=True)
class _Worker:
    """A worker; every living one is at a trial.

    process: the worker's.
    trial: the one it is at.
    """

    process: SpawnProcess
    trial: Trial


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
                message = _receive(connection, worker)
                if isinstance(message, _Step):
                    display.step(worker.trial, message.step, message.loss)
                    continue
                if isinstance(message, TrainResult):
                    save(worker.trial, message)
                    display.finished(worker.trial, message)
                else:
                    failures.append(message)
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


def _receive(connection: Connection, worker: _Worker) -> _Step | TrainResult | Failure:
    try:
        message: _Step | TrainResult | Failure = connection.recv()
    except (EOFError, OSError):
        worker.process.join(timeout=5)
        return Failure(worker.trial, f"its worker died (exit code {worker.process.exitcode})")
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
            connection.send(attempt(connection.recv(), train, _reporting(connection, parent)))
    except (EOFError, OSError):
        return  # the parent is gone


def _reporting(connection: Connection, parent: int) -> Callable[[int, float], None]:
    """Tells the parent of a step now and then, and ends the worker where the parent is gone."""
    reported = -math.inf

    def on_step(step: int, loss: float) -> None:
        nonlocal reported
        if os.getppid() != parent:
            raise SystemExit  # no one waits for this trial any more
        if time.monotonic() - reported >= _REPORT_SECONDS:
            reported = time.monotonic()
            connection.send(_Step(step, loss))

    return on_step
