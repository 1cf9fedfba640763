"""The faces in a folder of fonts: found, told apart and checked; nothing is drawn yet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from weightlab.errors import InputError, reason
from weightlab.files import exists

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

__all__ = ["Face", "Faces", "File", "charmap", "find_files", "open_face", "open_faces"]

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_OPEN = 512  # faces at once, each a file; a system lets a process have 1,024
_OUTLINES = ("glyf", "loca", "CFF ", "CFF2")  # the tables that hold the shapes


@dataclass(frozen=True)
class File:
    """A font file.

    root, name: the folder, and the path in it, "/" between folders.
    content: SHA-256 of its bytes in hexadecimal; of a file that can't be read, empty.
    fault: why it can't be used; empty where nothing is known against it.
    """

    root: str
    name: str
    content: str
    fault: str = ""


@dataclass(frozen=True)
class Face:
    """A face of a font file.

    path: of the file. number: of the face in it, 0 but for collections.
    name: the path in the folder, with "#number" for a collection.
    outlines: where the shapes are. Faces of a collection share them, and choose others of them for some characters.
    """

    path: str
    number: int
    name: str
    outlines: str


@dataclass(frozen=True)
class Faces:
    """What is in a folder of fonts.

    faces: that can be used, by name.
    faults: of the files that can't be, a line each.
    copies: how many files are copies of others.
    """

    faces: tuple[Face, ...]
    faults: tuple[str, ...] = ()
    copies: int = 0


def find_files(folder: str) -> list[File]:
    """All font files in a folder and the folders in it, by name; hidden ones (macOS's ._ files) are left out.

    Raises InputError where there is no such folder, and where it holds none.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(
            f"{folder} is a file, not a folder of fonts" if exists(root) else f"there is no folder {folder}"
        )
    paths = [
        path
        for path in root.rglob("*")
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and not path.is_dir()
    ]
    if not paths:
        raise InputError(f"{folder} holds no fonts: no file in it ends in {', '.join(_SUFFIXES)}")
    return sorted((_file(root, path) for path in paths), key=lambda file: file.name)


def open_faces(files: Sequence[File]) -> Faces:
    """The faces of the files, each content once, with what is wrong with the others."""
    faces: list[Face] = []
    faults, seen = [], set()
    copies = 0
    for file in files:
        if file.content and file.content in seen:
            copies += 1
            continue
        seen.add(file.content)
        try:
            if file.fault:
                raise InputError(file.fault)
            faces += _faces(file)
        except InputError as error:
            faults.append(f"{file.name}: {error}")
        except Exception as error:  # whatever FreeType and fontTools say of bytes that are no font
            faults.append(f"{file.name} is damaged or no font: {reason(error)}")
    return Faces(tuple(faces), tuple(faults), copies)


def open_face(path: str, number: int) -> FT2Font:
    """A face, for drawing; opened once a process: a fork would share the place in the file, and read rubbish."""
    return _opened(path, number, os.getpid())


def charmap(face: Face) -> dict[int, int]:
    """The glyph of each code point that the face has; glyph 0 is .notdef, the box that stands for a missing one."""
    return {point: glyph for point, glyph in open_face(face.path, face.number).get_charmap().items() if glyph}


@lru_cache(_OPEN)
def _opened(path: str, number: int, process: int) -> FT2Font:
    from matplotlib.ft2font import FT2Font

    return FT2Font(path, face_index=number)


def _file(root: Path, path: Path) -> File:
    name = path.relative_to(root).as_posix()
    if not path.resolve().is_relative_to(root.resolve()):
        return File(str(root), name, "", f"is a link to {os.path.realpath(path)}, outside of the folder")
    try:
        with path.open("rb") as opened:
            return File(str(root), name, hashlib.file_digest(opened, "sha256").hexdigest())
    except OSError as error:
        return File(str(root), name, "", f"can't be read: {error.strerror or reason(error)}")


def _faces(file: File) -> Iterator[Face]:
    path = os.path.join(file.root, file.name)
    count = open_face(path, 0).num_faces
    for number in range(count):
        face = open_face(path, number)
        tables = _tables(path, number)
        shapes = [f"{name}{tables[name]}" for name in _OUTLINES if name in tables]
        if not face.scalable or not shapes:
            raise InputError("has bitmaps or pictures only, and no outlines")
        name = f"{file.name}#{number}" if count > 1 else file.name
        yield Face(path, number, name, f"{file.content} {' '.join(shapes)}")


def _tables(path: str, number: int) -> dict[str, int]:
    """Where each table of a face begins. Raises InputError where one ends beyond the file: FreeType may not notice."""
    from fontTools.ttLib import TTFont

    with TTFont(path, fontNumber=number, lazy=True) as font:
        reader = font.reader
        size = os.path.getsize(path)
        short = [name for name, entry in reader.tables.items() if entry.offset + entry.length > size]
        if short and reader.flavor is None:  # other flavors are packed
            raise InputError(f"is cut off: its table {short[0].strip()} ends beyond it")
        return {name: entry.offset for name, entry in reader.tables.items()}
