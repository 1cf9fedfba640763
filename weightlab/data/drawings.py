"""The characters of many faces, drawn by several processes, without copies and look-alikes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from weightlab.data import merging, rendering
from weightlab.data.ahead import ahead
from weightlab.data.faces import Face, charmap, open_face
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["Chosen", "Counts", "Plan", "draw"]

_BLOCK = 64  # characters that a process draws at once
# Set by looking at the pairs around it: below lie the regional forms of a family, which differ by a dot or not at all;
# above, designs and weights begin to differ.
_COPY = 10  # stray pixels, at most, of a drawing that repeats another of the same character
_SIDE = rendering.SIDE

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]  # goes through so many, showing how far it is


@dataclass(frozen=True)
class Counts:
    """What was left out.

    shared: drawings that faces of a collection share.
    copies: drawings that hardly differ from another face's of the same character.
    blank: glyphs without ink, or with the box that stands for a missing one.
    broken: glyphs that can't be drawn.
    few: characters that too few faces draw.
    merged: characters that look like another, which stands for them.
    """

    shared: int
    copies: int
    blank: int
    broken: tuple[str, ...]
    few: int
    merged: int


@dataclass(frozen=True, eq=False)
class Chosen:
    """The images that are left, in the order of the code points and, for each, of the faces.

    points: int32 [classes], the code point of each class, ascending.
    counts: int32 [classes], how many faces each has.
    faces: int32 [N], the face of each image.
    drawn: the bitmaps of all that was drawn, and of which `rows`, int64 [N], are the images.
    left_out: what isn't there, and why.
    """

    points: NDArray[np.int32]
    counts: NDArray[np.int32]
    faces: NDArray[np.int32]
    drawn: IO[bytes]
    rows: NDArray[np.int64]
    left_out: Counts

    def copy_to(self, path: Path) -> None:
        """Write the bitmaps as a .npy file, uint8 [N, side, side]."""
        size = _SIDE * _SIDE
        file = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(self.rows), _SIDE, _SIDE))
        for image, row in enumerate(self.rows.tolist()):
            self.drawn.seek(row * size)
            file[image] = np.frombuffer(self.drawn.read(size), np.uint8).reshape(_SIDE, _SIDE)
        file.flush()


@dataclass(frozen=True, eq=False)
class _Block:
    """What a process has drawn.

    kept: uint8 [n, side, side], the drawings that become images; points, faces: int64 [n], of each.
    ink: uint8 [m, side · side / 8], where *all* drawings have ink, a bit a pixel; cells: int64 [m], of each.
    blank, copies: how many. broken: int64 [·], the cells that can't be drawn.
    """

    kept: NDArray[np.uint8]
    points: NDArray[np.int64]
    faces: NDArray[np.int64]
    ink: NDArray[np.uint8]
    cells: NDArray[np.int64]
    blank: int
    copies: int
    broken: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be drawn: cells, each a character in a face, by code point and face.

    faces: all faces. outlines: int64 [faces], which of them have their shapes in common.
    points, face, glyph: int64 [cells]. starts: int64 [characters + 1], the first cell of each character.
    shared: how many cells are left out, of faces that share the glyph with one before.
    least: how many faces a character needs.
    """

    faces: tuple[Face, ...]
    outlines: NDArray[np.int64]
    points: NDArray[np.int64]
    face: NDArray[np.int64]
    glyph: NDArray[np.int64]
    starts: NDArray[np.int64]
    shared: int
    least: int

    @classmethod
    def of(cls, faces: Sequence[Face], least: int) -> Plan:
        """Of all characters that at least so many faces have, each with a glyph of its own."""
        outlines = np.unique([face.outlines for face in faces], return_inverse=True)[1].astype(np.int64)
        maps = [_shown(face) for face in faces]
        points, glyph = np.concatenate(maps, axis=1)
        face = np.repeat(np.arange(len(faces)), [found.shape[1] for found in maps])
        order = np.lexsort((face, glyph, outlines[face], points))  # those that share a glyph side by side
        same = np.stack([points, outlines[face], glyph])[:, order]
        own = order[np.append(True, (same[:, 1:] != same[:, :-1]).any(axis=0))[: len(order)]]
        own = own[np.lexsort((face[own], points[own]))]
        shared = len(points) - len(own)
        points, face, glyph = points[own], face[own], glyph[own]
        _, inverse, count = np.unique(points, return_inverse=True, return_counts=True)
        enough = count[inverse] >= least
        points, face, glyph = points[enough], face[enough], glyph[enough]
        starts = np.append(np.unique(points, return_index=True)[1], len(points)).astype(np.int64)
        return cls(tuple(faces), outlines, points, face, glyph, starts, shared, least)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def draw(self, block: int) -> _Block:
        """The characters of a block, without the drawings that repeat another of the same character."""
        first, last = self.starts[block * _BLOCK], self.starts[min((block + 1) * _BLOCK, len(self))]
        bitmaps, cells, broken = [], [], []
        for cell in range(int(first), int(last)):
            try:
                bitmap = self._bitmap(cell)
            except Exception:  # whatever FreeType says of outlines that are damaged
                broken.append(cell)
                continue
            if bitmap is not None:
                bitmaps.append(bitmap)
                cells.append(cell)
        drawn = torch.from_numpy(np.stack([*bitmaps, np.zeros((_SIDE, _SIDE), np.uint8)])[: len(cells)])
        return self._chosen(drawn, np.array(cells, np.int64), int(last - first), np.array(broken, np.int64))

    def _bitmap(self, cell: int) -> NDArray[np.uint8] | None:
        face = self.faces[self.face[cell]]
        bitmap = rendering.draw_glyph(open_face(face.path, face.number), int(self.glyph[cell]))
        missing = _missing(face)
        empty = bitmap is None or (missing is not None and np.array_equal(bitmap, missing))
        return None if empty else bitmap

    def _chosen(self, drawn: Tensor, cells: NDArray[np.int64], planned: int, broken: NDArray[np.int64]) -> _Block:
        points = self.points[cells]
        pairs = np.array(_pairs_of_equal(points), np.int64).reshape(-1, 2)
        near = merging.stray_pixels(drawn, torch.from_numpy(pairs)) <= _COPY
        kept = np.ones(len(cells), bool)
        for one, other in pairs[near.numpy()]:  # ascending: what is dropped drops no other
            kept[other] &= not kept[one]
        copies = int((~kept).sum())
        _, inverse = np.unique(points, return_inverse=True)
        enough = np.bincount(inverse, weights=kept, minlength=1)[inverse] >= self.least
        ink = np.packbits((drawn.numpy() > 127).reshape(len(cells), -1), axis=1)
        kept &= enough
        return _Block(
            drawn.numpy()[kept],
            points[kept],
            self.face[cells][kept],
            ink[enough],
            cells[enough],
            blank=planned - len(cells) - len(broken),
            copies=copies,
            broken=broken,
        )


@dataclass(frozen=True, eq=False)
class _Look:
    """Which characters look the same in one set of outlines after another.

    ink: uint8 [drawings, side · side / 8]. points, outlines: int64 [drawings].
    """

    ink: NDArray[np.uint8]
    points: NDArray[np.int64]
    outlines: NDArray[np.int64]

    def alike(self, outlines: int) -> Tensor:
        """The pairs of code points that look the same: int64 [n, 2]."""
        rows = np.flatnonzero(self.outlines == outlines)
        ink = np.unpackbits(self.ink[rows], axis=1).reshape(-1, _SIDE, _SIDE)
        points = torch.from_numpy(self.points[rows])
        pairs = points[merging.alike(torch.from_numpy(ink).mul_(255), points.tolist())]
        return pairs[pairs[:, 0] != pairs[:, 1]]


def draw(plan: Plan, folder: Path, track: Track) -> Chosen:
    """Draw all that is planned, and choose: the same, however many processes there are.

    folder: where the bitmaps are held meanwhile, in a file without a name.
    """
    drawn = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (handed on)
    blocks = []
    count = -(-len(plan) // _BLOCK)
    for block in track(ahead(plan.draw, range(count), slow=True), count, "drawing characters"):
        drawn.write(block.kept.data)
        blocks.append(replace(block, kept=block.kept[:0].copy()))
    points, faces, ink, cells, broken = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("points", "faces", "ink", "cells", "broken")
    )
    characters, counts = np.unique(points, return_counts=True)
    classes = _classes(_Look(ink, plan.points[cells], plan.outlines[plan.face[cells]]), characters, track)
    shows = _representatives(classes, counts)
    rows = np.flatnonzero(np.isin(points, characters[shows]))
    left_out = Counts(
        shared=plan.shared,
        copies=sum(block.copies for block in blocks),
        blank=sum(block.blank for block in blocks),
        broken=tuple(f"{plan.faces[plan.face[cell]].name}: U+{plan.points[cell]:04X}" for cell in broken),
        few=len(plan) - len(characters),
        merged=len(characters) - len(shows),
    )
    return Chosen(
        characters[shows].astype(np.int32),
        counts[shows].astype(np.int32),
        faces[rows].astype(np.int32),
        drawn,
        rows,
        left_out,
    )


def _classes(look: _Look, characters: NDArray[np.int64], track: Track) -> NDArray[np.intp]:
    """The class of each character."""
    count = int(look.outlines.max(initial=-1)) + 1
    found = track(ahead(look.alike, range(count), slow=True), count, "comparing them")
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *(each.numpy().copy() for each in found)])
    return merging.components(np.searchsorted(characters, pairs), len(characters))


def _representatives(classes: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of each class the character with the most drawings, of several the first; in ascending order."""
    order = np.lexsort((np.arange(len(classes)), -counts, classes))
    return np.sort(order[np.unique(classes[order], return_index=True)[1]])


def _pairs_of_equal(points: NDArray[np.int64]) -> list[tuple[int, int]]:
    """The pairs of rows with one code point, which lie side by side; in ascending order."""
    pairs, row = [], 0
    for count in np.unique(points, return_counts=True)[1].tolist():
        pairs += [(row + one, row + other) for one in range(count) for other in range(one + 1, count)]
        row += count
    return pairs


def _shown(face: Face) -> NDArray[np.int64]:
    """The code points that a face has, of characters that have a shape, and their glyphs: int64 [2, n]."""
    found = [(point, glyph) for point, glyph in charmap(face).items() if _has_shape(point)]
    return np.array(found, np.int64).reshape(-1, 2).T


_has_shape = cache(rendering.has_shape)


@cache
def _missing(face: Face) -> NDArray[np.uint8] | None:
    """What the face draws for a character that it lacks: some have it under other numbers as well."""
    try:
        return rendering.draw_glyph(open_face(face.path, face.number), 0)
    except Exception:  # whatever FreeType says of outlines that are damaged
        return None
