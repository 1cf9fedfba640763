"""A run's folder: config.json, state.safetensors, history.csv; once it is done, model.safetensors and metrics.json."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from safetensors import SafetensorError
from torch import Tensor, nn

from weightlab import models
from weightlab.errors import InputError, RunError, reason, shown
from weightlab.files import (
    check_folder,
    check_readable,
    exists,
    make_folder,
    read_json,
    sweep,
    write_atomically,
    write_text,
)
from weightlab.locks import locked
from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult
from weightlab.train.schedule import learning_rate
from weightlab.train.sealed import Sealed, checksum, read, write
from weightlab.train.state import TrainState

__all__ = [
    "Saver",
    "check",
    "finish",
    "has_state",
    "load_model",
    "opened",
    "read_config",
    "read_tensors",
    "restore",
    "save",
]

_CONFIG = "config"  # the run's configuration as JSON, in the metadata of its files


def check(folder: Path, config: TrainConfig) -> None:
    """Before anything is made: raise InputError unless `folder` can be written to and holds no other run, nor one that
    another process is training.
    """
    check_folder(folder)
    _check_config(folder, config)
    if _in_training(folder):
        raise _taken(folder)


@contextmanager
def opened(folder: Path, config: TrainConfig) -> Iterator[None]:
    """Make the folder with its config.json; inside, no other process can open it.

    What processes that died had begun to write there is removed. Raises InputError as `check` does; RunError where the
    folder can't be made.
    """
    with _writing(folder):
        make_folder(folder)
    with _alone(folder):
        _check_config(folder, config)
        if not _holds_run(folder):
            with _writing(folder / "config.json"):
                write_text(folder / "config.json", config.model_dump_json(indent=2) + "\n", durable=True)
        yield


def _check_config(folder: Path, config: TrainConfig) -> None:
    if _holds_run(folder) and read_config(folder) != config:
        raise InputError(f"{folder} holds a run of another configuration: choose another folder, or remove it")


def read_config(folder: Path) -> TrainConfig:
    """The configuration of the run in `folder`. Raises InputError where there is none or it can't be read."""
    path = folder / "config.json"
    if not _holds_run(folder):
        raise InputError(f"{folder} holds no run: it has no config.json")
    check_readable(path)
    try:
        return TrainConfig.checked(read_json(path))
    except InputError as error:
        why = str(error).removeprefix(f"{path} ")
        raise InputError(f"{path} is damaged or of another version: {why}") from error


@dataclass
class Saver:
    """Saves a run every so many seconds, from the last save's end to the next one's beginning.

    folder, config: the run's.
    seconds: at least 0; 0 saves after every step.
    clock: gives the time in seconds.
    """

    folder: Path
    config: TrainConfig
    seconds: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._last = self.clock()

    def due(self) -> bool:
        """Whether it is time."""
        return self.clock() - self._last >= self.seconds

    def save(self, state: TrainState, *, last: bool = False) -> None:
        """`save` it."""
        save(self.folder, self.config, state, last=last)
        self._last = self.clock()


def save(folder: Path, config: TrainConfig, state: TrainState, *, last: bool = True) -> None:
    """Write the state, the histories of training (step, surrogate, learning_rate) and of validation, and the records,
    such that neither a kill nor a loss of power leaves less than the former ones.

    last: whether this process writes no more after. Raises RunError, the former ones kept, where it can't.
    """
    _write_tensors(folder / "state.safetensors", state.tensors(), config)
    rates = [learning_rate(config, step) for step in range(len(state.history))]
    history = {"step": range(1, len(state.history) + 1), "surrogate": state.history, "learning_rate": rates}
    _write_table(folder / "history.csv", pd.DataFrame(history))
    if state.validations.steps:
        _write_table(folder / "validation.csv", state.validations.frame())
    with _writing(folder / "weights.parquet"):
        state.records.write(folder / "weights.parquet", all_of_them=last)


def has_state(folder: Path) -> bool:
    """Whether the folder has a checkpoint to go on from."""
    return exists(folder / "state.safetensors")


def restore(folder: Path, config: TrainConfig, state: TrainState) -> None:
    """Take the state back that was saved in the folder, once it is known to be whole and of this run.

    Raises InputError where it is missing, can't be read, is damaged, in a single bit or more, or of another run.
    """
    path = folder / "state.safetensors"
    sealed = _read_own(path, config, "start over")
    try:
        state.load(sealed.tensors)
        if state.step > config.steps:
            raise ValueError(f"it is at step {state.step} of {config.steps}")
        if checksum(state.tensors(), {}) != checksum(sealed.tensors, {}):
            raise ValueError("it is not what such a run saves")
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} is of another run: remove it to start over ({reason(error)})") from error


def finish(folder: Path, config: TrainConfig, state: TrainState, result: TrainResult) -> None:
    """Write the encoder and the metrics of a run that is done. Raises RunError where it can't."""
    _write_tensors(folder / "model.safetensors", state.model.state_dict(), config)
    with _writing(folder / "metrics.json"):
        write_text(folder / "metrics.json", json.dumps(result.metrics, indent=2) + "\n", durable=True)


def load_model(folder: Path, shape: Sequence[int]) -> nn.Module:
    """The trained encoder of a run that is done.

    Raises InputError where it is missing, for the run is not done, can't be read, is damaged or of another run.
    """
    config, path = read_config(folder), folder / "model.safetensors"
    if not exists(path):
        if _in_training(folder):
            raise InputError(f"{folder} is not done yet: another process is training in it, wait for that")
        raise InputError(f"{folder} is not done yet: weightlab train --resume {folder}")
    sealed = _read_own(path, config, "train again", but=("data",))  # they may lie elsewhere by now
    model = models.build(config.model, shape=shape, width=config.width, dimensions=config.dimensions, bare=True)
    try:
        model.load_state_dict(sealed.tensors)
    except RuntimeError as error:
        raise InputError(f"{path} is of another encoder ({reason(error)})") from error
    return model


def read_tensors(path: Path, remedy: str = "train again") -> dict[str, Tensor]:
    """The tensors of a run's .safetensors file. Raises InputError, which names the `remedy`, as `sealed.read` does."""
    return read(path, remedy).tensors


def _holds_run(folder: Path) -> bool:
    return exists(folder / "config.json")


def _write_tensors(path: Path, tensors: dict[str, Tensor], config: TrainConfig) -> None:
    with _writing(path):
        write(path, tensors, {_CONFIG: config.model_dump_json()})


def _read_own(path: Path, config: TrainConfig, remedy: str, but: Sequence[str] = ()) -> Sealed:
    """What `_write_tensors` wrote; InputError where that was for another configuration, but for these settings."""
    sealed = read(path, remedy)
    if _CONFIG not in sealed.about:
        raise InputError(f"{path} is no run's: remove it and {remedy}")
    there, here = json.loads(sealed.about[_CONFIG]), config.model_dump(mode="json")
    defaults = {name: field.default for name, field in type(config).model_fields.items()}  # of what is new since then
    looked_at = [name for name in {**here, **there} if name not in but]
    names = [name for name in looked_at if {**defaults, **there}.get(name) != here.get(name)]
    if names:
        which = ", ".join(f"{name}={shown(there.get(name, defaults.get(name)))}" for name in names[:3])
        raise InputError(
            f"{path} is of another run than config.json, with {which}: put the right one there, or remove it and "
            f"{remedy}"
        )
    return sealed


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with _writing(path):
        write_atomically(path, lambda temporary: table.to_csv(temporary, index=False), durable=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What a full disk and the like do to a file: a line about the file that was meant."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or reason(error)
        raise RunError(f"can't write {path}: {why}") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of the folder until this one leaves it or ends, and tidy up after those that died.

    Where the system or the file system has no such lock, they are not kept out.
    """
    with locked(folder) as ours:
        if ours is False:
            raise _taken(folder)
        if ours:
            sweep(folder)
        yield


def _in_training(folder: Path) -> bool:
    if not exists(folder):
        return False
    try:
        with locked(folder) as free:
            return free is False
    except OSError:
        return False


def _taken(folder: Path) -> InputError:
    return InputError(f"another process is training in {folder}: choose another folder, or wait for it")
