"""Image files as what an encoder takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.data.images.augmentation import centre, crop_flip, light
from weightlab.data.images.kept import Files, Pixels
from weightlab.data.split import check_rows
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from weightlab.data.draw import Draw

__all__ = ["Images"]

_VIEWS = {"default": crop_flip, "crop-flip": crop_flip, "light": light}


@dataclass(frozen=True, eq=False)
class Images:
    """Images in three colours, as `Inputs`.

    images: kept decoded, or decoded each time.
    rows: int64 [N], which of them these are.
    size: side of the views in pixels.
    augment: how a draw varies them; "default" is crop-flip.
    """

    images: Pixels | Files
    rows: NDArray[np.int64]
    size: int
    augment: str = "default"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(3, size, size)."""
        return 3, self.size, self.size

    @property
    def slow(self) -> bool:
        """Whether each is decoded from its file."""
        return isinstance(self.images, Files)

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        """float32 [n, 3, size, size] in [0, 1]: random views of the draw, or the middle of each image."""
        check_rows(index, len(self.rows))
        if not len(index):
            return torch.zeros(0, *self.shape)
        images = [self.images[row] for row in self.rows[index.cpu().numpy()].tolist()]
        if draw is None or self.augment == "none":
            return centre(images, self.size)
        return _VIEWS[self.augment](images, self.size, draw.generators(index.tolist()))
