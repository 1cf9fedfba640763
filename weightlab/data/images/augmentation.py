"""How images are shown: the test's view, and the random views of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from weightlab.data.distortion import Distortions
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Image = NDArray[np.uint8]

__all__ = ["centre", "crop_box", "crop_flip", "light", "working_side"]

_AREA = (0.2, 1.0)  # share of an image that a crop shows
_RATIO = (3 / 4, 4 / 3)  # its width over its height
_TRIES = 10


def working_side(size: int) -> int:
    """Pixels of the shorter side from which views of `size` are cut: 256 for 224, as the XBM paper has it."""
    return round(size * 256 / 224)


def centre(images: Sequence[Image], size: int) -> Tensor:
    """The middle of each image, as torchvision's CenterCrop: float32 [n, 3, size, size] in [0, 1]."""
    views = np.empty((len(images), size, size, 3), np.uint8)
    for view, image in zip(views, images, strict=True):
        top, left = (round((side - size) / 2) for side in image.shape[:2])
        view[:] = image[top : top + size, left : left + size]
    return _as_floats(views)


def crop_flip(images: Sequence[Image], size: int, generators: Sequence[np.random.Generator]) -> Tensor:
    """A random part of each image, scaled to the size and mirrored every other time: float32 [n, 3, size, size].

    As torchvision's RandomResizedCrop and RandomHorizontalFlip do it on Pillow's images, and the XBM paper with them:
    the part has 0.2 to 1 of the area (uniformly), a width of 3/4 to 4/3 of its height (its logarithm uniformly), and
    lies anywhere; it is scaled bilinearly, with antialiasing.
    """
    from PIL import Image

    views = np.empty((len(images), size, size, 3), np.uint8)
    for view, image, generator in zip(views, images, generators, strict=True):
        mirrored, *uniform = generator.random(1 + 4 * _TRIES).tolist()  # one call: it costs as much as scaling does
        top, left, height, width = crop_box(uniform, *image.shape[:2])
        part = Image.fromarray(image[top : top + height, left : left + width])
        shown = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))
        view[:] = shown[:, ::-1] if mirrored < 0.5 else shown
    return _as_floats(views)


def crop_box(uniform: Sequence[float], height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random part: of the first of ten that fits; else, in the middle, the largest of
    a ratio that may be.

    uniform: 40 random numbers in [0, 1): of each try the area, the ratio and the place.
    """
    for area, ratio, down, right in zip(*(uniform[each::4] for each in range(4)), strict=True):
        area = height * width * (_AREA[0] + (_AREA[1] - _AREA[0]) * area)
        ratio = _RATIO[0] * (_RATIO[1] / _RATIO[0]) ** ratio
        high, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < high <= height and 0 < wide <= width:
            return int(down * (height - high + 1)), int(right * (width - wide + 1)), high, wide
    ratio = min(max(width / height, _RATIO[0]), _RATIO[1])
    high, wide = min(height, round(width / ratio)), min(width, round(height * ratio))
    return (height - high) // 2, (width - wide) // 2, high, wide


def light(images: Sequence[Image], size: int, generators: Sequence[np.random.Generator]) -> Tensor:
    """The middle of each image distorted a little (`Distortions.apply_to_photographs`): float32 [n, 3, size, size]."""
    side = working_side(size)
    return Distortions.draw_each(generators).apply_to_photographs(centre(images, side), size)


def _as_floats(views: NDArray[np.uint8]) -> Tensor:
    """uint8 [n, height, width, 3] as float32 [n, 3, height, width] in [0, 1]."""
    return torch.from_numpy(views).permute(0, 3, 1, 2).float().contiguous().div_(255)
