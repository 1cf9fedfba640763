"""Tensors in a .safetensors file under a checksum of all that is in it, so that damage is seen before it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from weightlab.errors import InputError, reason
from weightlab.files import check_readable, write_atomically

__all__ = ["Sealed", "checksum", "read", "write"]

_CHECKSUM = "checksum"


@dataclass(frozen=True, eq=False)
class Sealed:
    """What a file holds.

    tensors: by name.
    about: texts by name, the file's metadata.
    """

    tensors: dict[str, Tensor]
    about: dict[str, str]


def checksum(tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """SHA-256, 64 hexadecimal digits, of the names, dtypes, shapes and bytes of the tensors, and of the texts."""
    found = hashlib.sha256(json.dumps(dict(about), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        found.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        found.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write tensors and texts, such that a loss of power leaves this file or the one before, whole.

    Raises OSError and SafetensorError where that can't be done.
    """
    apart = _apart(tensors)
    metadata = {**about, _CHECKSUM: checksum(apart, about)}
    write_atomically(path, lambda temporary: save_file(apart, temporary, metadata), durable=True)


def read(path: Path, remedy: str) -> Sealed:
    """What `write` wrote to `path`.

    Raises InputError: what is damaged, in a single bit or more, is to be removed, for the `remedy`; what can't be read
    is good for all we know.
    """
    check_readable(path)
    try:
        with safe_open(path, framework="pt") as file:
            about = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or reason(error)}") from error
    except (SafetensorError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: remove it and {remedy} ({reason(error)})") from error
    seal = about.pop(_CHECKSUM, None)
    if seal is None:
        raise InputError(f"{path} is damaged, or of an earlier version: remove it and {remedy} (it has no checksum)")
    if seal != checksum(tensors, about):
        raise InputError(f"{path} is damaged: remove it and {remedy} (its content does not fit its checksum)")
    return Sealed(tensors, about)


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, contiguous, and none in another's memory, as an encoder's tied weights are: it takes no others."""
    found: dict[str, Tensor] = {}
    used: set[int] = set()
    for name, given in tensors.items():
        tensor = given.detach().cpu()
        storage = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone().contiguous() if storage in used else tensor.contiguous()
        used.add(storage)
    return found
