"""Rows with their embeddings: those that a run gives a data set's, or those of a file; measured, and written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from weightlab import data, retrieval
from weightlab.data import Dataset, Split
from weightlab.data.features import SUFFIXES, read_split
from weightlab.data.source import Source
from weightlab.errors import InputError, reason
from weightlab.files import AnyPath, as_path, check_folder, write_atomically
from weightlab.retrieval import Evaluation
from weightlab.train import checkpoint
from weightlab.train.config import TrainConfig
from weightlab.train.evaluation import TrainingError, embed, load_data

__all__ = ["FORMATS", "Embedded", "Part", "check_out", "embed_features", "embed_rows", "is_features", "write"]

Part = Literal["test", "train", "all"]
FORMATS = (".safetensors", ".npz")


@dataclass(frozen=True, eq=False)
class Embedded:
    """Rows with their embeddings.

    name: of their data set, as a report has it.
    embeddings: float32 [N, D], L2-normalised.
    rows: what is known of each.
    ks: the k of R@k that their data set's protocol asks for.
    parts: "train" or "test", of each row.
    """

    name: str
    embeddings: Tensor
    rows: Split
    ks: tuple[int, ...]
    parts: tuple[str, ...]

    def measure(
        self, ks: Sequence[int] | None = None, *, queries: int | None = None, seed: int = 0, clusters: bool = False
    ) -> Evaluation:
        """`retrieval.measure` of the rows, queries and gallery as their data set has them; ks: None for its own."""
        rows = self.embeddings.numpy()
        rows.setflags(write=False)  # so that they are checked in blocks
        return retrieval.measure(
            rows,
            self.rows.labels,
            ks=self.ks if ks is None else ks,
            is_query=self.rows.is_query,
            is_gallery=self.rows.is_gallery,
            categories=self.rows.categories,
            queries=queries,
            seed=seed,
            clusters=clusters,
        )


def is_features(text: str) -> bool:
    """Whether it says a file of embeddings, x.npz or x.npz(labels=y), rather than a run's folder."""
    place = Source.parse(f"features:{text}").place if text.endswith(")") else text
    return place.lower().endswith(SUFFIXES) and not Path(text).is_dir()


def embed_rows(folder: AnyPath, text: str | None = None, part: Part = "test") -> Embedded:
    """The rows of the run in a folder, embedded by it, or those of another data set whose inputs its encoder takes.

    Raises InputError where the folder holds no run that is done, and for data that are not there or don't fit;
    TrainingError where an embedding is not finite.
    """
    folder = as_path("folder", folder)
    config = checkpoint.read_config(folder)
    dataset = load_data(config) if text is None else _load_other(config, text)
    try:
        model = checkpoint.load_model(folder, dataset.test.inputs.shape)
    except InputError as error:
        if text is None:
            raise
        raise InputError(f"{error}; the inputs of {dataset.name} are {dataset.test.inputs.shape}") from error
    chosen = {"train": (dataset.train,), "test": (dataset.test,), "all": (dataset.train, dataset.test)}[part]
    embeddings = torch.cat([embed(model, split) for split in chosen]).float()
    if not bool(embeddings.isfinite().all()):
        raise TrainingError("the encoder's embeddings are not finite: lower the learning rate or the scale")
    names = ("train", "test") if part == "all" else (part,)
    parts = tuple(name for name, split in zip(names, chosen, strict=True) for _ in range(len(split)))
    rows = _joined(dataset) if part == "all" else chosen[0]
    return Embedded(dataset.name, embeddings, rows, dataset.ks, parts)


def embed_features(text: str) -> Embedded:
    """The embeddings in a file, "x.npz" or "x.npz(labels=y)": of its test rows where it says which they are, else all.

    Raises InputError for what is missing, damaged or of another kind.
    """
    source = Source.parse(f"features:{text}")
    embeddings, rows = read_split(source)
    return Embedded(f"features:{Path(source.place).name}", embeddings, rows, (1, 10, 100), ("test",) * len(rows))


def check_out(out: Path) -> None:
    """Before the work: raise InputError unless `write` can write there."""
    if out.suffix.lower() not in FORMATS:
        raise InputError(f"--out {out}: embeddings are written to {' or '.join(FORMATS)} files")
    check_folder(out.parent, "--out", [out.name])


def write(embedded: Embedded, out: AnyPath) -> Path:
    """Write embeddings to a .safetensors or .npz file, whole or not at all, as `features:FILE` reads them; its path.

    embeddings float32 [N, D], labels int64 [N]; where there are such, category int64 [N], is_query and is_gallery
    bool [N]. Texts: path [N], split [N] ("train", "test"), class_names and category_names, of each number. In a .npz
    file these are arrays as well; .safetensors has none of texts: there they are lists in JSON, in its metadata.

    Raises InputError where `check_out` does, and for more texts than a .safetensors file takes (100 MB).
    """
    path = as_path("out", out)
    check_out(path)
    arrays, texts = _arrays(embedded), _texts(embedded)
    if path.suffix.lower() == ".npz":
        every: dict[str, Any] = arrays | {name: np.array(value, dtype=str) for name, value in texts.items()}
        write_atomically(path, lambda temporary: np.savez(temporary, **every))
    else:
        from safetensors import SafetensorError
        from safetensors.numpy import save_file

        metadata = {name: json.dumps(value) for name, value in texts.items()}
        try:
            write_atomically(path, lambda temporary: save_file(arrays, temporary, metadata))
        except SafetensorError as error:
            raise InputError(
                f"--out {path}: the {len(embedded.rows):,} rows can't be written ({reason(error)}): write a .npz file, "
                "which takes paths and names of any length"
            ) from error
    return path


def _load_other(config: TrainConfig, text: str) -> Dataset:
    """Another data set than the run's, all of it, as the run's encoder sees images."""
    return data.load(text, size=config.size, augment="none", skip_damaged=config.skip_damaged)


def _joined(dataset: Dataset) -> Split:
    """Both parts as one, for all but its inputs: the classes of training, then those of test."""
    train, test = dataset.train, dataset.test
    first = int(train.labels.max()) + 1
    categories, category_names = _joined_categories(train, test)
    return Split(
        torch.cat([train.labels, test.labels + first]),
        test.inputs,
        categories=categories,
        is_query=_joined_role(len(train), test.is_query),
        is_gallery=_joined_role(len(train), test.is_gallery),
        paths=None if train.paths is None or test.paths is None else [*train.paths, *test.paths],
        class_names=(
            None if train.class_names is None or test.class_names is None else [*train.class_names, *test.class_names]
        ),
        category_names=category_names,
    )


def _joined_role(train: int, test: Tensor | None) -> Tensor | None:
    """Rows of training are neither queries nor gallery where there are such."""
    return None if test is None else torch.cat([torch.zeros(train, dtype=torch.bool), test])


def _joined_categories(train: Split, test: Split) -> tuple[Tensor | None, list[str] | None]:
    """By name: both parts have the same categories, but each numbers its own."""
    if train.categories is None or test.categories is None:
        return None, None
    texts = [*_category_texts(train), *_category_texts(test)]
    names, numbers = np.unique(np.array(texts, dtype=object), return_inverse=True)
    return torch.from_numpy(numbers.astype(np.int64)), [str(name) for name in names]


def _category_texts(split: Split) -> list[str]:
    assert split.categories is not None
    names = split.category_names
    return [str(number) if names is None else names[number] for number in split.categories.tolist()]


def _arrays(embedded: Embedded) -> dict[str, NDArray[np.generic]]:
    rows = embedded.rows
    found = {
        "embeddings": embedded.embeddings,
        "labels": rows.labels,
        "category": rows.categories,
        "is_query": rows.is_query,
        "is_gallery": rows.is_gallery,
    }
    return {name: np.ascontiguousarray(each.numpy()) for name, each in found.items() if each is not None}


def _texts(embedded: Embedded) -> dict[str, list[str]]:
    rows = embedded.rows
    found = {
        "path": rows.paths,
        "split": embedded.parts,
        "class_names": rows.class_names,
        "category_names": rows.category_names,
    }
    return {name: list(each) for name, each in found.items() if each is not None}
