"""Rows and pairs whose labels one should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.lazy import np, pd

if TYPE_CHECKING:
    from weightlab.diagnose.estimate import Array
    from weightlab.diagnose.noise import Noise
    from weightlab.diagnose.rows import Rows
    from weightlab.diagnose.walk import Walked

__all__ = ["MOST", "Names", "closest_negatives", "farthest_positives", "suspects"]

MOST = 20


@dataclass(frozen=True)
class Names:
    """What rows and classes are called: paths [N] and names of the labels 0, 1, ..., where there are such."""

    paths: Sequence[str] | None = None
    classes: Sequence[str] | None = None

    def of_labels(self, labels: Array) -> list[object]:
        """Their names, or the labels themselves."""
        return [int(each) if self.classes is None else str(self.classes[int(each)]) for each in labels]

    def of_rows(self, column: str, rows: Array) -> dict[str, list[str]]:
        """A column of their paths; none where there are none."""
        return {} if self.paths is None else {column: [str(self.paths[int(row)]) for row in rows]}


def closest_negatives(rows: Rows, walked: Walked, names: Names) -> pd.DataFrame:
    """The most similar pairs of different classes: each anchor's nearest, the nearest of all first."""
    order = np.argsort(-walked.nearest_similarity, kind="stable")
    return _pairs(rows, walked.anchors[order], walked.nearest[order], walked.nearest_similarity[order], names)


def farthest_positives(rows: Rows, walked: Walked, names: Names) -> pd.DataFrame:
    """The least similar pairs of one class: each anchor's farthest, the farthest of all first."""
    order = np.argsort(walked.farthest_similarity, kind="stable")
    return _pairs(rows, walked.anchors[order], walked.farthest[order], walked.farthest_similarity[order], names)


def suspects(rows: Rows, anchors: Array, noise: Noise, names: Names) -> pd.DataFrame:
    """Rows that lie farthest inside another class; none where classes are not told apart."""
    inside = np.flatnonzero(noise.is_inside & noise.is_told)
    chosen = inside[np.argsort(noise.margin[inside], kind="stable")][:MOST]
    row = anchors[chosen]
    return pd.DataFrame(
        {
            "row": row,
            **names.of_rows("path", row),
            "label": names.of_labels(rows.labels[rows.classes[row]]),
            "lies in": names.of_labels(rows.labels[noise.other[chosen]]),
            "degrees nearer": -noise.margin[chosen],
        }
    )


def _pairs(rows: Rows, first: Array, second: Array, similarity: Array, names: Names) -> pd.DataFrame:
    """The first 20 pairs, each once, whichever of its rows was the anchor."""
    _, once = np.unique(np.sort(np.stack([first, second], axis=1), axis=1), axis=0, return_index=True)
    kept = np.sort(once)[:MOST]
    a, b = first[kept], second[kept]
    return pd.DataFrame(
        {
            "row": a,
            "other": b,
            "similarity": similarity[kept].astype(float),
            "label": names.of_labels(rows.labels[rows.classes[a]]),
            "other label": names.of_labels(rows.labels[rows.classes[b]]),
            **names.of_rows("path", a),
            **names.of_rows("other path", b),
        }
    )
