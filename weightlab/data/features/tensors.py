"""Arrays of a .safetensors file, which torch maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

__all__ = ["Tensors"]


@dataclass(frozen=True)
class Tensors:
    """An open file.

    file: safetensors' own.
    """

    file: Any

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Tensors]:
        """Inside, the file is open."""
        with safe_open(path, framework="pt") as file:
            yield cls(file)

    def names(self) -> list[str]:
        """Of all arrays."""
        return list(self.file.keys())

    def array(self, name: str) -> Tensor:
        """One of them, in memory."""
        return self._mapped(name).clone()

    def embeddings(self, name: str, most: int) -> Tensor:
        """An array; where it has more than `most` bytes, mapped."""
        mapped = self._mapped(name)
        return mapped if mapped.nbytes > most else mapped.clone()

    def _mapped(self, name: str) -> Tensor:
        tensor: Tensor = self.file.get_tensor(name)  # a part of a storage that maps the file
        return tensor
