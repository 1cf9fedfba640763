from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from data.font_files import MONO, TEXT, font_files
from fontTools.ttLib import TTCollection, TTFont, newTable
from fontTools.ttLib.tables.sbixGlyph import Glyph
from fontTools.ttLib.tables.sbixStrike import Strike

from weightlab import data
from weightlab.data import Draw, drawings, fonts, merging, rendering
from weightlab.errors import InputError
from weightlab.train import TrainConfig, train


@pytest.fixture(scope="module")
def subsets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return font_files(tmp_path_factory.mktemp("subsets"))


@pytest.fixture
def folder(subsets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the small fonts, and a cache of its own."""
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "cache"))
    shutil.copytree(subsets, tmp_path / "fonts")
    return tmp_path / "fonts"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often characters were drawn."""
    calls = []

    def draw(*arguments: object) -> drawings.Chosen:
        calls.append(1)
        return drawings.draw(*arguments)

    monkeypatch.setattr(fonts, "draw", draw)
    return calls


def characters(folder: Path, options: str = "", **keywords: bool) -> fonts.Characters:
    return fonts.read_or_draw(data.Source.parse(f"fonts:{folder}{options}"), **keywords)


def test_classes_are_the_characters_that_enough_faces_have(folder: Path) -> None:
    found = characters(folder)
    shown = {chr(point): int(count) for point, count in zip(found.points, found.counts, strict=True)}
    assert {shown[each] for each in MONO} == {5}  # A stands for А as well, which SansMono lacks
    assert {shown[each] for each in "BEFJLNPQSTUVWXYZ2345679&?"} == {4}
    assert set(shown) == set(TEXT) - set("АВ — \u0301█")
    assert found.bitmaps.shape == (8 * 5 + 25 * 4, 48, 48)
    assert len(characters(folder, "(faces=5)").points) == 8


def test_bitmaps_are_those_of_glyphs_but_for_greys(folder: Path) -> None:
    found = characters(folder)
    row = found.counts[: list(found.points).index(ord("N"))].sum()
    names = [found.names[face] for face in found.faces[row : row + 4]]
    assert names == ["Sans-Bold.ttf", "Sans.ttf", "Serif-Bold.ttf", "Serif.ttf"]
    faces = [rendering.open_faces()[rendering.FACES.index(f"DejaVu{style}")] for style in ("Sans-Bold", "Sans")]
    both = torch.from_numpy(np.stack([*rendering.render(faces, [ord("N")])[0][0], *found.bitmaps[row : row + 2]]))
    assert merging.stray_pixels(both, torch.tensor([[0, 2], [1, 3]])).tolist() == [0, 0]
    ink = found.bitmaps.max(axis=0) > 0
    assert 45 <= max(ink.any(axis=0).sum(), ink.any(axis=1).sum()) <= 48


def test_it_is_the_same_from_one_process_and_from_two(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "_BLOCK", 7)
    contents = []
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        monkeypatch.setenv("WEIGHTLAB_CACHE", str(folder.parent / f"cache {threads}"))
        data.load(f"fonts:{folder}")
        contents.append([path.read_bytes() for path in sorted((folder.parent / f"cache {threads}").glob("*.npy"))])
    assert len(contents[0]) == 1
    assert contents[0] == contents[1]


def test_the_second_load_draws_nothing(folder: Path, drawn: list[int]) -> None:
    first, second = data.load(f"fonts:{folder}"), data.load(f"fonts:{folder}")
    assert len(drawn) == 1
    rows = torch.arange(len(first.test))
    assert torch.equal(first.test.inputs(rows), second.test.inputs(rows))
    assert len(list((folder.parent / "cache").iterdir())) == 2  # and nothing else is left
    data.load(f"fonts:{folder}(faces=5)")
    assert len(drawn) == 2


@pytest.mark.parametrize("damage", ["bitmaps", "bitmaps gone", "bitmaps cut off", "index"])
def test_a_damaged_cache_is_made_again(folder: Path, drawn: list[int], damage: str) -> None:
    good = data.load(f"fonts:{folder}")
    (bitmaps,), (index,) = ((folder.parent / "cache").glob(f"*.{suffix}") for suffix in ("npy", "npz"))
    content = bitmaps.read_bytes()
    if damage == "bitmaps":
        bitmaps.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "bitmaps gone":
        bitmaps.unlink()
    elif damage == "bitmaps cut off":
        bitmaps.write_bytes(content[: len(content) // 2])
    else:
        index.write_bytes(b"no zip file")
    again = data.load(f"fonts:{folder}")
    assert len(drawn) == 2
    assert bitmaps.read_bytes() == content
    assert torch.equal(good.train.labels, again.train.labels)


def test_other_content_is_another_version(folder: Path, drawn: list[int]) -> None:
    before = data.version(f"fonts:{folder}")
    os.utime(folder / "Sans.ttf", (0, 0))
    assert data.version(f"fonts:{folder}") == before
    (folder / "SansMono.ttf").unlink()
    assert data.version(f"fonts:{folder}") != before
    assert f"matplotlib-{matplotlib.__version__}" in before


def test_faces_that_draw_the_same_are_one_instance(folder: Path) -> None:
    before = characters(folder)
    (folder / "copies").mkdir()
    shutil.copy(folder / "Sans.ttf", folder / "copies" / "another name.TTF")  # the same bytes
    with TTFont(folder / "Serif.ttf") as font:  # other bytes, the same shapes
        font["name"].setName("Another", 1, 3, 1, 0x409)
        font.save(folder / "copies" / "Serif renamed.otf")
    after = characters(folder)
    assert np.array_equal(before.points, after.points)
    assert np.array_equal(before.counts, after.counts)
    assert len(after.names) == len(before.names) + 1
    copies = int((after.counts >= 4).sum())
    assert f"left out: {copies}" not in before.notes[0]
    assert data.inspect(f"fonts:{folder}").facts[0] == "6 faces, 1 files that are copies of others"


def test_collections_give_all_their_faces(folder: Path) -> None:
    alone = characters(folder)
    collection = TTCollection()
    collection.fonts = [TTFont(folder / f"{style}.ttf") for style in ("Sans", "Serif")]
    collection.save(folder / "both.ttc")
    for style in ("Sans", "Serif"):
        (folder / f"{style}.ttf").unlink()
    together = characters(folder)
    assert together.names == ("Sans-Bold.ttf", "SansMono.ttf", "Serif-Bold.ttf", "both.ttc#0", "both.ttc#1")
    assert np.array_equal(alone.counts, together.counts)
    assert sorted(map(bytes, alone.bitmaps)) == sorted(map(bytes, together.bitmaps))


def test_a_glyph_that_faces_of_a_collection_share_is_one_instance(folder: Path) -> None:
    with TTFont(folder / "Sans.ttf") as one, TTFont(folder / "Sans.ttf") as other:
        table = other["cmap"].getBestCmap()
        for cmap in other["cmap"].tables:
            cmap.cmap[ord("Q")] = table[ord("R")]  # the second face has another shape for Q
        collection = TTCollection()
        collection.fonts = [one, other]
        collection.save(folder / "Sans.ttc", shareTables=True)
    (folder / "Sans.ttf").unlink()
    found = characters(folder)
    shown = dict(zip(map(chr, found.points), found.counts, strict=True))
    assert shown["S"] == 4
    assert len(found.points) == 32
    assert shown["Q"] == 5
    assert "R" not in shown  # Q looks like it in a face, and has more drawings


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:9000])


def _with_a_broken_glyph(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with TTFont(path) as font:
        start = font.reader.tables["glyf"].offset
        offset = font["loca"][font.getGlyphID(font.getBestCmap()[ord("R")])]
    content[start + offset + 10 : start + offset + 12] = b"\xff\x00"  # where the first contour ends
    path.write_bytes(content)


def _without_outlines(path: Path) -> None:
    with TTFont(path) as font:
        font["sbix"] = newTable("sbix")
        font["sbix"].strikes[16] = Strike(ppem=16, resolution=72)
        for name in font.getGlyphOrder():
            font["sbix"].strikes[16].glyphs[name] = Glyph(glyphName=name)
        del font["glyf"], font["loca"]
        font.save(path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_cut_off, r"Sans\.ttf: is cut off: its table \w+ ends beyond it"),
        (lambda path: path.write_bytes(b"no font"), r"Sans\.ttf is damaged or no font: "),
        (lambda path: path.write_bytes(b""), r"Sans\.ttf is damaged or no font: "),
        (lambda path: (path.unlink(), path.symlink_to("nowhere")), r"Sans\.ttf: can't be read: No such file"),
        (lambda path: (path.unlink(), path.symlink_to("/etc/passwd")), r"Sans\.ttf: is a link to /etc/passwd, outside"),
        (_with_a_broken_glyph, r"1 glyphs can't be drawn, the first Sans\.ttf: U\+0052"),
        (_without_outlines, r"Sans\.ttf: has bitmaps or pictures only"),
    ],
)
def test_fonts_that_cannot_be_used_are_named_or_skipped(
    folder: Path, drawn: list[int], spoil: Callable[[Path], object], said: str
) -> None:
    spoil(folder / "Sans.ttf")
    for _ in range(2):  # the second time, perhaps, from the cache
        with pytest.raises(InputError, match=f"can't be used: {said}.*--skip-damaged"):
            data.load(f"fonts:{folder}(faces=3)")
    found = data.load(f"fonts:{folder}(faces=3)", skip_damaged=True)
    assert "left out" in found.notes[1]
    assert "Sans.ttf" in found.notes[1]
    with pytest.raises(InputError, match="can't be used"):
        data.load(f"fonts:{folder}(faces=3)")
    assert len(drawn) == 1


def test_what_is_no_folder_of_fonts(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, said in (
        (tmp_path / "empty", r"holds no fonts: no file in it ends in \.ttf"),
        (tmp_path / "nowhere", "there is no folder"),
        (folder / "Sans.ttf", "is a file, not a folder of fonts"),
    ):
        for call in (data.load, data.version, data.inspect):
            with pytest.raises(InputError, match=said):
                call(f"fonts:{path}")
    with pytest.raises(InputError, match="no character is in 9 of the 5 faces"):
        data.load(f"fonts:{folder}(faces=9)")
    for text, said in (
        ("fonts", "lacks its place"),
        ("fonts:x(faces=1)", "faces of fonts must be a whole number of 2 to 1000"),
        ("fonts:x(face=4)", "unknown option of fonts 'face': did you mean 'faces'"),
    ):
        with pytest.raises(InputError, match=said):
            data.check(text)
    with pytest.raises(InputError, match="light or none"):
        data.load(f"fonts:{folder}", augment="crop-flip")


def test_few_classes_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"has 8 classes, 4 to train on and 0 to test on"):
        data.load(f"fonts:{folder}(faces=5)", validation=True)


def test_rows_labels_and_names_belong_together(folder: Path) -> None:
    everything, found = characters(folder), data.load(f"fonts:{folder}", size=48, augment="none")
    bitmaps = {}
    for split in (found.train, found.test):
        assert split.paths is not None
        assert split.class_names is not None
        for row, label in enumerate(split.labels.tolist()):
            bitmap = split.inputs.bitmaps[split.inputs.rows[row], 0].numpy().tobytes()
            bitmaps[split.class_names[label], split.paths[row]] = bitmap
    row = 0
    for point, count in zip(everything.points, everything.counts, strict=True):
        for _ in range(count):
            assert bitmaps.pop((chr(point), everything.names[everything.faces[row]])) == bytes(everything.bitmaps[row])
            row += 1
    assert not bitmaps
    kept = data.load(f"fonts:{folder}", validation=True)
    assert kept.train.class_names is not None
    assert kept.test.class_names is not None
    assert {*kept.train.class_names, *kept.test.class_names} == set(found.train.class_names)


def test_images_are_fixed_without_a_draw_and_fresh_with_one(folder: Path) -> None:
    split, rows = data.load(f"fonts:{folder}").train, torch.arange(30)
    assert split.inputs.shape == (1, 24, 24)
    fixed, first = split.inputs(rows), split.inputs(rows, Draw(1, 5))
    assert fixed.shape == (30, 1, 24, 24)
    assert torch.equal(fixed[7:9], split.inputs(rows[7:9]))
    assert torch.equal(first[[17, 4]], split.inputs(torch.tensor([17, 4]), Draw(1, 5)))
    assert not torch.equal(first, fixed)
    assert not torch.equal(first, split.inputs(rows, Draw(1, 6)))
    with pytest.raises(InputError, match="rows go from 0 to"):
        split.inputs(torch.tensor([len(split)]))


def test_three_steps_of_training(folder: Path) -> None:
    config = TrainConfig(
        data=f"fonts:{folder}", steps=3, batch=8, per_class=2, memory=16, memory_start=1, width=2, dimensions=4
    )
    assert 0 <= train(config).metrics["R@1"] <= 1
