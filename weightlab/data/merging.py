"""Which characters look the same, and so must be one class.

Latin A and Greek Α in two classes would be a negative pair of the highest similarity that no network can tell apart:
hard-negative mining chases exactly these, and everything collapses. Merging too much merely loses a class (a class is
shown by one of its characters), so the rules lean to that side.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["merge", "stray_pixels"]

# Set by looking at the pairs around them, on bitmaps of 48 pixels.
_STRAY = 2  # of any two characters: above, accents begin to differ; below lie rasterisation and drawing tolerance
_STRAY_SAME_LETTER = 60  # of o and O, 2 and ², к and К: the same shape drawn bolder or narrower
_REACH_BARE = 2  # of two characters without accents (G and ɢ, Ǝ and ∃): nothing as small as an accent tells them apart
_BLOCK = 4  # pixels of a block's side, in the search for pairs that may coincide


def merge(bitmaps: NDArray[np.uint8], points: Sequence[int]) -> NDArray[np.intp]:
    """The class of each character, [characters], numbered from 0 in the order of their first characters.

    bitmaps: uint8 [characters, faces, side, side]; points: their code points. Two characters are joined when their
    bitmaps coincide in *any* face: when at most 2 pixels are more than one pixel astray (`stray_pixels`), or 60 where
    both are the same letter but for case and typographic form (Unicode NFKC, case-folded); or when at most 2 are more
    than two pixels astray and neither has an accent or another Unicode decomposition. Classes are the connected
    components.
    """
    letters = _same_letter(points)
    bare = torch.tensor([not unicodedata.decomposition(chr(point)) for point in points]).nonzero().flatten()
    joined = []
    for face in torch.from_numpy(bitmaps).unbind(dim=1):
        near, far = _Shapes.of(face, reach=1), _Shapes.of(face[bare], reach=_REACH_BARE)
        joined += [near.coinciding(near.candidates(_STRAY), _STRAY), near.coinciding(letters, _STRAY_SAME_LETTER)]
        joined += [bare[far.coinciding(far.candidates(_STRAY), _STRAY)]]
    first, second = torch.cat(joined).T.numpy()
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(points), len(points)))
    components = connected_components(graph, directed=False)[1]
    _, start, classes = np.unique(components, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(start))[classes]


def stray_pixels(bitmaps: Tensor, pairs: Tensor, reach: int = 1) -> Tensor:
    """How far the bitmaps of each pair are from coinciding: int64 [n], 0 where they coincide.

    bitmaps: uint8 [rows, side, side], ink where above 127; pairs: int64 [n, 2], of rows. A pixel of ink is astray if
    the other bitmap has no ink within `reach` pixels, up, down, sideways or diagonally; a pixel of background likewise.
    The result is the largest of the four counts (ink and background, either way).
    """
    return _Shapes.of(bitmaps, reach).astray(pairs)


@dataclass(frozen=True, eq=False)
class _Shapes:
    """Where bitmaps have ink, bool [rows, side, side] each.

    ink: the pixels of ink.
    near: the pixels near ink.
    amid: the pixels amid ink, with all the neighbourhood ink.
    """

    ink: Tensor
    near: Tensor
    amid: Tensor

    @classmethod
    def of(cls, bitmaps: Tensor, reach: int) -> _Shapes:
        ink = bitmaps > 127
        return cls(ink, _spread(ink, reach), ~_spread(~ink, reach))

    def astray(self, pairs: Tensor) -> Tensor:
        """The stray pixels of each pair."""
        counts = torch.zeros(len(pairs), dtype=torch.int64)
        for one, other in (pairs.T, pairs.flip(1).T):
            ink = (self.ink[one] & ~self.near[other]).sum(dim=(1, 2))
            background = (self.amid[one] & ~self.ink[other]).sum(dim=(1, 2))
            counts = torch.maximum(counts, torch.maximum(ink, background))
        return counts

    def coinciding(self, pairs: Tensor, at_most: int) -> Tensor:
        """Those of the pairs with at most so many stray pixels."""
        return pairs[self.astray(pairs) <= at_most]

    def candidates(self, at_most: int) -> Tensor:
        """All pairs that may have so few: int64 [n, 2]. It counts blocks with ink where the other has none near.

        Each such block has a stray pixel at least, so none is missed; and it takes a matrix product on few numbers,
        where all pixels of all pairs would take a minute.
        """
        ink, near, amid = (_blocks(mask) for mask in (self.ink, self.near, self.amid))
        bound = torch.maximum(_lacking(ink, near), _lacking(amid, ink))
        return torch.nonzero((torch.maximum(bound, bound.T) <= at_most).triu(diagonal=1))


def _same_letter(points: Sequence[int]) -> Tensor:
    """The pairs that are equal but for case and typographic form: int64 [n, 2]."""
    letters = np.array([unicodedata.normalize("NFKC", chr(point)).casefold() for point in points])
    return torch.nonzero(torch.from_numpy(letters[:, None] == letters[None, :]).triu(diagonal=1))


def _lacking(some: Tensor, others: Tensor) -> Tensor:
    """[i, j]: how many are set in row i of `some`, but not in row j of `others`; both are 0 or 1."""
    return some.sum(dim=1, keepdim=True) - some @ others.T


def _blocks(mask: Tensor) -> Tensor:
    """Which blocks have anything set: float [rows, blocks]."""
    return torch.nn.functional.max_pool2d(mask.float()[:, None], _BLOCK, ceil_mode=True).flatten(1)


def _spread(mask: Tensor, reach: int) -> Tensor:
    """What is set, or has something set within `reach` pixels in a row and a column: bool [rows, side, side]."""
    for axis in (1, 2):
        shifted = mask.clone()
        for step in range(1, reach + 1):
            kept = mask.shape[axis] - step
            shifted.narrow(axis, step, kept).logical_or_(mask.narrow(axis, 0, kept))
            shifted.narrow(axis, 0, kept).logical_or_(mask.narrow(axis, step, kept))
        mask = shifted
    return mask
