"""Which characters look the same, and so must be one class.

Latin A and Greek Α in two classes would be a negative pair of the highest similarity that no network can tell apart:
hard-negative mining chases exactly these, and everything collapses. Merging too much merely loses a class (a class is
shown by one of its characters), so the rules lean to that side.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["merge", "stray_pixels"]

# Both were set by looking at the pairs around them, on bitmaps of 48 pixels.
_STRAY = 2  # of any two characters: above, accents begin to differ; below lie rasterisation and drawing tolerance
_STRAY_SAME_LETTER = 60  # of o and O, 2 and ², к and К: the same shape drawn bolder or narrower


def merge(bitmaps: NDArray[np.uint8], points: Sequence[int]) -> NDArray[np.intp]:
    """The class of each character, [characters], numbered from 0 in the order of their first characters.

    bitmaps: uint8 [characters, faces, side, side]; points: their code points. Two characters are joined when their
    bitmaps coincide in *any* face: at most 2 pixels astray (`stray_pixels`), or 60 where both are the same letter but
    for case and typographic form (Unicode NFKC, case-folded). Classes are the connected components.
    """
    letters = [unicodedata.normalize("NFKC", chr(point)).casefold() for point in points]
    _, number = np.unique(letters, return_inverse=True)
    tolerance = np.where(number[:, None] == number[None, :], _STRAY_SAME_LETTER, _STRAY)
    joined = np.zeros(tolerance.shape, bool)
    for face in range(bitmaps.shape[1]):
        joined |= stray_pixels(torch.from_numpy(bitmaps[:, face])).numpy() <= tolerance
    components = connected_components(coo_array(joined), directed=False)[1]
    _, first, classes = np.unique(components, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[classes]


def stray_pixels(bitmaps: Tensor) -> Tensor:
    """How far each two bitmaps are from coinciding: float32 [n, n], symmetric, 0 where they coincide.

    bitmaps: uint8 [n, side, side], ink where above 127. A pixel of ink is astray if the other has no ink at it or
    beside it (8 neighbours), a pixel of background if the other has no background there. The result is the largest
    of the four counts (ink and background, either way), whole numbers.
    """
    ink = (bitmaps > 127).float()[:, None]
    near_ink = torch.nn.functional.max_pool2d(ink, 3, stride=1, padding=1).flatten(1)
    inner_ink = 1 - torch.nn.functional.max_pool2d(1 - ink, 3, stride=1, padding=1).flatten(1)
    ink = ink.flatten(1)
    # Ink of i that is not near ink of j; and background of j within ink of i that lies inside all around.
    ink_astray = ink.sum(1, keepdim=True) - ink @ near_ink.T
    background_astray = inner_ink.sum(1, keepdim=True) - inner_ink @ ink.T
    astray = torch.maximum(ink_astray, background_astray)
    return torch.maximum(astray, astray.T)
