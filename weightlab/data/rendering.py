"""Characters as bitmaps of one size: cropped to the ink, scaled to a common box."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from weightlab.errors import InputError
from weightlab.lazy import np

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font, Glyph
    from numpy.typing import NDArray

__all__ = ["FACES", "SIDE", "characters", "draw_glyph", "has_shape", "open_faces", "render"]

FACES = tuple(
    f"DejaVu{family}"
    for family in (
        *("Sans", "Sans-Bold", "Sans-Oblique", "Sans-BoldOblique"),
        *("SansMono", "SansMono-Bold", "SansMono-Oblique", "SansMono-BoldOblique"),
        *("Serif", "Serif-Bold", "Serif-Italic", "Serif-BoldItalic"),
    )
)
SIDE = 48  # pixels of a bitmap's side
_INK = 46  # pixels of the ink's longer side: one is left free at each edge
_FINER = 2  # drawn this much finer and averaged, so that the crop is good to a quarter of a pixel
_BOXES = range(0x2500, 0x25A0)  # Unicode's Box Drawing and Block Elements
_LARGEST = 2048  # pixels of a glyph's box, about what is drawn of it: a speck in a large box is no character
_PROBE = 64  # pixels an em at which a character is first measured


def open_faces() -> list[FT2Font]:
    """The 12 faces, in the order of FACES, from the folder that matplotlib itself ships."""
    import matplotlib
    from matplotlib.ft2font import FT2Font

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    paths = [folder / f"{face}.ttf" for face in FACES]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"matplotlib's font folder {folder} lacks {', '.join(missing)}: reinstall matplotlib")
    return [FT2Font(str(path)) for path in paths]


def characters(faces: Sequence[FT2Font]) -> list[int]:
    """The code points that have a glyph in *all* faces, so that every class has as many instances; ascending.

    Letters, numbers, punctuation and symbols only: the others have no ink, or, combining marks, no shape of their own
    (some versions of matplotlib draw them on a dotted circle, and their spacing forms are there anyway). No box drawing
    and no block elements: these differ in weight and length, as the faces of one class do.
    """
    # Glyph 0 is .notdef, the box that stands for a missing glyph.
    covered = [{point for point, glyph in face.get_charmap().items() if glyph} for face in faces]
    return sorted(point for point in set.intersection(*covered) if has_shape(point))


def has_shape(point: int) -> bool:
    """Whether a code point is a letter, a number, punctuation or a symbol, and no box drawing."""
    return unicodedata.category(chr(point))[0] in "LNPS" and point not in _BOXES


def render(faces: Sequence[FT2Font], points: Sequence[int]) -> tuple[NDArray[np.uint8], list[int]]:
    """Bitmaps uint8 [characters, faces, SIDE, SIDE], 255 for ink, and the code points that they show.

    A code point that leaves no ink in some face is left out. Each bitmap is cropped to its ink, scaled (with its
    proportions kept) until the longer side measures 46 pixels, and centred: place and size carry no class.
    """
    bitmaps = np.zeros((len(points), len(faces), SIDE, SIDE), np.uint8)
    blank = np.zeros(len(points), bool)
    for column, face in enumerate(faces):
        for row, point in enumerate(points):
            ink = _draw(face, point)
            blank[row] |= not ink.any()
            bitmaps[row, column] = _centred(ink)
    return bitmaps[~blank], [point for point, empty in zip(points, blank, strict=True) if not empty]


def draw_glyph(face: FT2Font, glyph: int) -> NDArray[np.uint8] | None:
    """The bitmap of a glyph by its number in the face, as `render` makes them; None where it leaves no ink.

    It takes a fourth of the time, for the text's layout is left out and the first size is measured, not drawn; where
    that misses the size by a pixel, the bitmap differs from `render`'s in some greys.
    """
    size, wanted = float(_PROBE), _FINER * _INK
    longer, ink = _measured(face, glyph, size), np.zeros((0, 0), np.uint8)
    for _ in range(3):
        if not longer or abs(longer - wanted) <= 1 < max(ink.shape):
            break
        size *= wanted / longer
        ink = _ink_of_glyph(face, glyph, size)
        longer = max(ink.shape)
    return _centred(ink) if 0 < max(ink.shape) <= SIDE * _FINER else None


def _draw(face: FT2Font, point: int) -> NDArray[np.uint8]:
    """The ink of one character, uint8 [height, width], its longer side _FINER · _INK pixels (±1); [0, 0] for none."""
    size, wanted = float(_PROBE), _FINER * _INK
    ink = _ink(face, point, size)
    # Ink is measured in whole pixels: the second time is near, the third is right. (FreeType's boxes hold the control
    # points of the curves too, which may lie outside of the ink.)
    for _ in range(2):
        if not ink.size or abs(max(ink.shape) - wanted) <= 1:
            break
        size *= wanted / max(ink.shape)
        ink = _ink(face, point, size)
    return ink


def _ink(face: FT2Font, point: int, size: float) -> NDArray[np.uint8]:
    """One character at `size` pixels an em, cropped to what isn't black."""
    from matplotlib.ft2font import LoadFlags

    face.set_size(size, 72)  # at 72 dots an inch, a point is a pixel
    face.set_text(chr(point), 0.0, flags=LoadFlags.NO_HINTING)  # hinting would bend each size in another way
    face.draw_glyphs_to_bitmap(antialiased=True)
    return _cropped(np.asarray(face.get_image()))


def _measured(face: FT2Font, glyph: int, size: float) -> float:
    """Pixels of the longer side of a glyph's box, which may be larger than its ink, at `size` pixels an em."""
    left, low, right, high = _loaded(face, glyph, size).bbox
    return max(right - left, high - low) / 64


def _ink_of_glyph(face: FT2Font, glyph: int, size: float) -> NDArray[np.uint8]:
    """One glyph at `size` pixels an em, cropped to what isn't black."""
    loaded = _loaded(face, glyph, size)
    left, low, right, high = loaded.bbox
    height, width = (high - low) // 64 + 3, (right - left) // 64 + 3  # boxes begin and end amid pixels
    if max(height, width) > _LARGEST:
        return np.zeros((0, 0), np.uint8)
    image = np.zeros((height, width), np.uint8)
    face.draw_glyph_to_bitmap(image, 1 - left // 64, 0, loaded, antialiased=True)
    return _cropped(image)


def _loaded(face: FT2Font, glyph: int, size: float) -> Glyph:
    from matplotlib.ft2font import LoadFlags

    face.clear()  # of the glyphs loaded before
    face.set_size(size, 72)
    return face.load_glyph(glyph, flags=LoadFlags.NO_HINTING)  # type: ignore[arg-type]  # its own kind of number


def _cropped(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`image` without the edges that are black."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), np.uint8)
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _centred(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`ink` in the middle of the fine canvas, averaged down to [SIDE, SIDE] in whole numbers."""
    canvas = np.zeros((SIDE * _FINER, SIDE * _FINER), np.uint16)
    height, width = ink.shape
    top, left = (canvas.shape[0] - height) // 2, (canvas.shape[1] - width) // 2
    canvas[top : top + height, left : left + width] = ink
    total = np.zeros((SIDE, SIDE), np.uint16)
    for row, column in np.ndindex(_FINER, _FINER):
        total += canvas[row::_FINER, column::_FINER]
    mean: NDArray[np.uint16] = (total + _FINER**2 // 2) // _FINER**2
    return mean.astype(np.uint8)
