"""A list of image files and their labels: CSV or Parquet."""

from __future__ import annotations

import csv
import difflib
import hashlib
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from weightlab.data.images import SUFFIXES, build, found, seed_and_share, split_by_seed
from weightlab.data.images.rows import taken
from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.listing import Listing, Listings
from weightlab.data.source import Source
from weightlab.data.split import Dataset
from weightlab.errors import InputError, nearest, printable, reason, shown, unknown
from weightlab.files import check_readable
from weightlab.lazy import np

__all__ = ["KIND", "listings", "version"]

_NEEDED = ("path", "label")
_COLUMNS = (*_NEEDED, "split", "category", "is_query", "is_gallery")
_SPLITS = ("train", "test", "validation")
_NEAR = 0.8  # of a column's name to one that is known: "spilt" has 0.8, "category_name" 0.76
_LONGEST_CELL = 2**20
_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


@dataclass(frozen=True, eq=False)
class _Table:
    """The known columns of a file.

    columns: by name, the texts in them, without white space around; empty for none.
    where: what a message calls each row.
    unused: names of other columns.
    """

    columns: dict[str, list[str]]
    where: list[str]
    unused: list[str]


def listings(source: Source) -> Listings:
    """The rows of FILE: columns path and label, and perhaps split, category, is_query and is_gallery.

    In CSV with a header (OML's lists are such), or, without one, of paths and labels in this order (XBM's lists); or in
    Parquet. Paths are relative to the file's folder, or to the option `root`. A label is a text or a whole number: 1,
    1.0 and "1" are one class, 01 is another. A split is train, test or validation, which is the test part where there
    is no test; without this column classes are split by a hash of their names and `seed`, about the share `test` of
    them for test. Queries and gallery are True or False, 1 or 0; those of training rows may be empty.
    Raises InputError for other columns and values, with the line or row they stand in.
    """
    check(source)
    table = _read(Path(source.place))
    root = Path(source.text("root", str(Path(source.place).parent)))
    every = _every(table, root)
    if "split" not in table.columns:
        parts = split_by_seed(every, *seed_and_share(source))
        numbers = {where: row for row, where in enumerate(table.where)}
        test = [numbers[where] for where in parts.test.where or []]
        return Listings(parts.train, _with_roles(parts.test, table, test), notes=_notes(table))
    if again := [name for name in ("seed", "test") if name in source.options]:
        raise InputError(f"{source}: the column split says which rows are for test; {again[0]} can't split them again")
    splits = [_split(text, where) for text, where in zip(table.columns["split"], table.where, strict=True)]
    chosen = "test" if "test" in splits else "validation"
    train, test = ([row for row, split in enumerate(splits) if split == part] for part in ("train", chosen))
    notes = list(_notes(table))
    if left := len(splits) - len(train) - len(test):
        notes.append(f"{left:,} rows of the split validation are left out: there is a test split")
    return Listings(taken(every, train), _with_roles(taken(every, test), table, test), notes=tuple(notes))


def check(source: Source) -> None:
    """Raise InputError for an option that there is not."""
    source.check_options("root", "seed", "test")
    source.text("root", ".")
    seed_and_share(source)


def load(source: Source, wanted: Wanted) -> Dataset:
    """See `listings`, and `weightlab.data.images.build`."""
    return build(str(replace(source, place=Path(source.place).name)), listings(source), wanted)


def version(source: Source) -> str:
    """A hash of the file, and of the sizes of the files that it lists."""
    parts = listings(source)
    digest = hashlib.sha256(Path(source.place).read_bytes())
    for part in (parts.train, parts.test):
        for path in part.paths:
            try:
                size = os.stat(os.path.join(part.root, path)).st_size
            except (OSError, ValueError):  # missing, or no path: loading says so
                size = -1
            digest.update(os.fsencode(path) + f"\0{size}\0".encode())
    return digest.hexdigest()[:16]


def inspect(source: Source) -> Found:
    """How many images of how many classes, and what is wrong with them."""
    return found(listings(source))


def _read(file: Path) -> _Table:
    check_readable(file)
    table = _parquet(file) if file.suffix.lower() in (".parquet", ".pq") else _csv(file)
    if not table.where:
        raise InputError(f"{file} has no rows")
    return table


def _csv(file: Path) -> _Table:
    lines: list[list[str]] = []
    numbers: list[int] = []
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, skipinitialspace=True, strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):  # a blank line ends many files
                    lines.append([cell.strip() for cell in cells])
                    numbers.append(reader.line_num)
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: byte 0x{error.object[error.start]:02x}") from error
    except csv.Error as error:
        raise InputError(f"{file.name}, line {reader.line_num}: it is no CSV: {error}") from error
    if not lines:
        raise InputError(f"{file} is empty: it needs a line for each image")
    names = _header(file, lines[0])
    if names is None:
        names = list(_NEEDED)
    else:
        del lines[0], numbers[0]
    where = [f"{file.name}, line {number}" for number in numbers]
    for cells, line in zip(lines, where, strict=True):
        if len(cells) != len(names):
            raise InputError(
                f"{line}: it has {len(cells)} fields where there are {len(names)} columns ({', '.join(names)}): "
                f"quotes keep the commas of a field together"
            )
    known = [name for name in _COLUMNS if name in names]
    columns = {name: [cells[names.index(name)] for cells in lines] for name in known}
    return _Table(columns, where, [name for name in names if name not in _COLUMNS])


def _header(file: Path, cells: list[str]) -> list[str] | None:
    """The names of the columns, or None where the first line is a path and a label as the others are."""
    names = [cell.casefold() for cell in cells]
    is_row = len(cells) == 2 and (os.path.splitext(cells[0])[1].lower() in SUFFIXES or cells[1].isdecimal())
    if is_row and not set(names) & set(_COLUMNS):
        return None
    _check_names(file, names)
    return names


def _check_names(file: Path, names: Sequence[str]) -> None:
    twice = next((name for name in names if name in _COLUMNS and names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{file} has two columns {twice}")
    for name in names:
        absent = [known for known in _COLUMNS if known not in names]
        needed = [known for known in _NEEDED if known not in names]
        near = nearest(name, needed) or next(iter(difflib.get_close_matches(name, absent, n=1, cutoff=_NEAR)), None)
        if name not in _COLUMNS and near is not None:
            raise unknown(f"column of {file.name}", name, [near])
    missing = [name for name in _NEEDED if name not in names]
    if not missing:
        return
    if len(names) == 1 and (mark := next((mark for mark in ";\t|" if mark in names[0]), None)) is not None:
        raise InputError(f"{file}: its columns are separated by {mark!r}: separate them by commas")
    raise InputError(
        f"{file} has no column {' and no '.join(missing)}: it has {', '.join(names) or 'none'}; without a header there "
        f"must be two, paths of images and labels"
    )


def _parquet(file: Path) -> _Table:
    from pyarrow import parquet

    try:
        names: list[str] = parquet.read_schema(file).names
        folded = [name.casefold() for name in names]
        _check_names(file, folded)
        known = [name for name in _COLUMNS if name in folded]
        read = parquet.read_table(file, columns=[names[folded.index(name)] for name in known])
        values = {name: read.column(place).to_pylist() for place, name in enumerate(known)}
    except InputError:
        raise
    except Exception as error:  # pyarrow's own
        raise InputError(f"{file} can't be read: {reason(error)}") from error
    where = [f"{file.name}, row {row}" for row in range(1, read.num_rows + 1)]
    columns = {
        name: [_as_text(name, value, line) for value, line in zip(column, where, strict=True)]
        for name, column in values.items()
    }
    return _Table(columns, where, [name for name in folded if name not in _COLUMNS])


def _as_text(name: str, value: Any, where: str) -> str:  # noqa: ANN401 (whatever a column holds)
    """A value of a Parquet column as CSV has it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 2**53):
        raise InputError(f"{where}: {name} must be a text or a whole number, not {value!r}")
    if not isinstance(value, str | int | float):
        raise InputError(f"{where}: {name} must be a text or a whole number, not {shown(value)}")
    return str(value).strip()


def _every(table: _Table, root: Path) -> Listing:
    """All rows, without roles."""
    names = zip(table.columns["path"], table.where, strict=True)
    return Listing(
        root=root,
        paths=[_path(text, where) for text, where in names],
        classes=_named(table, "label"),
        categories=_named(table, "category") if "category" in table.columns else None,
        where=table.where,
    )


def _path(text: str, where: str) -> str:
    if not text or text.casefold() == "nan":
        raise InputError(f"{where}: there is no path")
    if "\0" in text:
        raise InputError(f"{where}: {shown(text)} is no path")
    return text


def _named(table: _Table, column: str) -> list[str]:
    """Labels or categories, each whole number in one way."""
    texts = [_whole(text) for text in table.columns[column]]
    for text, where in zip(texts, table.where, strict=True):
        if not text or text.casefold() in ("nan", "<na>"):
            raise InputError(f"{where}: there is no {column}" + (f" ({text})" if text else ""))
    return texts


def _whole(text: str) -> str:
    """1.0 as 1, which pandas makes of a column with gaps; any other text as it is."""
    return text.partition(".")[0] if re.fullmatch(r"-?(0|[1-9][0-9]*)\.0+", text) else text


def _split(text: str, where: str) -> str:
    if text.casefold() not in _SPLITS:
        if not text:
            raise InputError(f"{where}: there is no split: it must be {', '.join(_SPLITS[:-1])} or {_SPLITS[-1]}")
        raise InputError(f"{where}: {unknown('split', text, _SPLITS)}")
    return text.casefold()


def _with_roles(listing: Listing, table: _Table, rows: Sequence[int]) -> Listing:
    """A listing of these test rows, with who searches and who is searched."""
    masks: dict[str, Any] = {}
    for name in ("is_query", "is_gallery"):
        if name in table.columns:
            column = table.columns[name]
            masks[name] = np.array([_truth(name, column[row], table.where[row]) for row in rows], bool)
    return replace(listing, **masks)


def _truth(name: str, text: str, where: str) -> bool:
    if text.casefold() not in _TRUTH:
        raise InputError(f"{where}: {name} of a test row must be True or False, 1 or 0, not {shown(text)}")
    return _TRUTH[text.casefold()]


def _notes(table: _Table) -> tuple[str, ...]:
    if not table.unused:
        return ()
    return (printable(f"columns that are not used: {', '.join(name or '(without a name)' for name in table.unused)}"),)


KIND = Kind(
    name="table",
    place="FILE",
    about="image files and labels, CSV or Parquet: path, label, perhaps split, category, is_query, is_gallery",
    check=check,
    load=load,
    version=version,
    inspect=inspect,
)
