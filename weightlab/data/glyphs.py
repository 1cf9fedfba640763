"""The embedded data set: characters as classes, the 12 DejaVu faces that matplotlib ships as their instances.

A character is shown cropped to its ink, scaled to a common box and distorted, so that only its shape tells. Test images
have one fixed distortion a face: a second would put a near-copy of the query, from the same face, among the references,
and R@1 would measure that; with one, every hit is across faces.
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from weightlab.data.distortion import Distortions
from weightlab.data.drawn import Drawn, check_augment, shrunk
from weightlab.data.halves import halves
from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.source import Source
from weightlab.data.split import Dataset, Split
from weightlab.errors import InputError, printable, reason, shown
from weightlab.files import write_atomically
from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["KIND", "VERSION", "Glyphs", "cache_path", "load", "read_or_render", "render", "version"]

_LOG = logging.getLogger(__name__)  # without any set-up its warnings are lines on standard error

VERSION = 1  # goes up with every change of code that changes a bitmap, a class or a split


@dataclass(frozen=True, eq=False)
class Glyphs:
    """All classes.

    points: int32 [classes], the code point shown.
    bitmaps: uint8 [classes, 12 faces, 48, 48].
    """

    points: NDArray[np.int32]
    bitmaps: NDArray[np.uint8]

    @property
    def checksum(self) -> str:
        """SHA-256 of the shapes, the code points and the bitmaps, in hexadecimal."""
        digest = hashlib.sha256(f"{VERSION} {self.points.shape} {self.bitmaps.shape}".encode())
        digest.update(np.ascontiguousarray(self.points, "<i4").data)
        digest.update(np.ascontiguousarray(self.bitmaps).data)
        return digest.hexdigest()


def load(source: Source, wanted: Wanted) -> Dataset:
    """The data set: half of the classes for training, half for test (see `weightlab.data.load`)."""
    check(source)
    check_augment("glyphs", wanted)
    glyphs = read_or_render()
    train, test = halves(glyphs.points, validation=wanted.validation)
    return Dataset("glyphs", train=_split(glyphs, train, wanted), test=_split(glyphs, test, wanted))


def check(source: Source) -> None:
    """Raise InputError for a place or an option: there is one set of glyphs."""
    if source.place:
        raise InputError(f"glyphs are made here and have no path: write glyphs, not {shown(str(source))}")
    source.check_options()


def inspect(source: Source) -> Found:
    """How many there are."""
    glyphs = read_or_render()
    classes, faces = glyphs.bitmaps.shape[:2]
    return Found((f"{classes:,} characters in {faces} faces, in {cache_path()}",))


def read_or_render() -> Glyphs:
    """The glyphs from the cache; where there is none, or a damaged one, rendered (some seconds) and cached."""
    path = cache_path()
    try:
        return _read(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except Exception as error:  # whatever is wrong with the file (zlib has errors of its own), it can be made again
        _LOG.warning(
            "the cached glyphs in %s can't be used (%s): they are made again", printable(str(path)), reason(error)
        )
    glyphs = render()
    with suppress(OSError):  # a folder that can't be written costs time, no more
        write_atomically(path, lambda temporary: _write(glyphs, temporary))
    return glyphs


def render() -> Glyphs:
    """Draw every character in every face, and merge those that look the same; the lowest code point shows a class."""
    from weightlab.data import merging, rendering

    faces = rendering.open_faces()
    bitmaps, points = rendering.render(faces, rendering.characters(faces))
    first = np.unique(merging.merge(bitmaps, points), return_index=True)[1]
    return Glyphs(np.array(points, np.int32)[first], bitmaps[first])


def version(source: Source | None = None) -> str:
    """What the bitmaps depend on: this code's version and matplotlib's, which ships the fonts and draws them."""
    return f"{VERSION}-matplotlib-{metadata.version('matplotlib')}"


def cache_path() -> Path:
    """Where the glyphs are cached: in WEIGHTLAB_CACHE or the user's cache folder, a file a version."""
    import platformdirs

    folder = os.environ.get("WEIGHTLAB_CACHE") or platformdirs.user_cache_dir("weightlab")
    return Path(folder, f"glyphs-{version()}.npz")


def _read(path: Path) -> Glyphs:
    with path.open("rb") as opened, np.load(opened) as file:
        glyphs = Glyphs(file["points"], file["bitmaps"])
        if str(file["checksum"]) != glyphs.checksum:
            raise ValueError(f"{path} is damaged")
    return glyphs


def _write(glyphs: Glyphs, path: Path) -> None:
    np.savez_compressed(path, points=glyphs.points, bitmaps=glyphs.bitmaps, checksum=np.array(glyphs.checksum))


def _split(glyphs: Glyphs, classes: NDArray[np.intp], wanted: Wanted) -> Split:
    bitmaps = torch.from_numpy(glyphs.bitmaps[classes])
    labels = torch.arange(len(classes)).repeat_interleave(bitmaps.shape[1])
    fixed = Distortions.draw(len(labels), torch.Generator().manual_seed(VERSION))
    size, names = wanted.size, [chr(point) for point in glyphs.points[classes]]
    images = shrunk(bitmaps.flatten(0, 1)[:, None], size)
    drawn = Drawn(images, torch.arange(len(labels)), fixed, size, vary=wanted.augment != "none")
    return Split(labels, drawn, class_names=names)


KIND = Kind(
    name="glyphs",
    place="",
    about="characters as classes, 12 DejaVu faces as instances; rendered here, nothing to download",
    check=check,
    load=load,
    version=version,
    inspect=inspect,
)
