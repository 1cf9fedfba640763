"""Trials in worker processes, each with one thread, that stop with their parent."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler

from weightlab.errors import InputError, check_whole
from weightlab.lazy import torch
from weightlab.study.runner import Display, Failure, Train, attempt
from weightlab.study.trial import Trial
from weightlab.train.result import TrainResult

__all__ = ["run_trials"]

_REPORT_SECONDS = 0.2  # a worker reports its progress this often at most
_MOST_JOBS = 1024
_UNGUARDED = 94  # the exit code of a worker that was about to start workers of its own
_GUARD = 'with the call under `if __name__ == "__main__":`'
_UNGUARDED_HINT = f"workers import the script that starts the study: it must be a file, {_GUARD}"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class _Ready:
    """A worker's first message: it lives."""


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
    ready: whether it has begun; one that never does fails to import what starts it.
    """

    process: SpawnProcess
    trial: Trial
    ready: bool = False


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
    by themselves.

    Raises InputError for less than 1 job, for a `train` that can't be sent, and where workers can't be started: they
    import the script that starts them, so it must be a file, and the call in it guarded.
    """
    check_whole("jobs", jobs, 1, _MOST_JOBS)
    _check_start(train)
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
                if isinstance(message, _Ready):
                    workers[connection] = replace(worker, ready=True)
                    continue
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
        workers[connection] = replace(worker, trial=waiting.popleft())
        _hand_out(connection, workers[connection].trial, display)
        return
    _stop({connection: workers.pop(connection)})
    if waiting:
        _start(workers, train, waiting.popleft(), display)


def _hand_out(connection: Connection, trial: Trial, display: Display) -> None:
    display.started(trial)
    with suppress(OSError):  # where the worker has just died the next receive says so
        connection.send(trial)


def _receive(connection: Connection, worker: _Worker) -> _Ready | _Step | TrainResult | Failure:
    try:
        message: _Ready | _Step | TrainResult | Failure = connection.recv()
    except (EOFError, OSError):
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        if code == _UNGUARDED:
            raise InputError(_UNGUARDED_HINT) from None
        return Failure(worker.trial, _death(code, ready=worker.ready))
    return message


def _death(code: int | None, *, ready: bool) -> str:
    """Why a worker is dead, as far as its exit code tells."""
    if code is not None and -code == signal.SIGKILL:
        return "its worker was killed, perhaps for want of memory: fewer jobs, or a smaller batch or memory, take less"
    if code is not None and code < 0:
        return f"its worker crashed ({signal.Signals(-code).name})"
    if not ready:
        return f"its worker died before it began (exit code {code}): {_UNGUARDED_HINT}"
    return f"its worker died (exit code {code})"


def _check_start(train: Train) -> None:
    """Raise InputError where workers could not be started, before one is; in a worker's own start, end it."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(_UNGUARDED)  # a worker imports the script that starts it, which must not go on here
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    if script is not None and getattr(main, "__spec__", None) is None and not os.path.exists(script):
        raise InputError(
            "a study can't be started from standard input, for its workers import the script that starts it: "
            f"put it in a file, {_GUARD}"
        )
    try:
        ForkingPickler.dumps(train)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(f"{train!r} can't be sent to workers: train must be a module's function") from error
    if script is None and getattr(train, "__module__", None) == "__main__":
        raise InputError(f"{train!r} can't be found by workers: train must be a module's function")


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
    logging.getLogger("weightlab.train").setLevel(logging.ERROR)  # notes on the data were said before the first trial
    try:
        connection.send(_Ready())
        while True:
            connection.send(attempt(connection.recv(), train, _reporting(connection, parent)))
    except (EOFError, OSError, KeyboardInterrupt):
        return  # the parent is gone, or ends this worker


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
