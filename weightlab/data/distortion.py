"""Random distortions of small images: turned, scaled, sheared, shifted, bent, paled and blotched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Distortions"]

# How strong: hard enough that a small CNN on 24 pixels is far from perfect, mild enough that accents can be read.
_FRAME = 1.3  # sides of the bitmap that the frame shows: room for ink that is turned and shifted
_ROTATION = 0.3  # ± radians (17°)
_SCALE = 0.2  # ± of log size
_ASPECT = 0.2  # ± of log width / height
_SHEAR = 0.25  # ± of width per height
_SHIFT = 0.12  # ± half frames
_BEND = 0.08  # ± half frames, at each knot
_PALEST = 0.5  # least contrast
_BLOTCH = 0.4  # brightest blotch of the background
_KNOTS = 4  # a side, of the bend's grid
_SPOTS = 6  # a side, of the blotches' grid
_SIZES = (7, 2 * _KNOTS**2, _SPOTS**2)  # random numbers of a distortion: the single ones, the bend's, the blotches'


@dataclass(frozen=True, eq=False)
class Distortions:
    """One distortion an image.

    affine: float32 [n, 2, 3], from places in the distorted image to places in the original, both in [−1, 1].
    bend: float32 [n, 2, 4, 4], what is added to the places, at a grid of knots.
    contrast: float32 [n], of the ink.
    blotches: float32 [n, 1, 6, 6], what is added to the brightness, at a grid of spots; below 0 for none.
    """

    affine: Tensor
    bend: Tensor
    contrast: Tensor
    blotches: Tensor

    @classmethod
    def draw(cls, count: int, generator: torch.Generator) -> Distortions:
        """`count` random distortions."""
        return cls._of(torch.rand(count, sum(_SIZES), generator=generator))

    @classmethod
    def draw_each(cls, generators: Sequence[np.random.Generator]) -> Distortions:
        """A random distortion from each of the generators."""
        uniform = np.stack([generator.random(sum(_SIZES), dtype=np.float32) for generator in generators])
        return cls._of(torch.from_numpy(uniform))

    @classmethod
    def _of(cls, uniform: Tensor) -> Distortions:
        """Of numbers in [0, 1), [n, 75]."""
        count = len(uniform)
        uniform = 2 * uniform - 1
        single, bend, blotches = uniform.split(list(_SIZES), dim=1)
        turn, scale, aspect, shear, right, down, contrast = single.unbind(dim=1)
        return cls(
            _affine(turn * _ROTATION, scale * _SCALE, aspect * _ASPECT, shear * _SHEAR, right * _SHIFT, down * _SHIFT),
            (bend * _BEND).view(count, 2, _KNOTS, _KNOTS),
            1 - (1 - _PALEST) * (contrast + 1) / 2,
            (blotches * _BLOTCH).view(count, 1, _SPOTS, _SPOTS),
        )

    def at(self, index: Tensor) -> Distortions:
        """The distortions of the rows `index`."""
        return Distortions(self.affine[index], self.bend[index], self.contrast[index], self.blotches[index])

    def apply(self, images: Tensor, size: int) -> Tensor:
        """`images`, float32 [n, 1, side, side] in [0, 1], distorted: float32 [n, 1, size, size] in [0, 1].

        Outside of an image is black.
        """
        functional = torch.nn.functional
        grid = functional.affine_grid(self.affine, [len(images), 1, size, size], align_corners=False)
        grid = grid + _enlarged(self.bend, size).permute(0, 2, 3, 1)
        ink = functional.grid_sample(images, grid, align_corners=False) * self.contrast[:, None, None, None]
        return (ink + _enlarged(self.blotches, size).relu()).clamp(max=1)

    def apply_to_photographs(self, images: Tensor, size: int) -> Tensor:
        """`images`, float32 [n, c, side, side] in [0, 1], distorted: float32 [n, c, size, size] in [0, 1].

        They fill their frame, so it shows size / side of one, unlike ink, which has room around it; outside of an image
        it is mirrored, where black would be an edge that no photograph has. Contrast is at least 0.75, about middle
        grey, and blotches are up to ±0.1, for brightness tells more of a photograph than of ink.
        """
        functional = torch.nn.functional
        shown = torch.cat([self.affine[:, :, :2] * (size / images.shape[-1] / _FRAME), self.affine[:, :, 2:]], dim=2)
        grid = functional.affine_grid(shown, [len(images), 1, size, size], align_corners=False)
        grid = grid + _enlarged(self.bend, size).permute(0, 2, 3, 1)
        seen = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        contrast = (1 + self.contrast[:, None, None, None]) / 2
        return (0.5 + (seen - 0.5) * contrast + _enlarged(self.blotches, size) / 4).clamp(0, 1)


def _affine(turn: Tensor, scale: Tensor, aspect: Tensor, shear: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Scaled, sheared, turned, shifted, in this order, as float32 [n, 2, 3]; each argument is [n]."""
    width, height = _FRAME * torch.exp(scale + aspect / 2), _FRAME * torch.exp(scale - aspect / 2)
    cos, sin = torch.cos(turn), torch.sin(turn)
    across = [width * cos, height * (shear * cos - sin), right]
    along = [width * sin, height * (shear * sin + cos), down]
    return torch.stack([*across, *along], dim=1).view(-1, 2, 3)


def _enlarged(knots: Tensor, size: int) -> Tensor:
    """Smooth fields [n, c, size, size] through values at knots [n, c, k, k]."""
    return torch.nn.functional.interpolate(knots, size=(size, size), mode="bicubic", align_corners=True)
