"""Arrays of a .npz file; of one that is not compressed, mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, ZipFile

import numpy as np

from weightlab.data.objects import read_objects
from weightlab.errors import InputError

__all__ = ["Npz"]

_LOCAL_HEADER = 30  # bytes of a member's own header before its name; two lengths at its end


@dataclass(frozen=True)
class Npz:
    """An open file.

    path: where it is.
    file: its archive.
    """

    path: Path
    file: ZipFile

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Npz]:
        """Inside, the file is open."""
        with ZipFile(path) as file:
            yield cls(path, file)

    def names(self) -> list[str]:
        """Of all arrays."""
        return [name.removesuffix(".npy") for name in self.file.namelist()]

    def array(self, name: str) -> np.ndarray:
        """One of them, one of objects too."""
        with self.file.open(f"{name}.npy") as opened:
            shape, _, dtype = _header(opened)
            if dtype.hasobject:
                try:
                    return read_objects(opened, shape)
                except InputError as error:
                    raise InputError(f"{self.path}: {name}: {error}") from error
        with self.file.open(f"{name}.npy") as opened:
            return np.asarray(np.lib.format.read_array(opened, allow_pickle=False))

    def embeddings(self, name: str, most: int) -> np.ndarray:
        """An array; where it has more than `most` bytes, mapped, if it is as it would be in memory."""
        member = self.file.getinfo(f"{name}.npy")
        with self.file.open(member) as opened:
            shape, is_fortran, dtype = _header(opened)
            begins = opened.tell()
        if member.compress_type != ZIP_STORED or member.file_size <= most or is_fortran or not dtype.isnative:
            return self.array(name)
        with self.path.open("rb") as raw:
            raw.seek(member.header_offset + _LOCAL_HEADER - 4)
            lengths = np.frombuffer(raw.read(4), "<u2")
        offset = member.header_offset + _LOCAL_HEADER + int(lengths.sum()) + begins
        # copy-on-write: nobody writes, but torch warns of memory that can't be written to
        return np.memmap(self.path, dtype, "c", offset, shape)


def _header(opened: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the first axis runs fastest, and type of an array in a .npy file; stops where its values begin."""
    first = np.lib.format.read_magic(opened) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    return read(opened)
