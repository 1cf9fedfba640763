"""What is wrong with the rows of a file of embeddings, and what whoever uses them should know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from weightlab.data.features.columns import columns_of
from weightlab.data.features.reading import blocks
from weightlab.data.features.table import Table
from weightlab.data.features.values import TEST, TRAIN
from weightlab.errors import shown

if TYPE_CHECKING:
    from weightlab.data.features.table import Where

__all__ = ["damaged_rows", "facts", "faults", "notes", "what_is_damaged"]


def damaged_rows(table: Table) -> Where:
    """Rows without a direction: NaN, infinite or 0, in float32 as an encoder takes them."""
    found = []
    for start, block in blocks(table.embeddings):
        largest = block.float().abs().amax(dim=1)
        found.append(start + (~((largest > 0) & (largest < torch.inf))).nonzero()[:, 0].numpy())
    return np.concatenate(found)


def what_is_damaged(table: Table) -> str:
    """In words, and in which array."""
    return f"NaN, infinite or 0 in float32 ({columns_of(table.source)['embeddings']})"


def faults(table: Table, damaged: Where, train: Where, test: Where) -> Iterator[str]:
    """All that keeps the rows from being trained and tested on, a line each."""
    path, of = table.path, table.classes.of
    if len(damaged):
        more = f", as {len(damaged) - 1:,} others are: --skip-damaged leaves them out" if len(damaged) > 1 else ""
        yield f"{path}: row {damaged[0]} (from 0) is {what_is_damaged(table)}{more}"
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


def notes(table: Table, train: Where, test: Where) -> Iterator[str]:
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


def facts(table: Table, train: Where, test: Where) -> Iterator[str]:
    """What there is, a line each."""
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
