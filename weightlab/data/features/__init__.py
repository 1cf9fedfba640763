"""Precomputed embeddings and their labels, from a file: to train a head on, or to measure on as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.data.features.columns import ROLES, SUFFIXES, check_columns, columns_of
from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.source import Source
from weightlab.data.split import Dataset, Split
from weightlab.errors import InputError
from weightlab.files import AnyPath, as_path

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KIND", "SUFFIXES", "read_features", "read_source", "read_split"]

_SHARE = (0.01, 0.99)  # of the classes that may be for test
_MOST_SEED = 2**32 - 1


def read_features(path: AnyPath, *, embeddings: str = "embeddings", labels: str = "labels") -> tuple[Tensor, Tensor]:
    """Embeddings, float32 [n, D] and L2-normalised, and labels, int64 [n], of a .npz, .safetensors or .parquet file.

    embeddings: the name of an array of floats [n, D], of any length but 0; of a .parquet file a column of lists, or
    columns that are called so and numbered. labels: the name of an array [n] of whole numbers, of whatever type, or of
    texts, which are numbered in their order; also as arrays of objects, which pandas writes to a .npz file. Such
    arrays are pickled: they are read without running anything that they say.

    Raises InputError for a missing or damaged file, another format, missing arrays, other types and shapes, no rows,
    and rows that can't be normalised.
    """
    from weightlab.data.features.reading import read_normalised

    return read_normalised(as_path("a file of embeddings", path), {"embeddings": embeddings, "labels": labels})


def read_source(source: Source) -> tuple[Tensor, Tensor]:
    """As `read_features`, of a text that was taken apart: x.npz, or x.npz(embeddings=X, labels=y)."""
    source.check_options("embeddings", "labels")
    columns = columns_of(source)
    return read_features(source.place, embeddings=columns["embeddings"], labels=columns["labels"])


def read_split(source: Source) -> tuple[Tensor, Split]:
    """Embeddings, float32 [n, D] and L2-normalised, and their rows: all, or those for test by `split`.

    Raises InputError as `load` does.
    """
    from weightlab.data.features.dataset import read_measured

    source.check_options(*ROLES)
    check_columns(source)
    return read_measured(source)


def check(source: Source) -> None:
    """Raise InputError for an option that there is not, or another kind of file."""
    source.check_options(*ROLES, "seed", "test")
    check_columns(source)
    source.whole("seed", 0, 0, _MOST_SEED)
    source.number("test", 0.5, *_SHARE)
    if not source.place.lower().endswith(SUFFIXES):
        raise InputError(f"{source.place}: features are read from {', '.join(SUFFIXES)} files")


def load(source: Source, wanted: Wanted) -> Dataset:
    """The data set: rows of training classes, and rows of test classes (see `weightlab.data.load`).

    By its array `split` where it has one ("train"; "test" or "validation"), else by a hash of each class. Where
    `labels` are whole numbers, `class_names` is a list of what each is called, and so is `category_names`. A
    .safetensors file has no arrays of texts: a list of texts in JSON in its metadata stands for one, as `embed` writes.
    """
    from weightlab.data.features.dataset import load as load_rows

    check(source)
    if wanted.augment not in ("default", "none"):
        raise InputError(f"features can't be augmented by {wanted.augment}: they are no images; write none")
    return load_rows(source, wanted)


def inspect(source: Source) -> Found:
    """What is in the file."""
    from weightlab.data.features.dataset import inspect as inspect_rows

    check(source)
    return inspect_rows(source)


def version(source: Source) -> str:
    """A hash of the file's content."""
    from weightlab.data.features.digest import digest

    return digest(as_path("a file of embeddings", source.place))


KIND = Kind(
    name="features",
    place="FILE",
    about="precomputed embeddings and labels (.npz, .safetensors, .parquet): train a head on them",
    check=check,
    load=load,
    version=version,
    inspect=inspect,
)
