from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from weightlab.data import merging, rendering


@pytest.fixture(scope="module")
def some() -> tuple[NDArray[np.uint8], list[int]]:
    """A few characters in two faces, with look-alikes among them."""
    faces = [rendering.open_faces()[number] for number in (0, 8)]
    text = "AΑАOo0оC(c¢ÉÊËëeéè2²₂3ЗзS-–_|Il1GɢƎ∃.:;KKк"
    return rendering.render(faces, [ord(character) for character in text])


def astray(first: NDArray[np.bool], second: NDArray[np.bool], reach: int) -> int:
    """The definition, word for word."""
    square = np.ones((2 * reach + 1, 2 * reach + 1), bool)

    def far(one: NDArray[np.bool], other: NDArray[np.bool]) -> int:
        return (one & ~binary_dilation(other, square)).sum()

    # The background goes on outside of the bitmap, but no ink of the other bitmap is there to be astray from it.
    ink = max(far(first, second), far(second, first))
    return max(ink, far(~first, ~second), far(~second, ~first))


@pytest.mark.parametrize("reach", [1, 2])
def test_stray_pixels_are_what_the_definition_says(some: tuple[NDArray[np.uint8], list[int]], reach: int) -> None:
    bitmaps = some[0][:, 0]
    pairs = torch.combinations(torch.arange(len(bitmaps)), with_replacement=True)
    counted = merging.stray_pixels(torch.from_numpy(bitmaps), pairs, reach)
    ink = bitmaps > 127
    assert counted.tolist() == [astray(ink[i], ink[j], reach) for i, j in pairs.tolist()]


def test_no_pair_is_missed_by_the_search(some: tuple[NDArray[np.uint8], list[int]]) -> None:
    bitmaps = torch.from_numpy(some[0][:, 1])
    pairs = torch.combinations(torch.arange(len(bitmaps)))
    shapes = merging._Shapes.of(bitmaps, 1)
    for at_most in (0, 2, 60):
        expected = pairs[merging.stray_pixels(bitmaps, pairs) <= at_most]
        assert torch.equal(shapes.coinciding(shapes.candidates(at_most), at_most), expected)
        assert len(expected)


def test_merging_joins_look_alikes_and_keeps_accents_apart(some: tuple[NDArray[np.uint8], list[int]]) -> None:
    bitmaps, points = some
    number = dict(zip(map(chr, points), merging.merge(bitmaps, points).tolist(), strict=True))
    for same in ("AΑА", "Ooо", "Cc", "2²₂", "Зз", "Gɢ", "Ǝ∃", "KK"):
        assert len({number[character] for character in same}) == 1, same
    assert len({number[character] for character in "A0C¢ÉËëeéè23S-G.:;1"}) == 19


def test_coinciding_in_one_face_is_enough_and_chains() -> None:
    blank = np.zeros((4, 2, 48, 48), np.uint8)
    for row, (first, second) in enumerate([(4, 20), (4, 30), (12, 30), (40, 44)]):
        blank[row, 0, :, first : first + 3] = 255
        blank[row, 1, :, second : second + 3] = 255
    # 0 and 1 coincide in the first face, 1 and 2 in the second, 3 with none.
    assert merging.merge(blank, [ord(character) for character in "abcd"]).tolist() == [0, 0, 0, 1]


def test_classes_are_numbered_by_their_first_character() -> None:
    bitmaps = np.zeros((3, 1, 48, 48), np.uint8)
    bitmaps[[0, 2], :, 10:20] = 255
    bitmaps[1, :, :, 10:20] = 255
    assert merging.merge(bitmaps, [ord(character) for character in "xyz"]).tolist() == [0, 1, 0]


def test_the_same_letter_may_stray_further_than_another() -> None:
    bitmaps = np.zeros((3, 1, 48, 48), np.uint8)
    bitmaps[:, :, 10:20, 10:40] = 255
    bitmaps[1:, :, 30:35, 10:20] = 255  # 50 pixels of ink far from any
    assert merging.merge(bitmaps, [ord("s"), ord("S"), ord("z")]).tolist() == [0, 0, 0]
    bitmaps[2] = 0
    bitmaps[2, :, 10:20, 10:40] = 255
    bitmaps[2, :, 40:45, 30:40] = 255
    assert merging.merge(bitmaps, [ord("s"), ord("S"), ord("z")]).tolist() == [0, 0, 1]


def test_ideographs_are_told_apart_by_what_would_be_an_accent_but_not_compatibility_forms() -> None:
    bitmaps = np.zeros((3, 1, 48, 48), np.uint8)
    bitmaps[:, :, 10:20, 10:40] = 255
    bitmaps[1, :, 20:22, 20:30] = 255  # all of it within two pixels of the ink of the others
    bitmaps[2, :, 30:45, 20:30] = 255
    assert merging.merge(bitmaps, [ord("ɢ"), ord("ʜ"), ord("s")]).tolist() == [0, 0, 1]
    assert merging.merge(bitmaps, [ord("未"), ord("末"), ord("本")]).tolist() == [0, 1, 2]
    assert merging.merge(bitmaps, [ord("豈"), ord("未"), 0xF900]).tolist() == [0, 1, 0]  # F900 is 豈 by definition
