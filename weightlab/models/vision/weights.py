"""A network's weights from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
from torch import nn

from weightlab.errors import InputError, printable, reason

__all__ = ["with_weights"]

_SHOWN = 5  # keys that a message has


def with_weights(architecture: str, file: str, arguments: Mapping[str, Any]) -> nn.Module:
    """timm's network with the weights of a file, but for a classifier's, which it has none of.

    timm reads it (no code in it is run), takes off what training scripts wrap weights in, and fits them to another
    number of channels, another size of image and its own names. Raises InputError for a file that can't be read, and
    where weights are missing, too many or of another shape.
    """
    path = str(Path(file).expanduser())

    def create(classes: int) -> nn.Module:
        overlay = {"file": path, "custom_load": False, "num_classes": classes, "label_offset": 0}
        model: nn.Module = timm.create_model(architecture, True, pretrained_cfg_overlay=overlay, **arguments)
        return model

    try:
        return create(0)  # as many as are asked for: timm then takes nothing but what fits
    except Exception as error:
        text = str(error)
        if "loading state_dict" not in text:
            raise InputError(f"{file} can't be read as weights: {reason(error)}") from error
        missing, unexpected = _keys("Missing", text), _keys("Unexpected", text)
        sizes = re.findall("size mismatch for ([^:]+):", text)
        unexpected = [key for key in unexpected if not _is_classifiers(architecture, key)]
        if missing or unexpected or sizes:
            said = ("it lacks", missing), ("it has, beyond them,", unexpected), ("other shapes have", sizes)
            found = "; ".join(f"{what} {_listed(keys)}" for what, keys in said if keys)
            raise InputError(f"{file} does not hold the weights of {architecture}: {found}") from error
    return create(1)  # another number of classes: timm leaves the classifier out


def _keys(which: str, text: str) -> list[str]:
    """The keys that torch's error names."""
    found = re.search(rf'{which} key\(s\) in state_dict: ((?:"[^"]*"(?:, )?)+)', text)
    return re.findall('"([^"]*)"', found[1]) if found else []


def _is_classifiers(architecture: str, key: str) -> bool:
    config = timm.models.get_pretrained_cfg(architecture)
    names = config.classifier if config is not None else None
    heads = [names] if isinstance(names, str) else list(names or ("fc", "head", "classifier"))
    return key.rpartition(".")[0] in heads


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return printable(", ".join(keys[:_SHOWN])) + more
