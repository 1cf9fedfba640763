"""Which characters look the same, and so must be one class.

Latin A and Greek Α in two classes would be a negative pair of the highest similarity that no network can tell apart:
hard-negative mining chases exactly these, and everything collapses. Merging too much merely loses a class (a class is
shown by one of its characters), so the rules lean to that side.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["alike", "components", "merge", "stray_pixels"]

# Set by looking at the pairs around them, on bitmaps of 48 pixels.
_STRAY = 2  # of any two characters: above, accents begin to differ; below lie rasterisation and drawing tolerance
_STRAY_SAME_LETTER = 60  # of o and O, 2 and ², к and К: the same shape drawn bolder or narrower
_REACH_BARE = 2  # of two characters without accents (G and ɢ, Ǝ and ∃): nothing as small as an accent tells them apart
_SAMPLE = 7  # one pixel in so many is looked at in the search for pairs that may coincide; no divisor of a side
_ROWS = 512  # of the search at once
_PAIRS = 4096  # looked at pixel by pixel at once


def merge(bitmaps: NDArray[np.uint8], points: Sequence[int]) -> NDArray[np.intp]:
    """The class of each character, [characters], numbered from 0 in the order of their first characters.

    bitmaps: uint8 [characters, faces, side, side]; points: their code points. Two characters are joined when they are
    `alike` in *any* face. Classes are the connected components.
    """
    pairs = torch.cat([alike(face, points) for face in torch.from_numpy(bitmaps).unbind(dim=1)])
    return components(pairs.numpy(), len(points))


def alike(bitmaps: Tensor, points: Sequence[int]) -> Tensor:
    """The pairs of characters that look the same in a face: int64 [n, 2], of rows, the lower one first.

    bitmaps: uint8 [rows, side, side]; points: what each shows; a character may have several drawings. Two look the same
    when at most 2 pixels are more than one pixel astray (`stray_pixels`), or 60 where both are the same letter but for
    case and typographic form (Unicode NFKC, case-folded); or when at most 2 are more than two pixels astray and neither
    has an accent or another Unicode decomposition, or is as wide as an ideograph: strokes of ideographs lie so near one
    another that most pixels are within two of ink, whatever they are. Ideographs that Unicode holds to be one (NFC, as
    the compatibility ideographs are) look the same by definition.
    """
    near = _Shapes.of(bitmaps, reach=1)
    found = [near.coinciding(near.candidates(_STRAY), _STRAY)]
    found += [near.coinciding(_equal([_letter(point) for point in points]), _STRAY_SAME_LETTER)]
    wide = _rows([_is_wide(point) for point in points])
    found += [wide[_equal([unicodedata.normalize("NFC", chr(points[row])) for row in wide])]]
    bare = _rows([not _is_wide(point) and not unicodedata.decomposition(chr(point)) for point in points])
    far = _Shapes.of(bitmaps[bare], reach=_REACH_BARE)
    found += [bare[far.coinciding(far.candidates(_STRAY), _STRAY)]]
    return torch.cat(found)


def components(pairs: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """The connected component of each of `count` characters, [count], numbered in the order of their first ones."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = pairs.T
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(count, count))
    found = connected_components(graph, directed=False)[1]
    _, start, classes = np.unique(found, return_index=True, return_inverse=True)
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
        kept = [block[self.astray(block) <= at_most] for block in pairs.split(_PAIRS)]
        return torch.cat(kept) if kept else pairs

    def candidates(self, at_most: int) -> Tensor:
        """All pairs that may have so few: int64 [n, 2], in ascending order.

        It counts the stray pixels of ink among one pixel in 7, either way. None is missed, and of those that are no
        pair almost all are left out; and it takes a matrix product, a block of rows at a time, where all pixels of all
        pairs would take hours.
        """
        ink, near = (mask.flatten(1)[:, ::_SAMPLE].float() for mask in (self.ink, self.near))
        found = []
        for start in range(0, len(ink), _ROWS):
            rows, others = slice(start, start + _ROWS), slice(start, None)
            astray = torch.maximum(_lacking(ink[rows], near[others]), _lacking(ink[others], near[rows]).T)
            found.append((astray <= at_most).triu(diagonal=1).nonzero() + start)
        return torch.cat(found) if found else torch.zeros(0, 2, dtype=torch.int64)


def _equal(texts: Sequence[str]) -> Tensor:
    """The pairs of rows with the same text: int64 [n, 2], in ascending order."""
    rows = defaultdict(list)
    for row, text in enumerate(texts):
        rows[text].append(row)
    pairs = sorted(pair for same in rows.values() for pair in combinations(same, 2))
    return torch.tensor(pairs, dtype=torch.int64).view(-1, 2)


def _letter(point: int) -> str:
    """What a character is but for case and typographic form."""
    return unicodedata.normalize("NFKC", chr(point)).casefold()


def _is_wide(point: int) -> bool:
    """Whether a character is as wide as an ideograph."""
    return unicodedata.east_asian_width(chr(point)) == "W"


def _rows(true: Sequence[bool]) -> Tensor:
    return torch.tensor(true, dtype=torch.bool).nonzero().flatten()


def _lacking(some: Tensor, others: Tensor) -> Tensor:
    """[i, j]: how many are set in row i of `some`, but not in row j of `others`; both are 0 or 1."""
    return some.sum(dim=1, keepdim=True) - some @ others.T


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
