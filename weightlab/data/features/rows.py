"""Rows of features as what an encoder takes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from weightlab.data.draw import Draw
from weightlab.data.split import check_rows

__all__ = ["Rows"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a file, as `Inputs`.

    embeddings: [N, D] of any floating type, all that the file has; perhaps mapped.
    chosen: int64 [n], which of them.
    """

    embeddings: Tensor
    chosen: Tensor
    slow: bool = False

    @property
    def shape(self) -> tuple[int]:
        """(D,)."""
        return (self.embeddings.shape[1],)

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        """float32 [n, D], as they are in the file, of any length; a draw changes nothing."""
        check_rows(index, len(self.chosen))
        return self.embeddings.index_select(0, self.chosen[index]).float()
