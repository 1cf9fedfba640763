"""A folder a class: photographs as people keep them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from weightlab.data.images import SUFFIXES, build, found, seed_and_share, split_by_seed
from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.source import Source
from weightlab.data.split import Dataset
from weightlab.errors import InputError, printable

__all__ = ["KIND", "listings", "version"]

_TRAIN, _TEST, _VALIDATION = "train", "test", ("val", "valid", "validation")
_NAMED = 3  # names that a note gives


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a folder holds, by class.

    files: of each class, relative to the root, "/" between folders.
    others: what is no image of a class, and links to folders that are there.
    empty: names of folders without an image.
    """

    files: dict[str, list[str]] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def listings(source: Source) -> Listings:
    """The images of PATH: a folder a class, with all that lies below it.

    With train/ and test/ (or val/, valid/, validation/ in place of it) in PATH the classes are in these; else they are
    split by a hash of their names and `seed`, about the share `test` of them for test. Hidden files and those without
    an image's suffix are left out, and so is val/ beside test/; the notes say so.
    Raises InputError where there is no such folder, for links that leave it, and for options that go with neither.
    """
    check(source)
    root = Path(source.place)
    if not root.is_dir():
        raise InputError(f"{source}: " + (f"{root} is no folder" if os.path.lexists(root) else f"there is no {root}"))
    with os.scandir(root) as entries:
        folders = {entry.name.casefold(): entry.name for entry in entries if entry.is_dir()}
    beside = [folders[name] for name in (_TEST, *_VALIDATION) if name in folders]
    if _TRAIN not in folders or not beside:
        return _by_seed(source, root)
    if source.options:
        names = " and ".join(source.options)
        raise InputError(f"{source}: {root} has {folders[_TRAIN]}/ and {beside[0]}/, which {names} can't split again")
    train, test = _walked(root, folders[_TRAIN]), _walked(root, beside[0])
    known = {folders[_TRAIN], beside[0]}
    more = sorted(name for name in folders.values() if name not in known and not _is_hidden(name))
    notes = [*_notes(train, folders[_TRAIN]), *_notes(test, beside[0])]
    if more:
        notes.append(_note(f"folders beside {folders[_TRAIN]}/ and {beside[0]}/ are left out", more))
    return Listings(_listing(root, train), _listing(root, test), notes=tuple(notes))


def check(source: Source) -> None:
    """Raise InputError for an option that there is not."""
    source.check_options("seed", "test")
    seed_and_share(source)


def load(source: Source, wanted: Wanted) -> Dataset:
    """See `listings`, and `weightlab.data.images.build`."""
    return build(str(replace(source, place=Path(source.place).name)), listings(source), wanted)


def version(source: Source) -> str:
    """A hash of the relative names and sizes of all images."""
    parts = listings(source)
    digest = hashlib.sha256()
    for part in (parts.train, parts.test):
        for path in sorted(part.paths):
            try:
                size = os.stat(os.path.join(part.root, path)).st_size
            except OSError:  # a link to nothing: loading says so
                size = -1
            digest.update(os.fsencode(path) + f"\0{size}\0".encode())
    return digest.hexdigest()[:16]


def inspect(source: Source) -> Found:
    """How many images of how many classes, and what is wrong with them."""
    return found(listings(source))


def _by_seed(source: Source, root: Path) -> Listings:
    seen = _walked(root, "")
    if not seen.files:
        raise InputError(f"{source}: there is no image in the folders of {root}: it needs a folder a class")
    if len(seen.files) == 1:
        only = next(iter(seen.files))
        raise InputError(
            f"{source}: all images of {root} are in the one folder {only}/, which is one class: it takes at least 2 "
            f"(if the classes are in it, write {source.kind}:{root / only})"
        )
    split = split_by_seed(_listing(root, seen), *seed_and_share(source))
    return replace(split, notes=tuple(_notes(seen, "")))


def _listing(root: Path, seen: _Seen) -> Listing:
    names = sorted(seen.files)
    paths = [path for name in names for path in sorted(seen.files[name])]
    return Listing(root, paths, [name for name in names for _ in seen.files[name]])


def _walked(root: Path, part: str) -> _Seen:
    """The classes in the folder `part` of the root ("" for itself)."""
    seen = _Seen()
    real = os.path.realpath(root)
    classes, loose = _entries(root, part, seen, real)
    seen.others.extend(loose)  # images of no class
    for name in classes:
        images: list[str] = []
        below = [f"{part}/{name}" if part else name]
        while below:
            folder = below.pop()
            inner, here = _entries(root, folder, seen, real)
            images += here
            below += [f"{folder}/{each}" for each in inner]
        if images:
            seen.files[name] = images
        else:
            seen.empty.append(name)
    return seen


def _entries(root: Path, folder: str, seen: _Seen, real: str) -> tuple[list[str], list[str]]:
    """Names of the folders in a folder, and the images in it, relative to the root."""
    folders, images = [], []
    before = f"{folder}/" if folder else ""
    try:
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                if _is_hidden(entry.name):
                    seen.others.append(before + entry.name)
                elif entry.is_dir():
                    if not entry.is_symlink():
                        folders.append(entry.name)
                    elif (os.path.realpath(entry.path) + os.sep).startswith(real.rstrip(os.sep) + os.sep):
                        seen.others.append(before + entry.name)  # what it leads to is there already
                    else:
                        raise InputError(f"{before}{entry.name} is a link that leaves the folder {root}")
                elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                    images.append(before + entry.name)
                else:
                    seen.others.append(before + entry.name)
    except OSError as error:
        raise InputError(f"{os.path.join(root, folder)} can't be read: {error.strerror}") from error
    return folders, images


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _notes(seen: _Seen, part: str) -> list[str]:
    where = f" of {part}/" if part else ""
    found = []
    if seen.others:
        found.append(_note(f"{len(seen.others):,} files{where} that are no image of a class are left out", seen.others))
    if seen.empty:
        found.append(_note(f"{len(seen.empty):,} folders{where} hold no image and are no class", seen.empty))
    return found


def _note(said: str, names: list[str]) -> str:
    more = ", …" if len(names) > _NAMED else ""
    return printable(f"{said}: {', '.join(sorted(names)[:_NAMED])}{more}")


KIND = Kind(
    name="folder",
    place="PATH",
    about="photographs, a folder a class; in train/ and test/, or split by seed: folder:PATH(seed=0, test=0.5)",
    check=check,
    load=load,
    version=version,
    inspect=inspect,
)
