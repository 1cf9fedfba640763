"""A run's folder: config.json, state.safetensors, history.csv; once it is done, model.safetensors and metrics.json."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from weightlab import models
from weightlab.errors import InputError, reason
from weightlab.files import write_atomically, write_text
from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult
from weightlab.train.state import TrainState

__all__ = ["finish", "load_model", "open_folder", "read_config", "read_tensors", "restore", "save"]


def open_folder(folder: Path, config: TrainConfig) -> None:
    """Make the folder with its config.json. Raises InputError where it holds a run of another configuration."""
    if (folder / "config.json").exists():
        if read_config(folder) != config:
            raise InputError(f"{folder} holds a run of another configuration: choose another folder, or remove it")
        return
    try:
        write_text(folder / "config.json", config.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror}") from error


def read_config(folder: Path) -> TrainConfig:
    """The configuration of the run in `folder`. Raises InputError where there is none or it can't be read."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder} holds no run: it has no config.json")
    try:
        return TrainConfig.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged or of another version: {reason(error)}") from error


def save(folder: Path, state: TrainState) -> None:
    """Write the state and the history (step, surrogate)."""
    tensors = {name: tensor.contiguous().clone() for name, tensor in state.tensors().items()}
    write_atomically(folder / "state.safetensors", lambda path: save_file(tensors, path))
    history = pd.DataFrame({"step": range(1, len(state.history) + 1), "surrogate": state.history})
    write_atomically(folder / "history.csv", lambda path: history.to_csv(path, index=False))


def restore(folder: Path, state: TrainState) -> None:
    """Take the state back where the folder has one. Raises InputError where it is damaged."""
    path = folder / "state.safetensors"
    if not path.exists():
        return
    tensors = read_tensors(path)
    try:
        state.load(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(f"{path} is of another run: remove it to start over ({reason(error)})") from error


def finish(folder: Path, state: TrainState, result: TrainResult) -> None:
    """Write the encoder and the metrics of a run that is done."""
    tensors = {name: tensor.contiguous() for name, tensor in state.model.state_dict().items()}
    write_atomically(folder / "model.safetensors", lambda path: save_file(tensors, path))
    write_text(folder / "metrics.json", json.dumps(result.metrics, indent=2) + "\n")


def load_model(folder: Path, channels: int) -> nn.Module:
    """The trained encoder of a run that is done. Raises InputError where it is missing or damaged."""
    config, path = read_config(folder), folder / "model.safetensors"
    if not path.is_file():
        raise InputError(f"{folder} is not done yet: weightlab train --resume {folder}")
    model = models.build(config.model, channels=channels, width=config.width, dimensions=config.dimensions)
    try:
        model.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise InputError(f"{path} is of another encoder ({reason(error)})") from error
    return model


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises InputError where it is damaged."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is damaged: remove it and train again ({reason(error)})") from error
