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
        top, left, height, width = crop_box(generator, *image.shape[:2])
        part = Image.fromarray(image[top : top + height, left : left + width])
        shown = np.asarray(part.resize((size, size), Image.Resampling.BILINEAR))
        view[:] = shown[:, ::-1] if generator.random() < 0.5 else shown
    return _as_floats(views)


def crop_box(generator: np.random.Generator, height: int, width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random part; after ten that do not fit, the largest of a ratio that may be."""
    for _ in range(_TRIES):
        area = height * width * generator.uniform(*_AREA)
        ratio = math.exp(generator.uniform(math.log(_RATIO[0]), math.log(_RATIO[1])))
        high, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < high <= height and 0 < wide <= width:
            top, left = generator.integers(height - high + 1), generator.integers(width - wide + 1)
            return int(top), int(left), high, wide
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
