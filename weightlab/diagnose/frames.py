"""The tables of a diagnosis, tidy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.diagnose.estimate import Estimate, ratios
from weightlab.diagnose.walk import edges
from weightlab.diagnose.weighing import MARGINS
from weightlab.lazy import np, pd
from weightlab.pairs import SIGNS

if TYPE_CHECKING:
    from weightlab.diagnose.walk import Walked
    from weightlab.diagnose.weighing import Weighed

__all__ = ["histogram_frame", "loss_frame", "margin_frame", "neighbours", "threshold_frame"]


def histogram_frame(walked: Walked, whole: int) -> pd.DataFrame:
    """low, high, sign, share, error: of the sign's pairs, how many have a similarity in each bin."""
    edge, frames = edges(), []
    for sign in SIGNS:
        counts = getattr(walked, sign).astype(float)
        share, error = ratios(counts, counts.sum(1), whole)
        frames.append(pd.DataFrame({"low": edge[:-1], "high": edge[1:], "sign": sign, "share": share, "error": error}))
    return pd.concat(frames, ignore_index=True)


def threshold_frame(walked: Walked, whole: int) -> pd.DataFrame:
    """threshold, share, share error, negatives, negatives error, positives: what is at or above each threshold.

    share: of the negatives; negatives: how many of an anchor's; positives: the share of the positives at or above.
    """
    above = walked.negative[:, ::-1].cumsum(1)[:, ::-1].astype(float)
    pulled = walked.positive[:, ::-1].cumsum(1)[:, ::-1].astype(float)
    total = above[:, 0]
    share, error = ratios(above, total, whole)
    number, off = ratios(above, np.ones(len(above)), whole)
    positives, _ = ratios(pulled, pulled[:, 0], whole)
    return pd.DataFrame(
        {
            "threshold": edges()[:-1],
            "share": share,
            "share error": error,
            "negatives": number,
            "negatives error": off,
            "positives": positives,
        }
    )


def margin_frame(weighed: Weighed) -> pd.DataFrame:
    """margin, triplets, triplets error, negatives, negatives error: of a triplet loss with this margin.

    triplets: the share of an anchor's triplets that are active, S_n > S_p − m; negatives: how many of those that it was
    compared with are active for one of its positives.
    """
    triplets, error = weighed.ratio(weighed.triplets)
    reached, off = weighed.ratio(weighed.reached)
    return pd.DataFrame(
        {
            "margin": MARGINS,
            "triplets": triplets,
            "triplets error": error,
            "negatives": reached,
            "negatives error": off,
        }
    )


def loss_frame(weighed: Weighed, distances: pd.DataFrame) -> pd.DataFrame:
    """A row a loss, as `Diagnosis.table` says."""
    rows = []
    for loss in range(weighed.given):
        row: dict[str, object] = {"loss": weighed.names[loss]}
        for name, (value, error) in weighed.table(loss).items():
            row |= {name: value, f"{name} error": error}
        near = neighbours(distances, weighed.names[loss])
        other, distance = near[0] if near else ("", Estimate(np.nan, np.nan))
        row |= {"nearest": other, "distance": distance.value, "distance error": distance.error}
        rows.append(row)
    return pd.DataFrame(rows)


def neighbours(distances: pd.DataFrame, loss: str) -> list[tuple[str, Estimate]]:
    """The losses by how alike they push, the nearest first, and how far apart; none where the loss doesn't push."""
    push = distances[(distances["sign"] == "negative") & distances["distance"].notna()]
    own = push[(push["a"] == loss) | (push["b"] == loss)].sort_values("distance", kind="stable")
    return [
        (str(b if a == loss else a), Estimate(distance, error))
        for a, b, distance, error in own[["a", "b", "distance", "error"]].itertuples(index=False)
    ]
