"""A file of embeddings as a data set: who is in which part, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from weightlab.arrays import normalised
from weightlab.data import disjoint
from weightlab.data.features.columns import NEEDED, columns_of
from weightlab.data.features.reading import IN_MEMORY, blocks, opened, read_embeddings
from weightlab.data.features.rows import Rows
from weightlab.data.features.values import (
    TEST,
    TRAIN,
    VALIDATION,
    Classes,
    as_classes,
    as_paths,
    as_roles,
    as_split,
)
from weightlab.data.kind import Found, Wanted
from weightlab.data.source import Source
from weightlab.data.split import Dataset, Split
from weightlab.errors import InputError, shown
from weightlab.files import as_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Where = NDArray[np.intp]

__all__ = ["inspect", "load", "read_measured"]

_BLOCK = 2**24  # numbers that are converted at a time


@dataclass(frozen=True, eq=False)
class Table:
    """What a file holds, row by row.

    source: what it was read for.
    embeddings: [N, D] of any floating type; perhaps mapped.
    classes: of each row.
    split: the part of each row; None where the file has none.
    categories, is_query, is_gallery, paths: of each row, or None.
    """

    source: Source
    embeddings: Tensor
    classes: Classes
    split: NDArray[np.str_] | None
    categories: Classes | None
    is_query: NDArray[np.bool_] | None
    is_gallery: NDArray[np.bool_] | None
    paths: list[str] | None

    @property
    def path(self) -> Path:
        return Path(self.source.place)

    def part(self, name: str) -> NDArray[np.bool_]:
        """Which rows are for training ("train"), or for test."""
        if self.split is not None:
            # where there are both, validation is neither
            names = (TEST,) if name == TEST and TEST in self.split else (TEST, VALIDATION)
            return np.isin(self.split, (TRAIN,) if name == TRAIN else names)
        seed, share = self.source.whole("seed", 0, 0), self.source.number("test", 0.5, 0, 1)
        is_test = disjoint.halves(self.classes.names, seed, share)[self.classes.of]
        return is_test if name == TEST else ~is_test

    def parts(self, *, validation: bool) -> tuple[Where, Where]:
        """Rows to train on and rows to test on; these, for validation, of the training classes."""
        train, test = self.part(TRAIN), self.part(TEST)
        if validation and self.split is not None and {TEST, VALIDATION} <= set(self.split.tolist()):
            test = self.split == VALIDATION
        elif validation:
            held = disjoint.halves(self.classes.names, 0, disjoint.VALIDATION, "validation")[self.classes.of]
            train, test = train & ~held, train & held
        return np.flatnonzero(train), np.flatnonzero(test)


def load(source: Source, wanted: Wanted) -> Dataset:
    """As `weightlab.data.features.load`. Raises InputError for the first thing that is wrong."""
    table = _read(source)
    damaged = _damaged(table)
    notes: list[str] = []
    if wanted.skip_damaged and len(damaged):
        notes.append(
            f"{table.path}: {len(damaged):,} rows are left out, as row {damaged[0]}: {_what_is_damaged(table)}"
        )
        damaged, kept = damaged[:0], np.delete(np.arange(len(table.classes.of)), damaged)
    else:
        kept = np.arange(len(table.classes.of))
    train, test = (np.intersect1d(rows, kept) for rows in table.parts(validation=wanted.validation))
    for fault in _faults(table, damaged, train, test):
        raise InputError(fault)
    notes += _notes(table, train, test)
    return Dataset(
        f"features:{table.path.name}", _split(table, train), _split(table, test, roles=True), notes=tuple(notes)
    )


def read_measured(source: Source) -> tuple[Tensor, Split]:
    """As `weightlab.data.features.read_split`."""
    table = _read(source, in_memory=0)  # they are copied once, normalised: twice would be too much of a million
    rows = np.arange(len(table.classes.of)) if table.split is None else np.flatnonzero(table.part(TEST))
    if not len(rows):
        raise InputError(f"{table.path}: {columns_of(source)['split']} has no row for {TEST}")
    damaged = np.intersect1d(_damaged(table), rows)
    if len(damaged):
        raise InputError(f"{table.path}: row {damaged[0]} (from 0) is {_what_is_damaged(table)}")
    name, chosen = f"{table.path}: {columns_of(source)['embeddings']}", torch.from_numpy(rows)
    embeddings = torch.empty((len(rows), table.embeddings.shape[1]), dtype=torch.float32)
    for start in range(0, len(rows), step := max(1, _BLOCK // embeddings.shape[1])):
        block = table.embeddings.index_select(0, chosen[start : start + step])
        embeddings[start : start + step] = normalised(name, block)
    return embeddings, _split(table, rows, roles=True)


def inspect(source: Source) -> Found:
    """What is in the file, and all that is wrong with it."""
    with opened(Path(source.place), {}) as stored:
        has = f"{source.place}: {', '.join(stored.names())}"
    try:
        table = _read(source)
    except InputError as error:
        return Found((has,), (str(error),))
    damaged, (train, test) = _damaged(table), table.parts(validation=False)
    facts = [has, *_facts(table, train, test)]
    return Found(tuple(facts), tuple(_faults(table, damaged, train, test)))


def _read(source: Source, in_memory: int = IN_MEMORY) -> Table:
    path, columns = as_path("a file of embeddings", source.place), columns_of(source)
    asked = {role: name for role, name in columns.items() if role in NEEDED or role in source.options}
    with opened(path, asked) as stored:
        there = {role: name for role, name in columns.items() if role in asked or name in stored.names()}
        rows = read_embeddings(stored, path, there["embeddings"], in_memory)
        name = {role: f"{path}: {column}" for role, column in there.items()}
        array = {role: stored.array(column) for role, column in there.items() if role != "embeddings"}
    split = as_split(name["split"], array["split"], len(rows)) if "split" in array else None
    if split is not None and (given := [option for option in ("seed", "test") if option in source.options]):
        raise InputError(f"{name['split']} says what is for test: leave out {' and '.join(given)}")
    tested = np.ones(len(rows), dtype=bool) if split is None else split != TRAIN
    return Table(
        source,
        rows,
        as_classes(name["labels"], array["labels"], len(rows)),
        split,
        as_classes(name["category"], array["category"], len(rows)) if "category" in array else None,
        as_roles(name["is_query"], array["is_query"], tested) if "is_query" in array else None,
        as_roles(name["is_gallery"], array["is_gallery"], tested) if "is_gallery" in array else None,
        as_paths(name["path"], array["path"], len(rows)) if "path" in array else None,
    )


def _damaged(table: Table) -> Where:
    """Rows without a direction: NaN, infinite or 0, in float32 as an encoder takes them."""
    found = []
    for start, block in blocks(table.embeddings):
        largest = block.float().abs().amax(dim=1)
        found.append(start + (~((largest > 0) & (largest < torch.inf))).nonzero()[:, 0].numpy())
    return np.concatenate(found)


def _what_is_damaged(table: Table) -> str:
    return f"NaN, infinite or 0 in float32 ({columns_of(table.source)['embeddings']})"


def _faults(table: Table, damaged: Where, train: Where, test: Where) -> Iterator[str]:
    """All that keeps the rows from being trained and tested on, a line each."""
    path, of = table.path, table.classes.of
    if len(damaged):
        more = f", as {len(damaged) - 1:,} others are: --skip-damaged leaves them out" if len(damaged) > 1 else ""
        yield f"{path}: row {damaged[0]} (from 0) is {_what_is_damaged(table)}{more}"
    how = "" if table.split is not None else f"; there are {len(table.classes.names)} classes: try another seed or test"
    for name, rows in ((TRAIN, train), (TEST, test)):
        if not len(rows):
            yield f"{path}: no row is for {name}{how}"
    shared = np.intersect1d(of[train], of[test])
    if len(shared):
        first, second = (int(rows[np.argmax(of[rows] == shared[0])]) for rows in (train, test))
        more = f", as are {len(shared) - 1:,} other classes" if len(shared) > 1 else ""
        yield (
            f"{path}: class {shown(table.classes.names[shared[0]])} is in both parts (row {first} for training, row "
            f"{second} for test){more}: a test is of classes that training has not seen"
        )
    if len(test):
        yield from _faults_of_test(table, test)


def _faults_of_test(table: Table, test: Where) -> Iterator[str]:
    """Queries that have nothing to find."""
    if table.is_query is None and table.is_gallery is None:
        if len(np.unique(table.classes.of[test])) == len(test):
            yield f"{table.path}: nothing to evaluate: no class of the test has two rows"
        return
    every = np.ones(len(test), dtype=bool)
    query = every if table.is_query is None else table.is_query[test]
    gallery = every if table.is_gallery is None else table.is_gallery[test]
    for name, mask in (("a query", query), ("in the gallery", gallery)):
        if not mask.any():
            yield f"{table.path}: no row of the test is {name}"
    of = table.classes.of[test]
    found = np.bincount(of[gallery], minlength=len(table.classes.names))[of] - gallery
    lost = np.flatnonzero(query & (found == 0))
    if len(lost) and query.any() and gallery.any():
        more = f", and so have {len(lost) - 1:,} others" if len(lost) > 1 else ""
        yield (
            f"{table.path}: row {test[lost[0]]} (from 0) is a query of class "
            f"{shown(table.classes.names[of[lost[0]]])}, of which the gallery has no other row{more}"
        )


def _notes(table: Table, train: Where, test: Where) -> Iterator[str]:
    """What is no fault, but may not be meant."""
    for name, rows, what in (
        (TRAIN, train, "they give no pair of two rows to pull together"),
        (TEST, test, "there is nothing that their rows could find"),
    ):
        sizes = np.bincount(table.classes.of[rows])
        alone = np.flatnonzero(sizes == 1)
        if len(alone):
            row = rows[np.argmax(table.classes.of[rows] == alone[0])]
            yield (
                f"{table.path}: {len(alone):,} classes for {name} have one row, as "
                f"{shown(table.classes.names[alone[0]])}, row {row}: {what}"
            )


def _facts(table: Table, train: Where, test: Where) -> Iterator[str]:
    rows, dimensions = table.embeddings.shape
    kind = str(table.embeddings.dtype).removeprefix("torch.")
    norms = torch.cat([torch.linalg.vector_norm(block.double(), dim=1) for _, block in blocks(table.embeddings)])
    finite = norms[norms.isfinite()]
    yield f"{rows:,} rows of {dimensions:,} dimensions, {kind}"
    if len(finite):
        yield f"lengths {float(finite.min()):.4g} to {float(finite.max()):.4g}, median {float(finite.median()):.4g}"
    how = "a hash of the class" if table.split is None else columns_of(table.source)["split"]
    for name, part in ((TRAIN, train), (TEST, test)):
        sizes = np.bincount(table.classes.of[part])
        sizes = sizes[sizes > 0]
        each = f"of {sizes.min():,} to {sizes.max():,} rows, median {np.median(sizes):g}" if len(sizes) else ""
        yield f"{name}: {len(part):,} rows of {len(sizes):,} classes {each}".strip() + f", by {how}"
    if table.categories is not None:
        yield f"{len(table.categories.names):,} categories"
    for name, mask in (("queries", table.is_query), ("gallery", table.is_gallery)):
        if mask is not None:
            yield f"{name}: {int(mask[test].sum()):,} of the test's rows"


def _split(table: Table, rows: Where, *, roles: bool = False) -> Split:
    labels, names = _renumbered(table.classes, rows)
    categories, category_names = (None, None) if table.categories is None else _renumbered(table.categories, rows)
    masks = (table.is_query, table.is_gallery) if roles else (None, None)
    query, gallery = (None if mask is None else torch.from_numpy(mask[rows]) for mask in masks)
    return Split(
        labels,
        Rows(table.embeddings, torch.from_numpy(rows)),
        categories=categories,
        is_query=query,
        is_gallery=gallery,
        paths=None if table.paths is None else [table.paths[row] for row in rows.tolist()],
        class_names=names,
        category_names=category_names,
    )


def _renumbered(classes: Classes, rows: Where) -> tuple[Tensor, list[str]]:
    """Classes of some rows, numbered without gaps, and their names."""
    found, labels = np.unique(classes.of[rows], return_inverse=True)
    return torch.from_numpy(labels), [classes.names[number] for number in found.tolist()]
