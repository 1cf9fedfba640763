from __future__ import annotations

import numpy as np
import pytest
from matplotlib.ft2font import FT2Font

from weightlab.data import rendering


@pytest.fixture(scope="module")
def faces() -> list[FT2Font]:
    return rendering.open_faces()


def test_the_faces_are_the_twelve_text_faces(faces: list[FT2Font]) -> None:
    assert [face.postscript_name for face in faces] == list(rendering.FACES)
    assert len(set(rendering.FACES)) == 12


def test_every_character_is_in_every_face(faces: list[FT2Font]) -> None:
    points = rendering.characters(faces)
    assert points == sorted(set(points))
    for face in faces:
        assert all(face.get_char_index(point) > 0 for point in points)
    text = {chr(point) for point in points}
    assert set("aA1?+€") <= text
    assert not text & set(" \n\u00a0\u0301\u00ad─█א")  # spaces, marks, controls, boxes, and what Serif lacks


def test_ink_is_cropped_scaled_and_centred(faces: list[FT2Font]) -> None:
    bitmaps, points = rendering.render(faces[:1], [ord("."), ord("-"), ord("W")])
    assert points == [ord("."), ord("-"), ord("W")]
    rows, columns = np.nonzero(bitmaps[0, 0] > 127)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(23.5, abs=1)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(23.5, abs=1)
    for bitmap in bitmaps[:, 0]:
        ink = bitmap > 127
        assert max(ink.any(axis=0).sum(), ink.any(axis=1).sum()) in (45, 46)
    dash = bitmaps[1, 0] > 127
    assert dash.any(axis=1).sum() < dash.any(axis=0).sum() / 2  # its proportions are kept


def test_characters_without_ink_are_left_out(faces: list[FT2Font]) -> None:
    bitmaps, points = rendering.render(faces[:2], [ord("a"), ord(" "), ord("b")])
    assert points == [ord("a"), ord("b")]
    assert bitmaps.shape == (2, 2, 48, 48)
