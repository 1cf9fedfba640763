"""A file of embeddings as a data set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from weightlab.arrays import normalised
from weightlab.data.features.checks import damaged_rows, facts, faults, notes, what_is_damaged
from weightlab.data.features.columns import columns_of
from weightlab.data.features.reading import names_in
from weightlab.data.features.rows import Rows
from weightlab.data.features.table import Table
from weightlab.data.features.values import TEST, Classes
from weightlab.data.kind import Found, Wanted
from weightlab.data.source import Source
from weightlab.data.split import Dataset, Split
from weightlab.errors import InputError
from weightlab.files import as_path

if TYPE_CHECKING:
    from weightlab.data.features.table import Where

__all__ = ["inspect", "load", "read_measured"]

_BLOCK = 2**24  # numbers that are converted at a time


def load(source: Source, wanted: Wanted) -> Dataset:
    """As `weightlab.data.features.load`. Raises InputError for the first thing that is wrong."""
    table = Table.read(source)
    damaged = damaged_rows(table)
    said: list[str] = []
    if wanted.skip_damaged and len(damaged):
        said.append(f"{table.path}: {len(damaged):,} rows are left out, as row {damaged[0]}: {what_is_damaged(table)}")
        damaged, kept = damaged[:0], np.delete(np.arange(len(table.classes.of)), damaged)
    else:
        kept = np.arange(len(table.classes.of))
    train, test = (np.intersect1d(rows, kept) for rows in table.parts(validation=wanted.validation))
    for fault in faults(table, damaged, train, test):
        raise InputError(fault)
    said += notes(table, train, test)
    return Dataset(
        f"features:{table.path.name}", _split(table, train), _split(table, test, roles=True), notes=tuple(said)
    )


def read_measured(source: Source) -> tuple[Tensor, Split]:
    """As `weightlab.data.features.read_split`."""
    table = Table.read(source, mapped=True)  # they are copied once, normalised: twice would be too much of a million
    rows = np.arange(len(table.classes.of)) if table.split is None else np.flatnonzero(table.part(TEST))
    if not len(rows):
        raise InputError(f"{table.path}: {columns_of(source)['split']} has no row for {TEST}")
    damaged = np.intersect1d(damaged_rows(table), rows)
    if len(damaged):
        raise InputError(f"{table.path}: row {damaged[0]} (from 0) is {what_is_damaged(table)}")
    name, chosen = f"{table.path}: {columns_of(source)['embeddings']}", torch.from_numpy(rows)
    embeddings = torch.empty((len(rows), table.embeddings.shape[1]), dtype=torch.float32)
    for start in range(0, len(rows), step := max(1, _BLOCK // embeddings.shape[1])):
        block = table.embeddings.index_select(0, chosen[start : start + step])
        embeddings[start : start + step] = normalised(name, block)
    inputs = Rows(embeddings, torch.arange(len(rows)))  # not the file's, which stays mapped as long as it is named
    return embeddings, replace(_split(table, rows, roles=True), inputs=inputs)


def inspect(source: Source) -> Found:
    """What is in the file, and all that is wrong with it."""
    path = as_path("a file of embeddings", source.place)
    has = f"{path}: {', '.join(names_in(path))}"
    try:
        table = Table.read(source)
    except InputError as error:
        return Found((has,), (str(error),))
    damaged, (train, test) = damaged_rows(table), table.parts(validation=False)
    return Found((has, *facts(table, train, test)), tuple(faults(table, damaged, train, test)))


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
    return torch.from_numpy(labels), [classes.titles[number] for number in found.tolist()]
