"""What a file of embeddings holds, row by row, and which rows are for what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from weightlab.data import disjoint
from weightlab.data.features.columns import NEEDED, columns_of
from weightlab.data.features.reading import opened, read_embeddings
from weightlab.data.features.values import (
    TEST,
    TRAIN,
    VALIDATION,
    Classes,
    as_classes,
    as_paths,
    as_roles,
    as_split,
    titled,
)
from weightlab.data.source import Source
from weightlab.errors import InputError
from weightlab.files import as_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Where = NDArray[np.intp]

__all__ = ["Table"]


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

    @classmethod
    def read(cls, source: Source, *, mapped: bool = False) -> Table:
        """Of a file; embeddings are mapped if asked for, or large.

        Raises InputError for what can't be read, and for values that say nothing.
        """
        path, columns = as_path("a file of embeddings", source.place), columns_of(source)
        asked = {role: name for role, name in columns.items() if role in NEEDED or role in source.options}
        with opened(path, asked) as stored:
            there = {role: name for role, name in columns.items() if role in asked or name in stored.names()}
            rows = read_embeddings(stored, path, there["embeddings"], mapped=mapped)
            name = {role: f"{path}: {column}" for role, column in there.items()}
            array = {role: stored.array(column) for role, column in there.items() if role != "embeddings"}
        split = as_split(name["split"], array["split"], len(rows)) if "split" in array else None
        if split is not None and (given := [option for option in ("seed", "test") if option in source.options]):
            raise InputError(f"{name['split']} says what is for test: leave out {' and '.join(given)}")
        tested = np.ones(len(rows), dtype=bool) if split is None else split != TRAIN

        def classes(role: str, names: str) -> Classes:
            found = as_classes(name[role], array[role], len(rows))
            try:
                return titled(found, name[names], array[names]) if names in array else found
            except InputError:
                if names in source.options:
                    raise
                return found  # an array that is called so, but says something else

        return cls(
            source,
            rows,
            classes("labels", "class_names"),
            split,
            classes("category", "category_names") if "category" in array else None,
            as_roles(name["is_query"], array["is_query"], tested) if "is_query" in array else None,
            as_roles(name["is_gallery"], array["is_gallery"], tested) if "is_gallery" in array else None,
            as_paths(name["path"], array["path"], len(rows)) if "path" in array else None,
        )

    @property
    def path(self) -> Path:
        """Of the file."""
        return Path(self.source.place)

    def part(self, name: str) -> NDArray[np.bool_]:
        """Which rows are for training ("train"), or for test."""
        if self.split is not None:
            # where there are both, validation is neither
            names = (TEST,) if name == TEST and TEST in self.split else (TEST, VALIDATION)
            return np.isin(self.split, (TRAIN,) if name == TRAIN else names)
        seed, share = self.source.whole("seed", 0, 0), self.source.number("test", 0.5, 0, 1)
        is_test = disjoint.chosen(self.classes.names, seed, share)[self.classes.of]
        return is_test if name == TEST else ~is_test

    def parts(self, *, validation: bool) -> tuple[Where, Where]:
        """Rows to train on and rows to test on; these, for validation, of the training classes."""
        train, test = self.part(TRAIN), self.part(TEST)
        if validation and self.split is not None and {TEST, VALIDATION} <= set(self.split.tolist()):
            test = self.split == VALIDATION
        elif validation:
            held = disjoint.chosen(self.classes.names, 0, disjoint.VALIDATION, "validation")[self.classes.of]
            train, test = train & ~held, train & held
        return np.flatnonzero(train), np.flatnonzero(test)
