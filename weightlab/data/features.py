"""Precomputed embeddings and their labels, from a file."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
from torch import Tensor

from weightlab.arrays import as_floats, as_labels, normalised
from weightlab.data.objects import read_objects
from weightlab.errors import InputError, reason, unknown
from weightlab.files import AnyPath, as_path, exists

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["Features", "read_features"]

_ARRAYS = ("embeddings", "labels")


@dataclass(frozen=True)
class Features:
    """Where embeddings and labels are.

    path: a .npz or .safetensors file.
    embeddings, labels: what the arrays are called in it.
    """

    path: Path
    embeddings: str = "embeddings"
    labels: str = "labels"

    @classmethod
    def parse(cls, text: str) -> Features:
        """FILE, or FILE(embeddings=X, labels=y) where the arrays have other names; a file that is called so is itself.

        Raises InputError for what stands in brackets after a file's suffix and is no such list.
        """
        found = re.fullmatch(r"(.*\.(?:npz|safetensors))\((.*)\)", text, re.DOTALL | re.IGNORECASE)
        if found is None or os.path.isfile(text):
            return cls(as_path("a file of embeddings", text))
        names: dict[str, str] = {}
        for part in found[2].split(",") if found[2].strip() else []:
            which, equals, name = (each.strip() for each in part.partition("="))
            if not equals or not name:
                raise InputError(f"'{part.strip()}' must be embeddings=NAME or labels=NAME, as in x.npz(labels=y)")
            if which not in _ARRAYS:
                raise unknown("array", which, _ARRAYS)
            if which in names:
                raise InputError(f"{which} is given twice: '{names[which]}' and '{name}'")
            names[which] = name
        return cls(as_path("a file of embeddings", found[1]), **names)

    def read(self) -> tuple[Tensor, Tensor]:
        """As `read_features`."""
        return read_features(self.path, embeddings=self.embeddings, labels=self.labels)


def read_features(path: AnyPath, *, embeddings: str = "embeddings", labels: str = "labels") -> tuple[Tensor, Tensor]:
    """Embeddings, float32 [n, D] and L2-normalised, and labels, int64 [n], of a .npz or .safetensors file.

    embeddings: the name of an array of floats [n, D], of any length but 0. labels: the name of an array [n] of whole
    numbers, of whatever type, or (.npz) of texts, which are numbered in their order; also as arrays of objects, which
    pandas writes. Such arrays are pickled: they are read without running anything that they say.

    Raises InputError for a missing or damaged file, another format, missing arrays, other types and shapes, no rows,
    and rows that can't be normalised.
    """
    path = as_path("a file of embeddings", path)
    if not exists(path) or not path.is_file():
        raise InputError(f"there is no file {path}")
    try:
        given, numbers = _read(path, (embeddings, labels))
    except InputError:
        raise
    except Exception as error:  # zip, pickle and header errors of either format
        raise InputError(f"{path} can't be read: {reason(error)}") from error
    rows = as_floats(f"{path}: {embeddings}", given, ("n", "D"))
    if not len(rows):
        raise InputError(f"{path}: {embeddings} has no rows")
    found = as_labels(f"{path}: {labels}", numbers, rows)
    return normalised(f"{path}: {embeddings}", rows).float(), found


def _read(path: Path, names: tuple[str, str]) -> tuple[Array, Array]:
    """The two arrays; what else the file holds is not looked at."""
    if path.suffix.lower() == ".npz":
        with ZipFile(path) as file:
            _check_names(path, names, [name.removesuffix(".npy") for name in file.namelist()])
            rows, labels = (_array(file, path, name) for name in names)
        return rows, _numbered(f"{path}: {names[1]}", labels)
    if path.suffix.lower() == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            _check_names(path, names, list(file.keys()))
            return file.get_tensor(names[0]), file.get_tensor(names[1])
    raise InputError(f"{path}: embeddings are read from .npz and .safetensors files")


def _check_names(path: Path, wanted: tuple[str, str], there: list[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        example = f"{path.name}({', '.join(f'{which}=NAME' for which in _ARRAYS)})"
        raise InputError(
            f"{path} has no array {' and no '.join(missing)}: it has {', '.join(sorted(there)) or 'none'}; "
            f"for others of these write {example}"
        )


def _array(file: ZipFile, path: Path, name: str) -> np.ndarray:
    """An array of a .npz file, one of objects too."""
    with file.open(f"{name}.npy") as opened:
        shape, has_objects = _header(opened)
        if has_objects:
            try:
                return read_objects(opened, shape)
            except InputError as error:
                raise InputError(f"{path}: {name}: {error}") from error
    with file.open(f"{name}.npy") as opened:
        return np.asarray(np.lib.format.read_array(opened, allow_pickle=False))


def _header(opened: IO[bytes]) -> tuple[tuple[int, ...], bool]:
    """The shape of an array in a .npy file, and whether it is of objects; leaves off where its values begin."""
    first = np.lib.format.read_magic(opened) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(opened)
    return shape, dtype.hasobject


def _numbered(name: str, array: np.ndarray) -> np.ndarray:
    """An array of texts as the number of each among the different ones; any other as it is."""
    texts = [isinstance(each, str) for each in array.flat] if array.dtype == object else [array.dtype.kind in "US"]
    if not any(texts):
        return array
    if not all(texts):
        raise InputError(f"{name} must be all texts or all numbers, not {array.flat[texts.index(False)]!r} among texts")
    return np.unique(array, return_inverse=True)[1]
