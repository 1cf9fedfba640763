"""Embeddings that are read a block at a time: a memory-mapped array is never held as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.arrays import as_embeddings
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.arrays import Array
    from weightlab.retrieval import ties

__all__ = ["as_rows", "take"]

_BLOCK = 1 << 23  # numbers that are checked at a time


def as_rows(name: str, given: Array) -> ties.Array:
    """Embeddings as of `as_embeddings`, as an array of numpy's, float32 or float64 (or as it is on disk), not copied.

    An array that can't be written to, as one that is memory-mapped, is checked in blocks.
    Raises InputError as `as_embeddings` does.
    """
    if isinstance(given, np.ndarray) and _is_held_elsewhere(given):
        step = max(1, _BLOCK // given.shape[1])
        for first in range(0, len(given), step):
            as_embeddings(name, given[first : first + step])
        return given
    rows = as_embeddings(name, given).detach().cpu()
    return (rows if rows.dtype in (torch.float32, torch.float64) else rows.float()).numpy()


def take(rows: ties.Array, index: ties.Array, dtype: torch.dtype) -> Tensor:
    """These rows, copied."""
    return torch.from_numpy(rows[index]).to(dtype)


def _is_held_elsewhere(given: ties.Array) -> bool:
    kept = given.dtype in (np.float16, np.float32, np.float64) and given.dtype.isnative
    return kept and given.ndim == 2 and min(given.shape) > 0 and not given.flags.writeable
