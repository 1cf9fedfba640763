"""Arrays of Python objects, as numpy pickles them, read as data: nothing that a pickle says is run."""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np

from weightlab.errors import InputError

__all__ = ["read_objects"]


def read_objects(file: IO[bytes], shape: tuple[int, ...]) -> np.ndarray:
    """The texts and numbers of an array of this shape, from where its pickle begins in a .npy file.

    A pickle names functions that are to be called. Here the few that numpy's arrays need stand for inert values, and
    any other is refused, so that a file can't do anything. Raises InputError for objects that are no texts or numbers.
    """
    found = _Unpickler(file).load()
    items = found.state[4] if isinstance(found, _Inert) and found.state is not None and len(found.state) == 5 else None
    if not isinstance(items, list):
        raise InputError("it holds a pickle that is no array of objects")
    array = np.empty(len(items), dtype=object)
    for number, item in enumerate(items):
        array[number] = _value(item, number)
    return array.reshape(shape)  # the last axis fastest, however they lay in memory


class _Inert:
    """What a call in the pickle gives: its arguments and its state, to be looked at."""

    def __init__(self, *arguments: object) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Scalar(_Inert):
    """One of numpy's numbers or texts: a type and its bytes."""


_KNOWN = {"_reconstruct": _Inert, "ndarray": _Inert, "dtype": _Inert, "scalar": _Scalar}
_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (whatever stands for it)
        if module in _MODULES and name in _KNOWN:
            return _KNOWN[name]
        raise InputError(f"it holds objects of {module}.{name}: only texts and numbers are read")


def _value(item: object, number: int) -> object:
    value = _of_scalar(item) if isinstance(item, _Scalar) else item
    if not isinstance(value, str | int | float):
        what = "an array" if isinstance(value, _Inert) else repr(value)
        raise InputError(f"object {number} is {what}: only texts and numbers are read")
    return value


def _of_scalar(scalar: _Scalar) -> object:
    kind, data = scalar.arguments
    if not isinstance(kind, _Inert) or not isinstance(data, bytes):
        raise InputError("it holds a damaged scalar")
    dtype = np.dtype(str(kind.arguments[0])).newbyteorder(kind.state[1])
    if dtype.hasobject:
        raise InputError("it holds a damaged scalar")
    return np.frombuffer(data, dtype)[0].item()
