"""Where losses put their weight: against sums over all pairs, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_up import clusters

import weightlab as wl
from weightlab import losses
from weightlab.decompose import Subject
from weightlab.diagnose.contexts import Plan, contexts
from weightlab.diagnose.rows import Rows
from weightlab.diagnose.weighing import weigh
from weightlab.pairs import Pairs, PairWeights


@pytest.fixture(scope="module")
def given() -> tuple[np.ndarray, np.ndarray]:
    return clusters(9, 5, 6, 0.8)


@pytest.fixture(scope="module")
def found(given: tuple[np.ndarray, np.ndarray]) -> wl.diagnose.Diagnosis:
    return wl.diagnose(*given, ["contrastive(neg_margin=0.6)", "triplet", "ms-loss"])


@pytest.fixture(scope="module")
def pairs(given: tuple[np.ndarray, np.ndarray]) -> Pairs:
    x = torch.from_numpy(given[0])
    return Pairs.from_embeddings(x, torch.from_numpy(given[1]))


def test_all_pairs_are_seen_without_error(found: wl.diagnose.Diagnosis, pairs: Pairs) -> None:
    """45 anchors are all that there are."""
    assert (found.anchors, found.weighed, found.pool) == (45, 45, 45)
    asked = (losses.Contrastive(neg_margin=0.6), losses.Triplet(), losses.MultiSimilarity())
    for row, loss in zip(found.table.to_dict("records"), asked, strict=True):
        w = loss.weights(pairs)
        push, pull = w.negative.double(), w.positive.double()
        truth = {
            "active": (push != 0).sum() / pairs.negative.sum(),
            "active negatives": (push != 0).sum(1).double().mean(),
            "effective negatives": (push.sum(1) ** 2 / (push**2).sum(1).clamp(min=1e-30)).mean(),
            "active positives": (pull != 0).sum() / pairs.positive.sum(),
            "push over pull": push.sum() / pull.sum(),
            "centre": (push * pairs.similarity).sum() / push.sum(),
        }
        for name, value in truth.items():
            assert row[name] == pytest.approx(float(value), rel=1e-5), name
            assert row[f"{name} error"] == 0


@pytest.mark.parametrize("one", [losses.Contrastive(neg_margin=0.6), losses.Triplet()])
def test_distances_are_of_total_variation(one: losses.Loss, found: wl.diagnose.Diagnosis, pairs: Pairs) -> None:
    """Some anchors have no negative above 0.6, to which ms-loss gives a weight all the same."""
    a, b = (loss.weights(pairs) for loss in (one, losses.MultiSimilarity()))
    for sign in ("positive", "negative"):
        first, other = (getattr(each, sign).double() for each in (a, b))
        sizes = [each.sum(1, keepdim=True) for each in (first, other)]
        gap = (first / sizes[0].clamp(min=1e-30) - other / sizes[1].clamp(min=1e-30)).abs().sum(1) / 2
        alone, silent = (sizes[0] > 0) != (sizes[1] > 0), (sizes[0] == 0) & (sizes[1] == 0)
        truth = torch.where(alone[:, 0], 1.0, gap)[~silent[:, 0]].mean()
        frame = found.distances
        (row,) = frame[(frame.sign == sign) & frame.a.str.startswith(one.name) & (frame.b == "ms-loss")].to_dict(
            "records"
        )
        assert row["distance"] == pytest.approx(float(truth), rel=1e-5)
        assert row["error"] == 0
    assert (a.negative.sum(1) == 0).any() == (one.name == "contrastive")
    assert set(found.distances.b) >= {"circle", "infonce", "binomial-deviance"}


def test_mass_thresholds_and_margins_are_sums_over_pairs(found: wl.diagnose.Diagnosis, pairs: Pairs) -> None:
    w = losses.MultiSimilarity().weights(pairs).negative.double()
    part = found.mass[(found.mass.loss == "ms-loss") & (found.mass.sign == "negative")]
    s = pairs.similarity
    for row in part[part.share > 0.01].itertuples():
        inside = (s >= row.low) & (s < row.high)
        assert row.share == pytest.approx(float(w[inside].sum() / w.sum()), rel=1e-5)
    assert part.share.sum() == pytest.approx(1)
    at = found.thresholds.set_index("threshold").loc[0.2]
    assert at["negatives"] == pytest.approx(float((pairs.negative & (s >= 0.2)).sum(1).double().mean()))
    assert at["positives"] == pytest.approx(float((pairs.positive & (s >= 0.2)).sum() / pairs.positive.sum()))
    for row in found.margins.itertuples():
        triplets = [
            (s[i, pairs.negative[i]][None] > s[i, pairs.positive[i]][:, None] - row.margin) for i in range(len(s))
        ]
        assert row.triplets == pytest.approx(np.mean([float(each.double().mean()) for each in triplets]), abs=1e-6)
        assert row.negatives == pytest.approx(np.mean([int(each.any(0).sum()) for each in triplets]), abs=1e-6)


def test_what_is_left_out_is_within_the_error() -> None:
    """Of 20 samples of a quarter of the pool, about 95 % hold the number of the whole."""
    rows, subjects = Rows.of(*clusters(60, 5, 6, 0.8)), [Subject.of("contrastive(neg_margin=0.2)")]

    def active(anchors: int, pool: int, seed: int, whole: int | None) -> tuple[float, float]:
        groups = contexts(rows, Plan(anchors, 4, pool, torch.float32), np.random.default_rng(seed))
        return weigh(subjects, 1, groups, whole).table(0)["active"]

    truth, exact = active(300, 300, 0, 300)
    assert exact == 0
    samples = [active(64, 75, seed, None) for seed in range(20)]
    assert 17 <= sum(abs(value - truth) <= error for value, error in samples) <= 20
    assert max(error for _, error in samples) < 0.2 * truth


class Failing:
    def weights(self, pairs: Pairs) -> PairWeights:
        raise RuntimeError("no luck")


class NotFinite:
    def weights(self, pairs: Pairs) -> PairWeights:
        return PairWeights(torch.zeros_like(pairs.similarity), torch.full_like(pairs.similarity, torch.nan))


@pytest.mark.parametrize(("loss", "message"), [(Failing(), "no luck"), (NotFinite(), "nan|NaN")])
def test_a_loss_that_fails_is_named(loss: object, message: str, given: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(wl.InputError, match=f"{type(loss).__name__}.*({message})"):
        wl.diagnose(*given, loss)


def test_a_loss_that_takes_one_anchor_at_a_time_is_asked_little() -> None:
    found = wl.diagnose(
        *clusters(20, 10, 8, 0.5), "pytorch_metric_learning.losses:ContrastiveLoss(pos_margin=0, neg_margin=1)"
    )
    assert (found.weighed, found.positives, found.pool) == (64, 4, 64)
    assert 0 < found.table["active"][0] < 1
