"""A run's queries with their nearest references, as a page of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from weightlab import retrieval
from weightlab.errors import InputError
from weightlab.files import AnyPath
from weightlab.plot.neighbours import Picture, Row, draw
from weightlab.train.embedded import Embedded, embed_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["page"]


def page(folder: AnyPath, text: str | None = None, *, queries: int = 12, k: int = 8, seed: int = 0) -> Figure:
    """The test rows of a run, or of another data set, searched among each other: `retrieval.examples`, drawn.

    Raises InputError as `embed_rows` and `retrieval.examples` do, and for rows that are no images.
    """
    embedded = embed_rows(folder, text)
    rows = embedded.rows
    if len(rows.inputs.shape) != 3 or rows.inputs.shape[0] not in (1, 3):
        raise InputError(f"{embedded.name} has no images to draw: weightlab evaluate gives its metrics")
    found = retrieval.examples(
        embedded.embeddings,
        rows.labels,
        queries,
        k,
        is_query=rows.is_query,
        is_gallery=rows.is_gallery,
        seed=seed,
    )
    return draw(_rows(embedded, found), _title(embedded.name, found, seed))


def _rows(embedded: Embedded, found: retrieval.Examples) -> list[Row]:
    index = torch.cat([found.queries[:, None], found.found], dim=1)
    pixels = embedded.rows.inputs(index.flatten()).unflatten(0, index.shape).numpy()
    names = embedded.rows.class_names
    labels = [
        [str(label) if names is None else names[label] for label in row] for row in embedded.rows.labels[index].tolist()
    ]
    return [
        Row(
            Picture(pictures[0], called[0]),
            [Picture(*each) for each in zip(pictures[1:], called[1:], strict=True)],
            similarity,
            is_right,
        )
        for pictures, called, similarity, is_right in zip(
            pixels, labels, found.similarity.tolist(), found.is_right.tolist(), strict=True
        )
    ]


def _title(name: str, found: retrieval.Examples, seed: int) -> str:
    wrong = int((~found.is_right[:, 0]).sum())
    count, share = len(found.queries), 100 * found.failures / found.looked_at
    return (
        f"{name}: a random choice (seed {seed}) of {count} queries, {wrong} whose nearest reference is wrong, then "
        f"{count - wrong} whose nearest is right; of {found.looked_at:,} queries, {share:.1f} % are wrong. "
        "Below each reference: ✓ right or ✗ wrong, its similarity to the query, its class."
    )
