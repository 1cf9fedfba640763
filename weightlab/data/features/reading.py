"""A file of embeddings, of whichever format: its arrays by name, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from weightlab.arrays import as_floats, as_labels, normalised
from weightlab.data.features.columns import NEEDED, SUFFIXES
from weightlab.data.features.npz import Npz
from weightlab.data.features.parquet import Parquet
from weightlab.data.features.tensors import Tensors
from weightlab.data.features.values import coded
from weightlab.errors import InputError, reason
from weightlab.files import check_readable, exists

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = [
    "IN_MEMORY",
    "Stored",
    "blocks",
    "names_in",
    "opened",
    "read_embeddings",
    "read_normalised",
    "without_direction",
]

IN_MEMORY = 2**30  # bytes of embeddings; more are mapped where the format allows it
_BLOCK = 2**24  # numbers that are looked at, or converted, at a time


class Stored(Protocol):
    """An open file."""

    def names(self) -> list[str]:
        """Of all its arrays."""
        ...

    def array(self, name: str) -> Array:
        """One of them, in memory."""
        ...

    def embeddings(self, name: str, most: int) -> Array:
        """One of them, [n, D]; mapped where it has more than `most` bytes, if the format allows it."""
        ...


_FORMATS: dict[str, type[Npz] | type[Tensors] | type[Parquet]] = dict(
    zip(SUFFIXES, (Npz, Tensors, Parquet), strict=True)
)


@contextmanager
def opened(path: Path, names: Mapping[str, str]) -> Iterator[Stored]:
    """Inside, the file is open, and has arrays of these names, by role.

    Raises InputError for a missing file, another format, missing arrays and several of a name; and for whatever goes
    wrong inside as a file that can't be read.
    """
    if not exists(path) or not path.is_file():
        raise InputError(f"there is no file {path}")
    check_readable(path)
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{path}: embeddings are read from {', '.join(_FORMATS)} files")
    try:
        file: AbstractContextManager[Stored] = _FORMATS[path.suffix.lower()].opened(path)
        with file as stored:
            _check_names(path, names, stored.names())
            yield stored
    except InputError:
        raise
    except Exception as error:  # zip, pickle and header errors of any format
        raise InputError(f"{path} can't be read: {reason(error)}") from error


def names_in(path: Path) -> list[str]:
    """Of all arrays of a file. Raises InputError as `opened` does."""
    with opened(path, {}) as stored:
        return stored.names()


def read_embeddings(stored: Stored, path: Path, name: str, *, mapped: bool = False) -> Tensor:
    """Rows as they are stored, [n, D], of half, single or double precision; mapped if asked for, or large.

    Raises InputError for others and none.
    """
    rows = as_floats(f"{path}: {name}", stored.embeddings(name, 0 if mapped else IN_MEMORY), ("n", "D"))
    if not len(rows):
        raise InputError(f"{path}: {name} has no rows")
    if not rows.shape[1]:
        raise InputError(f"{path}: {name}: its rows have no dimensions")
    return rows


def read_normalised(path: Path, names: Mapping[str, str]) -> tuple[Tensor, Tensor]:
    """As `weightlab.data.features.read_features`; names: of the embeddings and the labels."""
    name, labels = (names[role] for role in NEEDED)
    with opened(path, names) as stored:
        rows = read_embeddings(stored, path, name)
        found = as_labels(f"{path}: {labels}", coded(f"{path}: {labels}", stored.array(labels)), rows)
    out = torch.empty(rows.shape, dtype=torch.float32)
    for start, block in blocks(rows):
        if (off := without_direction(block)) is not None:
            raise InputError(
                f"{path}: {name}: row {start + off} (from 0) is NaN, infinite or 0: it has no direction and can't be "
                "normalised"
            )
        out[start : start + len(block)] = normalised(f"{path}: {name}", block)
    return out, found


def blocks(rows: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Some rows at a time, with the number of the first."""
    size = max(1, _BLOCK // rows.shape[1])
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]


def without_direction(rows: Tensor) -> int | None:
    """The first row [n, D] that is NaN, infinite or 0; None where there is none."""
    largest = rows.abs().amax(dim=1)
    off = ~((largest > 0) & (largest < torch.inf))
    return int(off.nonzero()[0]) if bool(off.any()) else None


def _check_names(path: Path, wanted: Mapping[str, str], there: list[str]) -> None:
    missing = [name for name in wanted.values() if name not in there]
    if missing:
        example = f"{path.name}({', '.join(f'{role}=NAME' for role in NEEDED)})"
        raise InputError(
            f"{path} has no array {' and no '.join(missing)}: it has {', '.join(sorted(there)) or 'none'}; "
            f"for others of these write {example}"
        )
    twice = [name for name, count in Counter(there).items() if count > 1 and name in wanted.values()]
    if twice:
        raise InputError(f"{path} has several arrays {twice[0]}: which is meant?")
