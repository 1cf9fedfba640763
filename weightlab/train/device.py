"""Where a run computes."""

from __future__ import annotations

import torch

from weightlab.errors import InputError

__all__ = ["device_of"]


def device_of(wanted: str) -> torch.device:
    """The device that `--device` says; auto: a CUDA device, else Apple's, else the CPU.

    Raises InputError where this machine has none such.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, found in there.items() if found))
    if not there[wanted]:
        found = ", ".join(name for name in ("cpu", "cuda", "mps") if there[name])
        raise InputError(f"device={wanted} is not to be had here: this machine has {found} (or auto)")
    return torch.device(wanted)
