"""A run's folder: config.json, state.safetensors, history.csv; once it is done, model.safetensors and metrics.json."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from weightlab import models
from weightlab.errors import InputError, RunError, reason
from weightlab.files import check_folder, check_readable, exists, read_json, write_atomically, write_text
from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult
from weightlab.train.state import TrainState

if sys.platform != "win32":
    import fcntl

__all__ = ["check", "finish", "has_state", "load_model", "opened", "read_config", "read_tensors", "restore", "save"]


def check(folder: Path, config: TrainConfig) -> None:
    """Before anything is made: raise InputError unless `folder` can be written to and holds no other run."""
    check_folder(folder)
    if _holds_run(folder) and read_config(folder) != config:
        raise InputError(f"{folder} holds a run of another configuration: choose another folder, or remove it")


@contextmanager
def opened(folder: Path, config: TrainConfig) -> Iterator[None]:
    """Make the folder with its config.json; inside, no other process can open it.

    Raises InputError where one has, and as `check` does; RunError where it can't be made.
    """
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        check(folder, config)
        if not _holds_run(folder):
            with _writing(folder / "config.json"):
                write_text(folder / "config.json", config.model_dump_json(indent=2) + "\n")
        yield


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


def save(folder: Path, state: TrainState, *, last: bool = True) -> None:
    """Write the state, the history (step, surrogate) and the records; last: whether this process writes no more after.

    Raises RunError, the former ones kept, where it can't.
    """
    _write_tensors(folder / "state.safetensors", state.tensors())
    history = pd.DataFrame({"step": range(1, len(state.history) + 1), "surrogate": state.history})
    with _writing(folder / "history.csv"):
        write_atomically(folder / "history.csv", lambda path: history.to_csv(path, index=False))
    with _writing(folder / "weights.parquet"):
        state.records.write(folder / "weights.parquet", all_of_them=last)


def has_state(folder: Path) -> bool:
    """Whether the folder has a checkpoint to go on from."""
    return exists(folder / "state.safetensors")


def restore(folder: Path, state: TrainState) -> None:
    """Take the state back where the folder has one. Raises InputError where it is damaged."""
    path = folder / "state.safetensors"
    if not has_state(folder):
        return
    tensors = read_tensors(path, "start over")
    try:
        state.load(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} is of another run: remove it to start over ({reason(error)})") from error


def finish(folder: Path, state: TrainState, result: TrainResult) -> None:
    """Write the encoder and the metrics of a run that is done. Raises RunError where it can't."""
    _write_tensors(folder / "model.safetensors", state.model.state_dict())
    with _writing(folder / "metrics.json"):
        write_text(folder / "metrics.json", json.dumps(result.metrics, indent=2) + "\n")


def load_model(folder: Path, shape: Sequence[int]) -> nn.Module:
    """The trained encoder of a run that is done. Raises InputError where it is missing, unreadable or damaged."""
    config, path = read_config(folder), folder / "model.safetensors"
    if not exists(path):
        raise InputError(f"{folder} is not done yet: weightlab train --resume {folder}")
    model = models.build(config.model, shape=shape, width=config.width, dimensions=config.dimensions, bare=True)
    try:
        model.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise InputError(f"{path} is of another encoder ({reason(error)})") from error
    return model


def read_tensors(path: Path, remedy: str = "train again") -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises InputError: what is damaged is to be removed, for the `remedy`; what can't be read is good for all we know.
    """
    check_readable(path)
    try:
        return load_file(path)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or reason(error)}") from error
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} is damaged: remove it and {remedy} ({reason(error)})") from error


def _holds_run(folder: Path) -> bool:
    return exists(folder / "config.json")


def _write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    apart = _apart(tensors)
    with _writing(path):
        write_atomically(path, lambda temporary: save_file(apart, temporary))


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous, and none in another's memory, as an encoder's tied weights are: safetensors takes no such."""
    found: dict[str, Tensor] = {}
    used: set[int] = set()
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone().contiguous() if storage in used else tensor.contiguous()
        used.add(storage)
    return found


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
    """Keep other processes out of the folder, until this one leaves it or ends.

    Where the system or the file system has no such lock, they are not kept out.
    """
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise InputError(f"another process is training in {folder}: choose another folder, or wait for it") from error
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(handle)
