"""Whether a run fits this machine's memory, which is known before it begins."""

from __future__ import annotations

import os

from weightlab import models
from weightlab.errors import InputError
from weightlab.train.config import TrainConfig

__all__ = ["check_room"]

_COPIES = 3  # of the bank while it is saved: itself, its snapshot and what is written


def check_room(config: TrainConfig, *, saved: bool, there: int | None = None) -> None:
    """Raise InputError where the bank, or the cnn's first maps of a batch, need more than the machine's memory.

    What other encoders need is not known before they are built. saved: whether the run writes checkpoints. there: bytes
    of memory; None for this machine's.
    """
    there = _memory() if there is None else there
    copies = _COPIES if saved else 1
    # a share is known once the data are, and a fresh memory holds no embeddings
    entries = config.memory if isinstance(config.memory, int) and config.memory_kind == "queue" else 0
    each = (4 if config.memory_dtype == "float32" else 2) * config.dimensions
    bank = copies * entries * (each + 8)
    maps = 4 * config.batch * config.width * config.size**2 if models.kind_of(config.model) == "cnn" else 0
    for what, needed in (
        (f"memory={config.memory} of dimensions={config.dimensions}{' takes, with its checkpoint,' * saved}", bank),
        (f"batch={config.batch} of size={config.size} and width={config.width}", maps),
    ):
        if there is not None and needed > there:
            verb = "" if what.endswith(",") else " takes"
            raise InputError(f"{what}{verb} {_gib(needed)}: this machine has {_gib(there)}")


def _gib(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"


def _memory() -> int | None:
    """Bytes of this machine's memory; None where the system doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
