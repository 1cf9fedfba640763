"""Finding the references that can have a weight without looking at all of them."""

from __future__ import annotations

import faiss
import numpy as np
import torch
from torch import Tensor

from weightlab.errors import InputError, check_number

__all__ = ["CandidateSearch"]

_SAMPLE = 64  # entries a list to train on


class CandidateSearch:
    """An inverted file over a bank's slots (faiss IndexIVFFlat): entries lie in `lists` cells, and only the `probes`
    cells nearest to an anchor are searched.

    For weights that vanish below a threshold; what lies in other cells is missed, so the step is no longer exact:
    `weightlab bench search` shows how much of the weight mass is found. Lives on the CPU, in float32.
    """

    def __init__(self, embeddings: Tensor, *, lists: int, probes: int) -> None:
        """Over the entries of a bank, embeddings [M, D], L2-normalised, row i in slot i.

        Raises InputError for no more entries than lists, and for more probes than lists.
        """
        check_number("lists", lists, 1)
        check_number("probes", probes, 1, lists)
        rows = _numpy(embeddings)
        if rows.ndim != 2 or len(rows) <= lists:
            raise InputError(f"{lists} lists need embeddings [M, D] of more rows, not {tuple(rows.shape)}")
        self._index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(rows.shape[1]), rows.shape[1], lists, faiss.METRIC_INNER_PRODUCT
        )
        chosen = np.random.default_rng(0).permutation(len(rows))[: lists * _SAMPLE]
        self._index.train(rows[chosen])
        self._index.set_direct_map_type(faiss.DirectMap.Hashtable)  # type: ignore[attr-defined]
        self._index.add_with_ids(rows, np.arange(len(rows)))
        self._index.nprobe = probes

    def replace(self, slots: Tensor, embeddings: Tensor) -> None:
        """What `MemoryBank.enqueue` did: slots [B] now hold embeddings [B, D]."""
        numbers = slots.cpu().numpy().astype(np.int64)
        self._index.remove_ids(faiss.IDSelectorArray(len(numbers), faiss.swig_ptr(numbers)))
        self._index.add_with_ids(_numpy(embeddings), numbers)

    def above(self, anchors: Tensor, threshold: float) -> Tensor:
        """The slots, int64 [n] ascending, of entries that were found with a similarity above `threshold` to any of the
        anchors [B, D].
        """
        check_number("threshold", threshold, -1, 1)
        _, _, found = self._index.range_search(_numpy(anchors), threshold)
        return torch.from_numpy(np.unique(found))


def _numpy(x: Tensor) -> np.ndarray:
    return np.ascontiguousarray(x.detach().float().cpu().numpy())
