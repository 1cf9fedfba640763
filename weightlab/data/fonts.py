"""Any folder of fonts: characters as classes, the faces that have them as their instances, as glyphs has DejaVu's.

A class has as many instances as there are faces that draw the character, each in its own way. With CJK fonts it is as
large as the benchmarks: docs/fonts.md.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightlab.data.distortion import Distortions
from weightlab.data.drawings import Counts, Plan, draw
from weightlab.data.drawn import Drawn, check_augment
from weightlab.data.faces import Faces, File, find_files, open_faces
from weightlab.data.halves import halves
from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.source import Source
from weightlab.data.split import Dataset, Split
from weightlab.errors import InputError, printable, reason
from weightlab.files import check_folder, write_atomically
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KIND", "VERSION", "Characters", "cache_paths", "check", "inspect", "load", "read_or_draw", "version"]

_LOG = logging.getLogger(__name__)  # without any set-up its warnings are lines on standard error

VERSION = 1  # goes up with every change of code that changes a bitmap, a class or a split
_LEAST_FACES = 4  # by default; with fewer, R@1 has little to find
_MOST_FACES = 1000
_NAMED = 5  # faults in a message


@dataclass(frozen=True, eq=False)
class Characters:
    """All classes.

    points: int32 [classes], the code point of each, ascending.
    counts: int32 [classes], how many images each has.
    faces: int32 [N], the face of each image, by the classes.
    names: of the faces.
    bitmaps: uint8 [N, 48, 48], mapped from the cache.
    faults: of the fonts that can't be used, a line each.
    notes: what was left out, a line each.
    """

    points: NDArray[np.int32]
    counts: NDArray[np.int32]
    faces: NDArray[np.int32]
    names: tuple[str, ...]
    bitmaps: NDArray[np.uint8]
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def load(source: Source, wanted: Wanted) -> Dataset:
    """The data set: half of the classes for training, half for test (see `weightlab.data.load`)."""
    check_augment("fonts", wanted)
    characters = read_or_draw(source, skip_damaged=wanted.skip_damaged)
    train, test = halves(characters.points, validation=wanted.validation)
    if min(len(train), len(test)) < 2:  # of one class every neighbour is right
        raise InputError(
            f"{source} has {len(characters.points)} classes, {len(train)} to train on and {len(test)} to test on: at "
            "least 2 of each are needed; give more fonts, or a lower faces="
        )
    return Dataset(
        str(source),
        train=_split(characters, train, wanted),
        test=_split(characters, test, wanted),
        notes=characters.notes,
    )


def check(source: Source) -> None:
    """Raise InputError for an option that there isn't, and for a number of faces outside 2 to 1,000."""
    source.check_options("faces")
    _least(source)


def version(source: Source) -> str:
    """What the bitmaps depend on: the fonts' content, this code's version and that of matplotlib, which draws them."""
    return _version(find_files(source.place))


def inspect(source: Source) -> Found:
    """The fonts that are there; what is wrong with others. Nothing is drawn."""
    found = open_faces(find_files(source.place))
    plan = Plan.of(found.faces, _least(source))
    facts = (
        f"{len(found.faces):,} faces, {found.copies:,} files that are copies of others",
        f"{len(plan):,} characters that {plan.least} faces or more have, each with a glyph of its own; "
        f"{len(plan.points):,} glyphs to draw",
    )
    return Found(facts, found.faults)


def read_or_draw(source: Source, *, skip_damaged: bool = False) -> Characters:
    """The characters from the cache; where there are none, or damaged ones, drawn (minutes for CJK) and cached.

    Raises InputError for fonts that can't be used, unless they are to be skipped, and where nothing is left.
    """
    files, least = find_files(source.place), _least(source)
    index, bitmaps = cache_paths(_version(files), least)
    characters = _read_if_whole(index, bitmaps)
    if characters is None:
        found = open_faces(files)
        _check_faults(source, found.faults, skip=skip_damaged)
        _draw(found, least, index, bitmaps)
        characters = _read(index, bitmaps)
    _check_faults(source, characters.faults, skip=skip_damaged)
    return characters


def cache_paths(version: str, least: int) -> tuple[Path, Path]:
    """Where the index and the bitmaps are cached: in WEIGHTLAB_CACHE or the user's cache folder."""
    import platformdirs

    folder = os.environ.get("WEIGHTLAB_CACHE") or platformdirs.user_cache_dir("weightlab")
    return Path(folder, f"fonts-{version}-faces-{least}.npz"), Path(folder, f"fonts-{version}-faces-{least}.npy")


def _least(source: Source) -> int:
    return source.whole("faces", _LEAST_FACES, 2, _MOST_FACES)


def _version(files: list[File]) -> str:
    content = "\n".join(f"{file.name!r} {file.content} {file.fault}" for file in files)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return f"{VERSION}-{digest}-matplotlib-{metadata.version('matplotlib')}"


def _check_faults(source: Source, faults: tuple[str, ...], *, skip: bool) -> None:
    if faults and not skip:
        more = f"; and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise InputError(
            f"fonts in {source.place} can't be used: {'; '.join(faults[:_NAMED])}{more}. Take them away, or leave them "
            "out with --skip-damaged"
        )


def _draw(found: Faces, least: int, index: Path, bitmaps: Path) -> None:
    """Draw the characters and write both files, the index last: it says what the bitmaps must be."""
    check_folder(index.parent, "WEIGHTLAB_CACHE")
    index.parent.mkdir(parents=True, exist_ok=True)
    plan = Plan.of(found.faces, least)
    if not len(plan):
        raise InputError(
            f"no character is in {least} of the {len(found.faces)} faces: give more fonts, or a lower faces="
        )
    chosen = draw(plan, index.parent, _track)
    with chosen.drawn:
        write_atomically(bitmaps, chosen.copy_to)
    broken = chosen.left_out.broken
    faults = (*found.faults, *([f"{len(broken)} glyphs can't be drawn, the first {broken[0]}"] if broken else []))
    arrays: dict[str, Any] = {
        "points": chosen.points,
        "counts": chosen.counts,
        "faces": chosen.faces,
        "names": np.array([face.name for face in found.faces]),
        "faults": np.array(faults, np.str_),
        "notes": np.array(_notes(found, chosen.points, chosen.faces, chosen.left_out), np.str_),
        "checksum": np.array(_checksum(bitmaps)),
    }
    write_atomically(index, lambda temporary: np.savez_compressed(temporary, **arrays))


def _notes(found: Faces, points: NDArray[np.int32], faces: NDArray[np.int32], left_out: Counts) -> list[str]:
    notes = [
        f"{len(faces):,} images of {len(points):,} characters in {len(found.faces):,} faces; left out: "
        f"{left_out.copies:,} drawings that repeat another face's, {left_out.merged:,} characters that look like "
        f"another, {left_out.few:,} that too few faces draw, {left_out.blank:,} glyphs without ink"
    ]
    if found.faults:
        notes.append(f"{len(found.faults):,} fonts that can't be used are left out, the first {found.faults[0]}")
    if left_out.broken:
        notes.append(
            f"{len(left_out.broken):,} glyphs that can't be drawn are left out, the first {left_out.broken[0]}"
        )
    return notes


def _read_if_whole(index: Path, bitmaps: Path) -> Characters | None:
    try:
        return _read(index, bitmaps)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:  # whatever is wrong with the files (zlib has errors of its own), they can be made again
        _LOG.warning(
            "cached characters in %s can't be used (%s): they are drawn again", printable(str(index)), reason(error)
        )
        return None


def _read(index: Path, bitmaps: Path) -> Characters:
    with index.open("rb") as opened, np.load(opened) as file:
        arrays = {name: file[name] for name in ("points", "counts", "faces", "names", "faults", "notes", "checksum")}
    if str(arrays["checksum"]) != _checksum(bitmaps):
        raise ValueError(f"{bitmaps} is damaged")
    # copy on write, which never happens: torch takes no array that can't be written
    mapped = np.load(bitmaps, mmap_mode="c")
    names, faults, notes = (tuple(arrays[name].tolist()) for name in ("names", "faults", "notes"))
    return Characters(arrays["points"], arrays["counts"], arrays["faces"], names, mapped, faults, notes)


def _checksum(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _split(characters: Characters, classes: NDArray[np.intp], wanted: Wanted) -> Split:
    counts = characters.counts[classes]
    starts = (np.cumsum(characters.counts) - characters.counts)[classes]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(starts, counts) + within
    labels = torch.from_numpy(np.repeat(np.arange(len(classes)), counts))
    fixed = Distortions.draw(len(rows), torch.Generator().manual_seed(VERSION))
    drawn = Drawn(
        torch.from_numpy(characters.bitmaps)[:, None],
        torch.from_numpy(rows.astype(np.int64)),
        fixed,
        wanted.size,
        vary=wanted.augment != "none",
    )
    paths = [characters.names[face] for face in characters.faces[rows].tolist()]
    return Split(labels, drawn, paths=paths, class_names=[chr(point) for point in characters.points[classes]])


def _track(blocks: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """The blocks, with a bar that counts them on a terminal."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        return blocks
    return progress.track(blocks, what, total=total, console=console, transient=True)


KIND = Kind(
    name="fonts",
    place="PATH",
    about="a folder of fonts: characters as classes, the faces that have them as instances; rendered here",
    check=check,
    load=load,
    version=version,
    inspect=inspect,
)
