"""Precomputed embeddings and their labels, from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from weightlab.errors import InputError, reason

__all__ = ["read_features"]


def read_features(path: Path) -> tuple[Tensor, Tensor]:
    """Embeddings, float32 [n, D] and L2-normalised, and labels, int64 [n], of a .npz or .safetensors file that holds
    arrays `embeddings` [n, D], of any length but 0, and `labels` [n], whole numbers or (.npz) texts, which are numbered
    in their order.

    Raises InputError for a missing or damaged file, another format, missing arrays, and rows that can't be normalised.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        arrays = _read(path)
    except InputError:
        raise
    except Exception as error:  # zip, pickle and header errors of either format
        raise InputError(f"{path} can't be read: {reason(error)}") from error
    missing = {"embeddings", "labels"} - set(arrays)
    if missing:
        raise InputError(f"{path} has no array {' and no '.join(sorted(missing))}: it has {', '.join(sorted(arrays))}")
    embeddings, labels = arrays["embeddings"], arrays["labels"]
    if embeddings.ndim != 2 or not embeddings.is_floating_point() or labels.shape != embeddings.shape[:1]:
        raise InputError(
            f"{path}: embeddings must be floats [n, D] and labels [n], not "
            f"{tuple(embeddings.shape)} and {tuple(labels.shape)}"
        )
    if labels.is_floating_point():
        raise InputError(f"{path}: labels must be whole numbers")
    length = embeddings.float().norm(dim=1, keepdim=True)
    if not bool(length.isfinite().all()) or not bool((length > 0).all()):
        raise InputError(f"{path}: an embedding is NaN, infinite or 0")
    return embeddings.float() / length, labels.long()


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            return {name: torch.from_numpy(_numbered(file[name])) for name in file.files}
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    raise InputError(f"{path}: embeddings are read from .npz and .safetensors files")


def _numbered(array: np.ndarray) -> np.ndarray:
    """An array of texts as the number of each among the different ones; any other as it is."""
    return np.unique(array, return_inverse=True)[1] if array.dtype.kind in "US" else array
