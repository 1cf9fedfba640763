"""What a diagnosis found, and how it shows itself."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from weightlab.diagnose.estimate import Estimate
    from weightlab.diagnose.finding import Finding

__all__ = ["Diagnosis"]

_FRAMES = ("table", "thresholds", "margins", "histogram", "mass", "distances", "closest", "farthest", "suspects")


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis:
    """What embeddings say about classes, labels, losses and margins.

    Errors are half of a 95 % interval over the sampled anchors: 0 where nothing was left out, NaN where there is none.

    name: of the embeddings.
    rows, dimensions, classes: how many there are.
    anchors: rows that were compared with all others; of those that have a positive.
    weighed: rows that losses were asked about, each with at most `positives` positives and the negatives in a random
        `pool` of rows.
    findings: at most six sentences, each with its number.
    table: a row a loss. active, the share of the negatives that have a weight, and active negatives, how many of an
        anchor's pool; effective negatives, how many that comes to where weights differ, (Σ|w|)² / Σw²; active
        positives, a share; push over pull, Σ|w⁻| / Σ|w⁺|; centre, the mean similarity of the negatives' weight; each
        with its error; nearest, the loss that pushes most alike, at a distance as in `distances`.
    thresholds: threshold, share, negatives, positives: what is at or above each threshold: the share of negatives, how
        many of an anchor's, the share of positives.
    margins: margin, triplets, negatives: of a triplet loss with this margin the share of triplets that are active, and
        how many of an anchor's negatives in the pool are active for one of its positives.
    histogram: low, high, sign, share: where the pairs' similarities lie, in bins of 0.01.
    mass: loss, low, high, sign, share: where each loss's weight mass lies, in bins of 0.025.
    distances: sign, a, b, distance: total variation, ½ Σ |w_a − w_b| over an anchor's pairs, each loss's weights
        divided by their Σ|w|: the share of the weight mass that lies on other pairs; 1 where only one of the two has a
        weight. Mean over anchors; NaN where neither has one. b goes through the built-in losses too.
    closest: the most similar pairs of different classes; farthest: the least similar of one class; suspects: rows that
        lie inside another class; 20 each, of the anchors.
    """

    name: str
    rows: int
    dimensions: int
    classes: int
    anchors: int
    weighed: int
    positives: int
    pool: int
    findings: tuple[Finding, ...]
    positive: Estimate
    negative: Estimate
    effective_rank: float
    table: pd.DataFrame
    thresholds: pd.DataFrame
    margins: pd.DataFrame
    histogram: pd.DataFrame
    mass: pd.DataFrame
    distances: pd.DataFrame
    closest: pd.DataFrame
    farthest: pd.DataFrame
    suspects: pd.DataFrame

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that say that something is wrong."""
        return tuple(each for each in self.findings if each.fault)

    @property
    def title(self) -> str:
        """What was diagnosed."""
        return f"{self.name}: {self.rows:,} rows of {self.classes:,} classes, {self.dimensions:,} dimensions"

    @property
    def effort(self) -> str:
        """How much was looked at, in words."""
        return (
            f"similarities of {self.anchors:,} anchors with all rows; losses at {self.weighed:,} anchors, each with at "
            f"most {self.positives:,} positives and the negatives of {self.pool:,} rows; ± is half of a 95 % interval "
            "over anchors"
        )

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw similarities, weight mass and active negatives; returns the figure, a new one of pyplot's unless given.

        figure: an empty one, which is made as large as the drawing wants.
        """
        from weightlab.plot.diagnose import plot_diagnosis

        return plot_diagnosis(self.histogram, self.mass, self.thresholds, self.title, figure)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's types; a number that is NaN becomes None."""
        whole = {name: getattr(self, name) for name in ("name", "rows", "dimensions", "classes")}
        looked_at = {name: getattr(self, name) for name in ("anchors", "weighed", "positives", "pool")}
        return (
            whole
            | looked_at
            | {
                "positive": _plain(asdict(self.positive)),
                "negative": _plain(asdict(self.negative)),
                "effective_rank": self.effective_rank,
                "findings": [_plain(asdict(each)) for each in self.findings],
            }
            | {name: [_plain(row) for row in getattr(self, name).to_dict("records")] for name in _FRAMES}
        )

    def __repr__(self) -> str:
        return f"Diagnosis({self.title}; {len(self.faults)} of {len(self.findings)} findings are faults)"

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"{number}. {each}" for number, each in enumerate(self.findings, start=1))])

    def _repr_html_(self) -> str:
        """Figure, findings and table, for Jupyter."""
        from matplotlib.figure import Figure

        from weightlab.plot.plain import in_html
        from weightlab.plot.save import html_picture

        sentences = "\n".join(f"<li>{in_html(str(each))}</li>" for each in self.findings)
        return "\n".join(
            [
                f"<h4>{in_html(self.title)}</h4>",
                html_picture(self.plot(Figure()), self.title),
                f"<ol>{sentences}</ol>",
                self.table.to_html(index=False, float_format=lambda x: f"{x:.4g}", na_rep=""),
                f"<p>{in_html(self.effort)}</p>",
            ]
        )


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(name): None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
