"""Files that are whole or absent: what stays after a fault, a kill or a loss of power."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from weightlab import files
from weightlab.files import make_folder, sweep, write_atomically, write_text
from weightlab.locks import locked

needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is renamed and flushed, in order."""
    seen: list[str] = []
    replace = os.replace
    monkeypatch.setattr(files, "_flush", lambda path: seen.append(f"flush {path.name}"))
    monkeypatch.setattr(os, "replace", lambda one, other: seen.append(f"rename {other.name}") or replace(one, other))
    return seen


def test_what_is_durable_is_flushed_before_its_rename_and_its_folder_after(tmp_path: Path, calls: list[str]) -> None:
    """Otherwise the name may reach the disk before the content, or never."""
    write_text(tmp_path / "a" / "x.json", "{}", durable=True)
    assert calls == ["flush x.json", "rename x.json", "flush a"]
    assert (tmp_path / "a" / "x.json").read_text() == "{}"


def test_nothing_else_waits_for_the_disk(tmp_path: Path, calls: list[str]) -> None:
    write_text(tmp_path / "a" / "x.json", "{}")
    assert calls == ["rename x.json"]


def test_a_folder_is_made_durably_with_those_above_it(tmp_path: Path, calls: list[str]) -> None:
    make_folder(tmp_path / "a" / "b")
    assert calls == ["flush a", f"flush {tmp_path.name}"]
    make_folder(tmp_path / "a" / "b")
    assert len(calls) == 2


def test_files_and_folders_can_be_flushed(tmp_path: Path) -> None:
    write_text(tmp_path / "x", "y", durable=True)
    files._flush(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not flushed there")
@pytest.mark.parametrize(("number", "folder", "passes"), [("EINVAL", 1, 1), ("EIO", 1, 0), ("EINVAL", 0, 0)])
def test_a_disk_that_fails_is_not_passed_over(
    number: str, folder: bool, passes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for a file system that has no such thing for folders."""

    def fails(handle: int) -> None:
        raise OSError(getattr(errno, number), "no")

    (tmp_path / "x").touch()
    monkeypatch.setattr(os, "fsync", fails)
    path = tmp_path if folder else tmp_path / "x"
    if passes:
        files._flush(path)
    else:
        with pytest.raises(OSError, match="no"):
            files._flush(path)


def test_a_fault_leaves_the_former_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "before")

    def fail(temporary: Path) -> None:
        assert temporary.name == "x.txt"
        temporary.write_text("half")
        (temporary.parent / ".tmpAbC123").write_text("a library's own")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_atomically(tmp_path / "x.txt", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]
    assert (tmp_path / "x.txt").read_text() == "before"


@needs_locks
def test_what_the_dead_left_is_swept_and_no_more(tmp_path: Path) -> None:
    left = tmp_path / ".weightlab-abcd1234"
    left.mkdir()
    (left / "state.safetensors").write_text("half")
    (left / ".tmpAbC123").write_text("half")
    others = [tmp_path / name for name in (".gitignore", ".tmpAbC123", "weightlab-x", "x.json")]
    for path in others:
        path.touch()

    def write(temporary: Path) -> None:
        temporary.write_text("whole")
        sweep(tmp_path)  # as another process would

    write_atomically(tmp_path / "living", write)
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "living"])
    assert (tmp_path / "living").read_text() == "whole"


@needs_locks
def test_a_lock_keeps_others_out_until_it_is_left(tmp_path: Path) -> None:
    with locked(tmp_path) as first, locked(tmp_path) as second:
        assert (first, second) == (True, False)
    with locked(tmp_path) as again:
        assert again is True


@needs_locks
def test_a_file_system_without_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("fcntl.flock", fails)
    with locked(tmp_path) as found:
        assert found is None
    (tmp_path / ".weightlab-abcd1234").mkdir()
    sweep(tmp_path)  # whether its process lives can't be told
    assert (tmp_path / ".weightlab-abcd1234").exists()
