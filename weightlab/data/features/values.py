"""What the values of a file's arrays say: classes, parts, roles and paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from weightlab.arrays import as_labels
from weightlab.errors import InputError, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from weightlab.arrays import Array

__all__ = [
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Classes",
    "as_classes",
    "as_paths",
    "as_roles",
    "as_split",
    "coded",
    "titled",
]

TRAIN, TEST, VALIDATION = "train", "test", "validation"
_TRUTH = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass(frozen=True, eq=False)
class Classes:
    """A name for each row.

    of: int64 [N], the number of each row's name.
    names: all that there are, without gaps, as they are written.
    titles: what each is called: as it is written, or by a list of names.
    """

    of: NDArray[np.int64]
    names: list[str]
    titles: list[str]


def as_classes(name: str, given: Array, rows: int) -> Classes:
    """Of whole numbers of any type, or texts. Raises InputError for others, gaps (NaN, None) and another number."""
    array = _as_array(given)
    _check_rows(name, array, rows)
    if _is_text(name, array):
        found, of = np.unique(_texts(array), return_inverse=True)
    else:
        found, of = np.unique(as_labels(name, _numbers(name, array)).numpy(), return_inverse=True)
    names = [str(each) for each in found]
    return Classes(of.astype(np.int64), names, names)


def coded(name: str, given: Array) -> Array:
    """Texts as the number of each among the different ones; numbers as they are. Raises InputError for gaps."""
    array = _as_array(given)
    return np.unique(_texts(array), return_inverse=True)[1] if _is_text(name, array) else _numbers(name, array)


def as_split(name: str, given: Array, rows: int) -> NDArray[np.str_]:
    """The part of each row: train, test or validation. Raises InputError for anything else."""
    array = _as_array(given)
    _check_rows(name, array, rows)
    parts = np.array([_text(each).strip().lower() for each in array.flat], dtype=str)
    if len(wrong := np.flatnonzero(~np.isin(parts, (TRAIN, TEST, VALIDATION)))):
        raise InputError(
            f"{name} must be {TRAIN}, {TEST} or {VALIDATION}, not {_shown(array[wrong[0]])} in row {wrong[0]} (from 0)"
        )
    return parts


def as_roles(name: str, given: Array, needed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Truth values, also written as 0 and 1 or as texts; False where they are not needed, whatever is there.

    needed: of the rows, bool [N]. Raises InputError for anything else.
    """
    array = _as_array(given)
    _check_rows(name, array, len(needed))
    found = np.zeros(len(needed), dtype=bool)
    for row in np.flatnonzero(needed).tolist():
        value = _TRUTH.get(_text(array[row]).strip().lower())
        if value is None:
            raise InputError(f"{name} must be true or false, not {_shown(array[row])} in row {row} (from 0)")
        found[row] = value
    return found


def titled(classes: Classes, name: str, given: Array) -> Classes:
    """Classes that are written as whole numbers, called by the text at each one's place in a list.

    Raises InputError for a list of anything else, and for a class that is no number from 0 to the list's end.
    """
    array = _as_array(given)
    if array.ndim != 1 or not _is_text(name, array):
        raise InputError(f"{name} must be a list of texts, not {array.dtype} {list(array.shape)}")
    for each in classes.names:
        if not (each.isascii() and each.isdecimal() and int(each) < len(array)):
            raise InputError(f"{name} has {len(array)} names, of the numbers from 0: none is of {shown(each)}")
    return replace(classes, titles=[_text(array[int(each)]) for each in classes.names])


def as_paths(name: str, given: Array, rows: int) -> list[str]:
    """Texts. Raises InputError for anything else."""
    array = _as_array(given)
    _check_rows(name, array, rows)
    if not _is_text(name, array):
        raise InputError(f"{name} must be texts, not {array.dtype}")
    return [_text(each) for each in array.flat]


def _as_array(given: Array) -> NDArray[Any]:
    """bfloat16, which numpy lacks, as float32."""
    if isinstance(given, torch.Tensor):
        return (given.float() if given.dtype == torch.bfloat16 else given).numpy()
    return np.asarray(given)


def _check_rows(name: str, array: NDArray[Any], rows: int) -> None:
    if array.shape != (rows,):
        raise InputError(f"{name} must be [{rows}], one for each row, not {array.dtype} {list(array.shape)}")


def _is_text(name: str, array: NDArray[Any]) -> bool:
    """Whether it holds texts. Raises InputError where only some are."""
    if array.dtype != object:
        return array.dtype.kind in "US"
    _check_gaps(name, array)
    texts = [isinstance(each, str | bytes) for each in array.flat]
    if any(texts) and not all(texts):
        row = texts.index(False)
        raise InputError(f"{name} must be all texts or all numbers, not {array.flat[row]!r} among texts, row {row}")
    return any(texts)


def _numbers(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """As they are, without gaps."""
    _check_gaps(name, array)
    return array


def _check_gaps(name: str, array: NDArray[Any]) -> None:
    """Raise InputError for the first value that is missing: None, or a number that is not finite."""
    if array.dtype == object:
        gaps: Sequence[int] | NDArray[Any] = [row for row, each in enumerate(array.flat) if each is None]
    elif array.dtype.kind == "f":
        gaps = np.flatnonzero(~np.isfinite(array))
    else:
        return
    if len(gaps):
        raise InputError(
            f"{name} must be whole numbers or texts, not {_shown(array.flat[gaps[0]])}, row {gaps[0]} (from 0)"
        )


def _texts(array: NDArray[Any]) -> NDArray[Any]:
    """Of whichever kind, as numpy's."""
    return np.array([_text(each) for each in array.flat], dtype=object)


def _text(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _shown(value: object) -> str:
    return shown(value.item() if isinstance(value, np.generic) else value)
