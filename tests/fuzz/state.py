"""What belongs to the whole process, and what a call was given: neither is a call's to change."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from torch import Tensor

__all__ = ["copied", "differences", "same", "snapshot"]


def snapshot() -> dict[str, object]:
    """The state of torch, numpy, matplotlib and the process that others rely on."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's random state": torch.get_rng_state(),
        "torch's grad mode": torch.is_grad_enabled(),
        "torch's inference mode": torch.is_inference_mode_enabled(),
        "torch's threads": torch.get_num_threads(),
        "torch's autocast": torch.is_autocast_enabled("cpu"),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "numpy's random state": [str(part) for part in np.random.get_state()],  # noqa: NPY002 (the global one it is)
        "numpy's error mode": np.geterr(),
        "Python's random state": random.getstate(),
        "rcParams": {name: repr(value) for name, value in dict(mpl.rcParams).items()},
        "pyplot's figures": tuple(pyplot.get_fignums()) if pyplot is not None else (),
        "the working folder": Path.cwd(),
        "the environment": dict(os.environ),
        "the recursion limit": sys.getrecursionlimit(),
    }


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What of a snapshot is another now."""
    return [name for name, value in before.items() if not same(value, after[name])]


def copied(value: object) -> object:
    """A copy of what a call is given, as far as it can be written to; anything else as it is."""
    if isinstance(value, Tensor):
        return value.detach().clone() if value.layout is torch.strided and value.device.type == "cpu" else value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(copied(each) for each in value)
    if isinstance(value, dict):
        return {name: copied(each) for name, each in value.items()}
    return value


def same(a: object, b: object) -> bool:
    """Whether two such values are equal, NaN to NaN."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.layout is not torch.strided or a.device.type != "cpu" or a is b:
            return True
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return torch.equal(a, b) or torch.equal(torch.nan_to_num(a.detach()), torch.nan_to_num(b.detach()))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    return a is b or repr(a) == repr(b)
