"""MATLAB's files, as archives hold their annotations: arrays of structs whose values are nested in 1 × 1 cells."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightlab.errors import InputError, describe, reason, shown
from weightlab.files import check_readable
from weightlab.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["records", "text", "texts", "whole"]


def records(path: Path, variable: str, fields: Sequence[int | str]) -> list[tuple[object, ...]]:
    """These fields, by name or by place, of each struct of an array.

    Raises InputError for a missing or damaged file, and where there are no such structs in it.
    """
    array = _read(path, variable)
    if array is None or array.dtype.names is None:
        given = "none" if array is None else describe(array)
        raise InputError(f"{path} must have an array of structs called {variable}, not {given}")
    there = list(array.dtype.names)
    for field in fields:
        if (field not in there) if isinstance(field, str) else (field >= len(there)):
            which = field if isinstance(field, str) else f"number {field}"
            raise InputError(f"{path}: {variable} has no field {which}: it has {', '.join(there)}")
    names = [field if isinstance(field, str) else there[field] for field in fields]
    return list(zip(*(array[name].ravel() for name in names), strict=True))


def texts(path: Path, variable: str) -> list[str] | None:
    """A cell array of texts; None where the file has no such variable. Raises InputError where it is something else."""
    array = _read(path, variable)
    try:
        return None if array is None else [text(variable, each) for each in array.ravel()]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def text(name: str, cell: object) -> str:
    """The text in a cell, however deep. Raises InputError where it holds something else."""
    value = _inner(cell)
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, not {_told(value)}")
    return value


def whole(name: str, cell: object, low: int, high: int) -> int:
    """The whole number in a cell, of whatever type. Raises InputError where it holds something else."""
    value = _inner(cell)
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not low <= number <= high or number != int(number):
        raise InputError(f"{name} must be a whole number of {low} to {high}, not {_told(value)}")
    return int(number)


def _read(path: Path, variable: str) -> NDArray[Any] | None:
    from scipy.io import loadmat

    check_readable(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is odd in the file, where nobody can mend it
            found = loadmat(path, variable_names=[variable])
    except Exception as error:  # a damaged file fails in any way: zlib, struct, index, memory
        raise InputError(f"{path} can't be read as a MATLAB file: {reason(error)}") from error
    return np.asarray(found[variable]) if variable in found else None


def _inner(cell: object) -> object:
    """What is in an array of one, in an array of one, ...; an array of another size as it is."""
    while isinstance(cell, np.ndarray) and cell.size == 1 and cell.dtype.names is None:
        cell = cell.item()
    return cell


def _told(value: object) -> str:
    return describe(value) if isinstance(value, np.ndarray) else shown(value)
