from __future__ import annotations

import io
import logging
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import draw, folder_of

from weightlab import data
from weightlab.data.images import kept
from weightlab.data.images.decode import Decoded, decode
from weightlab.data.images.kept import Files, Library, Pixels, read_or_decode


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are decoded."""
    found: list[str] = []

    def spy(path: str, side: int) -> Decoded:
        found.append(path)
        return decode(path, side)

    monkeypatch.setattr(kept, "decode", spy)
    return found


def pictures(folder: Path, count: int = 5) -> list[str]:
    return sorted(str(draw(folder / f"{row}.png", row, (20 + row, 16))) for row in range(count))


def library(paths: list[str], side: int = 18, name: str = "replica") -> Library:
    stamps = [(os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in paths]
    return read_or_decode(name, paths, stamps, side)


def check(found: Library, paths: list[str], side: int = 18) -> None:
    for row, path in enumerate(paths):
        if row not in found.faults:
            assert np.array_equal(found.images[row], decode(path, side).pixels)
            assert found.sizes[row].tolist() == [decode(path, side).width, decode(path, side).height]


def test_pixels_are_kept_and_read_without_opening_an_image(tmp_path: Path, cache: Path, opened: list[str]) -> None:
    paths = pictures(tmp_path / "x")
    first = library(paths)
    assert opened == paths
    (file,) = cache.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    second = library(paths)
    assert opened == paths
    for found in (first, second):
        assert isinstance(found.images, Pixels)
        assert isinstance(found.images.values, np.memmap)
        check(found, paths)


def test_no_image_is_opened_the_second_time_whatever_the_split(tmp_path: Path, opened: list[str]) -> None:
    root = folder_of(tmp_path / "x")
    first = data.load(f"folder:{root}", size=16)
    count = len(opened)
    assert count == 18
    second = data.load(f"folder:{root}", size=16)
    data.load(f"folder:{root}(seed=1, test=0.3)", size=16, augment="light").train.inputs(torch.tensor([0, 1]))
    assert len(opened) == count
    assert second.name == "folder:x"
    index = torch.arange(len(first.train))
    assert torch.equal(first.train.inputs(index), second.train.inputs(index))


@pytest.mark.parametrize("change", ["content", "time", "name", "more", "less", "version", "pillow"])
def test_what_changes_is_decoded_again_and_replaces_the_old(
    change: str, tmp_path: Path, cache: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = pictures(tmp_path / "x")
    library(paths)
    if change == "content":
        draw(Path(paths[1]), 77, (30, 30))
    elif change == "time":
        os.utime(paths[1], ns=(1, 1))
    elif change == "name":
        paths[4] = shutil.move(paths[4], tmp_path / "x" / "new.png")
    elif change == "more":
        paths.append(str(draw(tmp_path / "x" / "9.png", 9)))
    elif change == "less":
        del paths[0]
    elif change == "version":
        monkeypatch.setattr(kept, "VERSION", kept.VERSION + 1)
    else:
        monkeypatch.setattr("PIL.__version__", "0")
    del opened[:]
    check(library(paths), paths)
    assert opened == paths
    assert len([*cache.iterdir()]) == 1


def test_other_sides_and_other_data_sets_stay(tmp_path: Path, cache: Path, opened: list[str]) -> None:
    paths, others = pictures(tmp_path / "x"), pictures(tmp_path / "y")
    for _ in range(2):
        check(library(paths), paths)
        check(library(paths, 9), paths, 9)
        check(library(others), others)
    assert len(opened) == 15
    assert len([*cache.iterdir()]) == 3


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"x" * 5000,
        *(lambda content, place=place: flipped(content, place) for place in (0, 1000, -400, -26, -20, -17, -3)),
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: content + b"\0",
        lambda content: content[100:],
    ],
)
def test_a_damaged_cache_is_made_again_with_a_warning(
    damaged: Any,  # noqa: ANN401
    tmp_path: Path,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
    opened: list[str],
) -> None:
    paths = pictures(tmp_path / "x")
    library(paths)
    (file,) = cache.iterdir()
    content = file.read_bytes()
    file.write_bytes(damaged(content) if callable(damaged) else damaged)
    del opened[:]
    with caplog.at_level(logging.WARNING):
        check(library(paths), paths)
    assert opened == paths
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"the cached images in {file} can't be used (")
    assert file.read_bytes() == content
    assert [*cache.iterdir()] == [file]


def test_past_the_bound_only_the_verdict_is_kept(
    tmp_path: Path, cache: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = pictures(tmp_path / "x")
    Path(paths[3]).write_bytes(b"no image")
    bytes_of = [decode(path, 18).pixels.nbytes for row, path in enumerate(paths) if row != 3]
    monkeypatch.setattr(kept, "_CHUNK", 2)
    monkeypatch.setattr(kept, "MOST_BYTES", sum(bytes_of) - 1)
    for expected in (paths, [paths[3]]):  # the second time only the damaged one is tried again
        del opened[:]
        found = library(paths)
        assert opened == expected
        assert found.faults == {3: "is no image of a known format"}
        assert isinstance(found.images, Files)
        check(found, paths)
    (file,) = cache.iterdir()
    assert file.stat().st_size < 2000
    shutil.rmtree(cache)
    monkeypatch.setattr(kept, "MOST_BYTES", sum(bytes_of))
    found = library(paths)
    assert isinstance(found.images, Pixels)
    check(found, paths)


def test_a_file_that_can_be_read_again_is(tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size and time tell nothing of who may read it."""
    paths = pictures(tmp_path / "x")
    real = io.open
    closed = True

    def refuse(path: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if path == paths[2] and closed:
            raise PermissionError(13, "Permission denied", path)
        return real(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", refuse)
    for _ in range(2):
        assert library(paths).faults == {2: "can't be read: Permission denied"}
    closed = False
    for _ in range(2):
        found = library(paths)
        assert not found.faults
        check(found, paths)
    assert len(opened) > 10


@pytest.mark.parametrize("place", ["file", "in a file"])
def test_where_nothing_can_be_cached_images_are_decoded_each_time(
    place: str, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("taken")
    if place == "in a file":
        monkeypatch.setenv("WEIGHTLAB_CACHE", str(cache / "folder"))
    paths = pictures(tmp_path / "x")
    with caplog.at_level(logging.WARNING):
        found = library(paths)
    assert isinstance(found.images, Files)
    check(found, paths)
    assert any("images can't be cached in" in message for message in caplog.messages)


def test_a_full_disk_costs_the_cache_only(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, content: Any) -> int:  # noqa: ANN401
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", lambda handle, mode: Full(handle, mode))
    paths = pictures(tmp_path / "x")
    with caplog.at_level(logging.WARNING):
        found = library(paths)
    assert isinstance(found.images, Files)
    check(found, paths)
    assert len(caplog.messages) == 1
    assert "No space left on device" in caplog.messages[0]
    assert not [*cache.iterdir()]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(path: str, side: int) -> Decoded:
        raise KeyboardInterrupt

    monkeypatch.setattr(kept, "decode", stop)
    with pytest.raises(KeyboardInterrupt):
        library(pictures(tmp_path / "x"))
    assert not [*cache.iterdir()]


def test_worker_processes_find_the_same(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = pictures(tmp_path / "x", 9)
    Path(paths[3]).write_bytes(b"no image")
    alone = library(paths)
    (file,) = cache.iterdir()
    content = file.read_bytes()
    shutil.rmtree(cache)
    monkeypatch.setattr(kept, "_CHUNK", 2)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    found = library(paths)
    assert found.faults == alone.faults
    assert file.read_bytes() == content
    check(found, paths)
