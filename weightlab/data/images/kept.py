"""Every image decoded once: that finds the damaged ones, and small sets stay decoded, in a file that is mapped."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from weightlab.data.ahead import ahead
from weightlab.data.images.decode import decode
from weightlab.errors import InputError, printable, reason
from weightlab.lazy import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MOST_BYTES", "Files", "Library", "Pixels", "decode_all", "read_or_decode"]

_LOG = logging.getLogger(__name__)  # without any set-up its warnings are lines on standard error

VERSION = 1  # goes up with every change of code that changes a pixel or a verdict
MOST_BYTES = 2 * 2**30  # of all images at the working resolution, that they are kept decoded
_CHUNK = 64  # images that a worker decodes at a time
_PIECE = 2**24  # bytes of a file that are summed at a time
_MARK = b"weightlab images"  # what a file ends with, behind the place of its index


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images that lie decoded in a file, which a copy in another process opens again.

    file: where. values: uint8, all of them one behind the other. shapes: [N, 2], heights and widths; 0 for damaged.
    """

    file: str
    values: NDArray[np.uint8]
    shapes: NDArray[np.int64]
    starts: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ends = np.cumsum(3 * self.shapes.prod(axis=1))
        object.__setattr__(self, "starts", ends - 3 * self.shapes.prod(axis=1))

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        height, width = self.shapes[row].tolist()
        start = int(self.starts[row])
        return self.values[start : start + 3 * height * width].reshape(height, width, 3)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self.file, self.shapes)


@dataclass(frozen=True)
class Files:
    """Images that are decoded each time.

    paths: of each. side: that their shorter side is scaled to.
    """

    paths: Sequence[str]
    side: int

    def __getitem__(self, row: int) -> NDArray[np.uint8]:
        """uint8 [height, width, 3]. Raises InputError where the file has changed, and can't be decoded any more."""
        path = self.paths[row]
        try:
            return decode(path, self.side).pixels
        except InputError as error:
            raise InputError(f"{path} {error}") from error


@dataclass(frozen=True, eq=False)
class Library:
    """What all images are.

    images: by row, uint8 [height, width, 3], the shorter side scaled.
    sizes: int64 [N, 2], width and height of the files; 0 for damaged ones.
    faults: by row, what is wrong.
    """

    images: Pixels | Files
    sizes: NDArray[np.int64]
    faults: dict[int, str]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What decoding a chunk of files gave, for each of them: pixels only where they are wanted."""

    pixels: list[bytes]
    shapes: list[tuple[int, int]]
    sizes: list[tuple[int, int]]
    faults: list[str | None]


def read_or_decode(name: str, paths: Sequence[str], stamps: Sequence[tuple[int, int]], side: int) -> Library:
    """All images, from the cache; else decoded by worker processes (with a bar on a terminal), and cached.

    name: of the data set; of one name and one folder the cache holds one file for each side. paths: distinct; stamps:
    size and time of writing of each. Where all of them take at most 2 GiB, their pixels are kept in the cache, else
    only which are damaged.
    """
    file = _cache_file(name, paths, stamps, side)
    try:
        found = _read(file, paths, side)
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except Exception as error:  # whatever is wrong with the file, it can be made again
        _LOG.warning(
            "the cached images in %s can't be used (%s): they are made again", printable(str(file)), reason(error)
        )
        found = None
    if found is not None and not _mended(paths, side, found.faults):
        return found
    return _decode_into(file, paths, side)


def decode_all(paths: Sequence[str], side: int, *, keep: bool) -> Iterable[Verdict]:
    """The verdict on each chunk of files, in order, by worker processes, with a bar on a terminal."""
    from rich import progress
    from rich.console import Console

    work = _Work(paths, side, keep)
    console = Console(stderr=True)
    return progress.track(
        ahead(work, range(len(work)), slow=True),
        "reading images",
        total=len(work),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@dataclass(frozen=True)
class _Work:
    paths: Sequence[str]
    side: int
    keep: bool

    def __len__(self) -> int:
        return -(-len(self.paths) // _CHUNK)

    def __call__(self, number: int) -> Verdict:
        found = Verdict([], [], [], [])
        for path in self.paths[number * _CHUNK : (number + 1) * _CHUNK]:
            try:
                image = decode(path, self.side)
            except InputError as error:
                _add(found, b"", (0, 0), (0, 0), str(error))
                continue
            height, width, _ = image.pixels.shape
            pixels = image.pixels.tobytes() if self.keep else b""
            _add(found, pixels, (height, width), (image.width, image.height), None)
        return found


def _add(found: Verdict, pixels: bytes, shape: tuple[int, int], size: tuple[int, int], fault: str | None) -> None:
    found.pixels.append(pixels)
    found.shapes.append(shape)
    found.sizes.append(size)
    found.faults.append(fault)


def _mended(paths: Sequence[str], side: int, faults: dict[int, str]) -> bool:
    """Whether a file that could not be read now can: its stamp does not tell when somebody got the right to."""
    for row in faults:
        with suppress(InputError):
            decode(paths[row], side)
            return True
    return False


def _decode_into(file: Path, paths: Sequence[str], side: int) -> Library:
    """Decode all, and write what is kept to the cache file."""
    with _sink(file) as sink:
        shapes: list[tuple[int, int]] = []
        sizes: list[tuple[int, int]] = []
        faults: dict[int, str] = {}
        while len(shapes) < len(paths):
            keep = sink.keeps
            for verdict in decode_all(paths[len(shapes) :], side, keep=keep):
                faults |= {len(shapes) + row: fault for row, fault in enumerate(verdict.faults) if fault is not None}
                shapes += verdict.shapes
                sizes += verdict.sizes
                for pixels in verdict.pixels:
                    sink.write(pixels)
                if sink.keeps is not keep:
                    break  # they are too many: the rest is looked at, without sending pixels
        if not sink.keeps:
            shapes = []
        values = sink.finish(np.array(shapes, np.int64).reshape(-1, 2), np.array(sizes, np.int64), faults)
    images = Files(paths, side) if values is None else Pixels(str(file), values, np.array(shapes, np.int64))
    return Library(images, np.array(sizes, np.int64), faults)


class _Sink:
    """The cache file while it is written: pixels, then an index, then where the index begins."""

    def __init__(self, path: Path, file: IO[bytes] | None, temporary: Path) -> None:
        self.keeps = file is not None
        self._path, self._file, self._temporary = path, file, temporary
        self._length = self._sum = 0

    def write(self, pixels: bytes) -> None:
        if not self.keeps or self._file is None:
            return
        self._length += len(pixels)
        if self._length > MOST_BYTES:
            self.keeps = False
            return
        try:
            self._file.write(pixels)
        except OSError as error:
            self._give_up(error)
        else:
            self._sum = zlib.crc32(pixels, self._sum)

    def finish(
        self, shapes: NDArray[np.int64], sizes: NDArray[np.int64], faults: dict[int, str]
    ) -> NDArray[np.uint8] | None:
        """Write the index and give the file its name. Returns the pixels, mapped, where they are kept."""
        if self._file is None:
            return None
        try:
            if not self.keeps:
                self._file.seek(0)
                self._file.truncate()
                self._length = self._sum = 0
            index = io.BytesIO()
            texts = np.frombuffer(json.dumps(faults).encode(), np.uint8)
            np.savez_compressed(index, shapes=shapes, sizes=sizes, faults=texts, sum=np.array(self._sum, np.int64))
            sum_of_index = zlib.crc32(index.getvalue())
            self._file.write(index.getvalue())
            self._file.write(self._length.to_bytes(8, "little") + sum_of_index.to_bytes(4, "little") + _MARK)
            self._file.close()
            self._temporary.chmod(0o644)  # mkstemp's 0600 is for secrets
            self._temporary.replace(self._path)
            _remove_older(self._path)
            return _mapped(self._path, self._length) if self.keeps else None
        except OSError as error:
            self._give_up(error)
            return None

    def _give_up(self, error: OSError) -> None:
        where = printable(str(self._path.parent))
        _LOG.warning("images can't be cached in %s (%s): they are decoded each time", where, reason(error))
        self.keeps, self._file = False, None


@contextmanager
def _sink(path: Path) -> Iterator[_Sink]:
    """A sink for the cache file `path`; one that keeps nothing where nothing can be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".images-", dir=path.parent)
    except OSError as error:
        sink = _Sink(path, None, path)
        sink._give_up(error)
        yield sink
        return
    with os.fdopen(handle, "wb") as file:
        try:
            yield _Sink(path, file, Path(name))
        finally:
            Path(name).unlink(missing_ok=True)


def _cache_file(name: str, paths: Sequence[str], stamps: Sequence[tuple[int, int]], side: int) -> Path:
    """In WEIGHTLAB_CACHE or the user's cache folder: named after the data set and all that its pixels depend on."""
    import platformdirs
    from PIL import __version__ as pillow

    folder = os.environ.get("WEIGHTLAB_CACHE") or platformdirs.user_cache_dir("weightlab")
    root = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    place = hashlib.sha256(f"{name} {side} ".encode() + os.fsencode(root))
    content = hashlib.sha256(f"{VERSION} {pillow} {side}".encode())
    for path, (size, written) in zip(paths, stamps, strict=True):
        content.update(os.fsencode(path) + f"\0{size} {written}\0".encode())
    return Path(folder, f"images-{place.hexdigest()[:16]}-{content.hexdigest()[:32]}.bin")


def _read(file: Path, paths: Sequence[str], side: int) -> Library:
    """What is cached. Raises ValueError, and what numpy's and json's readers raise, for a damaged file."""
    tail = 8 + 4 + len(_MARK)
    with file.open("rb") as opened:
        end = opened.seek(0, os.SEEK_END)
        opened.seek(max(end - tail, 0))
        last = opened.read()
        length = int.from_bytes(last[:8], "little")
        if last[12:] != _MARK or length > end - tail:
            raise ValueError("it is cut off, or another kind of file")
        opened.seek(length)
        index = opened.read(end - tail - length)
        if zlib.crc32(index) != int.from_bytes(last[8:12], "little"):
            raise ValueError("its index is damaged")
        with np.load(io.BytesIO(index)) as arrays:
            shapes, sizes, total = arrays["shapes"], arrays["sizes"], int(arrays["sum"])
            faults = {int(row): fault for row, fault in json.loads(arrays["faults"].tobytes()).items()}
        opened.seek(0)
        if _sum(opened, length) != total or len(sizes) != len(paths):
            raise ValueError("it is damaged")
    if not len(shapes):
        return Library(Files(paths, side), sizes, faults)
    return Library(Pixels(str(file), _mapped(file, length), shapes), sizes, faults)


def _sum(opened: IO[bytes], length: int) -> int:
    """The check sum of the next `length` bytes."""
    found = 0
    while length > 0 and (piece := opened.read(min(_PIECE, length))):
        found, length = zlib.crc32(piece, found), length - len(piece)
    return found


def _mapped(file: str | Path, length: int) -> NDArray[np.uint8]:
    if not length:  # of nothing there is no map
        return np.zeros(0, np.uint8)
    return np.memmap(file, np.uint8, mode="r", shape=(length,))


def _reopened(file: str, shapes: NDArray[np.int64]) -> Pixels:
    return Pixels(file, _mapped(file, int(3 * shapes.prod(axis=1).sum())), shapes)


def _remove_older(file: Path) -> None:
    """Files of the same data set as it was before."""
    for other in file.parent.glob(f"{file.name.rpartition('-')[0]}-*.bin"):
        if other != file:
            with suppress(OSError):
                other.unlink()
