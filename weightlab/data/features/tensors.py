"""Arrays of a .safetensors file, which torch maps; those of texts, which it lacks, as lists in its metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from torch import Tensor

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["Tensors"]


@dataclass(frozen=True)
class Tensors:
    """An open file.

    file: safetensors' own.
    texts: arrays of texts by name: what its metadata holds as lists of texts in JSON, which `embed` writes.
    """

    file: Any
    texts: Mapping[str, list[str]]

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Tensors]:
        """Inside, the file is open."""
        with safe_open(path, framework="pt") as file:
            yield cls(file, _texts(file.metadata() or {}, set(file.keys())))

    def names(self) -> list[str]:
        """Of all arrays."""
        return [*self.file.keys(), *self.texts]

    def array(self, name: str) -> Array:
        """One of them, in memory."""
        return np.array(self.texts[name], dtype=object) if name in self.texts else self._mapped(name).clone()

    def embeddings(self, name: str, most: int) -> Array:
        """An array; where it has more than `most` bytes, mapped."""
        if name in self.texts:
            return self.array(name)
        mapped = self._mapped(name)
        return mapped if mapped.nbytes > most else mapped.clone()

    def _mapped(self, name: str) -> Tensor:
        tensor: Tensor = self.file.get_tensor(name)  # a part of a storage that maps the file
        return tensor


def _texts(metadata: Mapping[str, str], taken: set[str]) -> dict[str, list[str]]:
    """Those of its entries that are lists of texts and no tensor is called like; others say what they like."""
    return {name: found for name, text in metadata.items() if name not in taken and (found := _list_of_texts(text))}


def _list_of_texts(text: str) -> list[str] | None:
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if all(isinstance(each, str) for each in found) else None
