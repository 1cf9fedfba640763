"""Columns of a .parquet file: embeddings as one column of lists, or a column a dimension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from weightlab.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Parquet"]


@dataclass(frozen=True)
class Parquet:
    """An open file.

    path: where it is.
    file: pyarrow's own.
    """

    path: Path
    file: Any

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Parquet]:
        """Inside, the file is open."""
        from pyarrow.parquet import ParquetFile

        with ParquetFile(path) as file:
            yield cls(path, file)

    def names(self) -> list[str]:
        """Of all columns, and of numbered ones together: emb of emb0, emb1, …; embeddings where no others are numbered,
        or are called 0, 1, ….
        """
        columns = self.file.schema_arrow.names
        return [*columns, *(stem for stem in self._numbered() if stem not in columns)]

    def array(self, name: str) -> NDArray[Any]:
        """A column: numbers, or objects where it holds texts or gaps (None)."""
        column = self.file.read([name]).column(0)
        found = np.asarray(column.to_pandas())
        if column.null_count:
            found = found.astype(object)
            found[np.asarray(column.is_null())] = None
        return found

    def embeddings(self, name: str, most: int) -> NDArray[Any]:
        """Rows [n, D] of a column of lists, or of columns name0, name1, …; always in memory, whatever `most`."""
        if name not in self.file.schema_arrow.names:
            return self._together(self._numbered()[name])
        column = self.file.read([name]).column(0)
        parts, start = [], 0
        for chunk in column.chunks:
            parts.append(self._stacked(name, chunk, start))
            start += len(chunk)
        sizes = [part.shape[1] for part in parts]
        if len(set(sizes)) > 1:
            raise InputError(f"{self.path}: {name} has rows of {sizes[0]} numbers and of {max(sizes)}")
        return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)

    def _stacked(self, name: str, chunk: Any, first: int) -> NDArray[Any]:  # noqa: ANN401 (pyarrow has no types)
        """[n, D] of lists; `first` is the number of their first row."""
        import pyarrow as pa
        from pyarrow import compute

        kind = chunk.type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise InputError(f"{self.path}: {name} must be a column of lists of numbers, not of {kind}")
        if not pa.types.is_floating(kind.value_type):
            raise InputError(f"{self.path}: {name} must be lists of floating-point numbers, not of {kind.value_type}")
        lengths = np.asarray(compute.fill_null(compute.list_value_length(chunk), -1))
        if not len(lengths):
            return np.empty((0, 0), np.float32)
        off = np.flatnonzero((lengths != lengths[0]) | (lengths < 0))
        if len(off):
            what = "is missing" if lengths[off[0]] < 0 else f"has {lengths[off[0]]} numbers, row {first} {lengths[0]}"
            raise InputError(f"{self.path}: {name}: row {first + off[0]} {what}")
        return np.asarray(chunk.flatten().to_numpy(zero_copy_only=False)).reshape(len(lengths), -1)

    def _together(self, columns: list[str]) -> NDArray[Any]:
        table = self.file.read(columns)
        return np.column_stack([np.asarray(table.column(name).to_pandas()) for name in columns])

    def _numbered(self) -> dict[str, list[str]]:
        """By what stands before the number, columns that are numbered from 0 or 1 without gaps, two or more of them."""
        found: dict[str, dict[int, str]] = {}
        for name in self.file.schema_arrow.names:
            if match := re.fullmatch(r"(.*?)_?([0-9]{1,6})", name, re.DOTALL):
                found.setdefault(match[1] or "embeddings", {})[int(match[2])] = name
        every = {
            stem: [names[number] for number in sorted(names)]
            for stem, names in found.items()
            if len(names) > 1 and min(names) in (0, 1) and max(names) - min(names) == len(names) - 1
        }
        return every | {"embeddings": next(iter(every.values()))} if len(every) == 1 else every
