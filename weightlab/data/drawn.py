"""Bitmaps of characters as what an encoder takes: gathered, shrunk and distorted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.data.distortion import Distortions
from weightlab.data.draw import Draw
from weightlab.data.kind import Wanted
from weightlab.data.split import check_rows
from weightlab.errors import InputError
from weightlab.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Drawn", "check_augment", "shrunk"]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Images of characters, as `Inputs`.

    bitmaps: uint8 [·, 1, side, side], which may lie in a mapped file: only those of a batch are touched.
    rows: int64 [N], the bitmap of each row.
    fixed: the test's distortion of each row.
    size: side of the images in pixels.
    vary: whether a draw distorts them freshly.
    """

    bitmaps: Tensor
    rows: Tensor
    fixed: Distortions
    size: int
    vary: bool = True
    slow: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(1, size, size)."""
        return 1, self.size, self.size

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        """float32 [n, 1, size, size] in [0, 1], ink bright; fresh distortions of the draw, or the fixed ones."""
        check_rows(index, len(self.rows))
        if draw is None or not self.vary or not len(index):
            distortions = self.fixed.at(index)
        else:
            distortions = Distortions.draw_each(draw.generators(index.tolist()))
        bitmaps = shrunk(self.bitmaps[self.rows[index]], self.size)
        return distortions.apply(bitmaps.float() / 255, self.size)


def shrunk(bitmaps: Tensor, size: int) -> Tensor:
    """Bitmaps of at most 1.5 `size`: finer ones would alias when sampled at `size`, of which ink takes about 3/4."""
    side = min(bitmaps.shape[-1], size + size // 2)
    if side == bitmaps.shape[-1] or not len(bitmaps):
        return bitmaps
    return torch.nn.functional.interpolate(bitmaps, size=(side, side), mode="bilinear", antialias=True)


def check_augment(kind: str, wanted: Wanted) -> None:
    """Raise InputError for an augmentation that characters can't take."""
    if wanted.augment == "crop-flip":
        raise InputError(f"{kind} can't be augmented by crop-flip: a part of a character is another one; light or none")
