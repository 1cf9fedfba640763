"""The short cuts to a probed pair's weight against the weights of all pairs, worked out at each grid point."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import weightlab as wl
from weightlab import losses
from weightlab.decompose import contexts, curves
from weightlab.decompose.curves import weight_curve
from weightlab.decompose.subject import Subject
from weightlab.forms import Scale
from weightlab.pairs import SIGNS, Sign

TEXTS = [
    *losses.names(),
    "triplet(margin=0)",
    "triplet-smooth(scale=50, margin=0.2)",
    "lifted(margin=-3)",
    "ms-loss(mining_margin=0.1)",
    "infonce(temperature=0.01)",
    "circle(m=0.25, gamma=1000)",
    "ranked-list(alpha=0.6, negative_scale=0, positive_scale=5)",
    "hard-negative-contrastive(temperature=0.02, beta=3, tau_plus=0.01)",
]
GRID = torch.linspace(-1, 1, 41, dtype=torch.float64)


def one_by_one(weighting: wl.Weighting, sample: contexts.Sample, sign: Sign) -> Tensor:
    """Every context and grid point as a matrix of its own."""
    rows = []
    for i in range(len(sample.positive)):
        pairs = contexts.Sample(sample.positive[i : i + 1], sample.negative[i : i + 1]).pairs
        column = 0 if sign == "positive" else sample.positive.shape[1]
        row = []
        for s in GRID.tolist():
            similarity = pairs.similarity.clone()
            similarity[0, column] = s
            weights = weighting.weights(wl.Pairs(similarity, pairs.positive, pairs.negative))
            row.append(float(getattr(weights, sign)[0, column]))
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("positives", "negatives"), [(1, 1), (2, 5), (3, 64)])
def test_same_as_all_pairs(text: str, positives: int, negatives: int) -> None:
    loss = losses.from_text(text)
    sample = contexts.get("early", positives, negatives).sample(3, seed=7)
    for sign in SIGNS:
        found, truth = Subject.of(loss).probe(sample, sign, GRID), one_by_one(loss, sample, sign)
        assert found.shape == truth.shape
        assert float((found - truth).abs().max()) <= 1e-11 * max(float(truth.abs().max()), 1e-3)


RULES = [
    *[("linear", negative) for negative in ("step(0.3)", "linear", "softmax(5)", "top(3)", "top(3) * linear")],
    ("softmax(3) * linear + top(2)", "step(-0.2) * softmax(5) * linear"),
    ("contrastive", "ms-loss"),
    ("n-pair(scale=20)", "circle(gamma=5)"),
    ("triplet", "triplet(margin=0.5)"),
    ("binomial-deviance", "binomial-deviance"),
    ("constant", "ms-loss(mining_margin=0.1)"),
    ("constant", "softmax(3) * top(2)"),
]


@pytest.mark.parametrize("scale", ["raw", "mean", "mass"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("positives", "negatives"), [(1, 1), (2, 3), (3, 20)])
def test_assignments_too(rule: tuple[str, str], scale: Scale, positives: int, negatives: int) -> None:
    assigned = wl.assign(*rule, scale)
    sample = contexts.get("early", positives, negatives).sample(4)
    for sign in SIGNS:
        found, truth = Subject.of(assigned).probe(sample, sign, GRID), one_by_one(assigned, sample, sign)
        assert float((found - truth).abs().max()) <= 1e-11 * max(float(truth.abs().max()), 1e-3)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = contexts.get("early", 2, 6).sample(10)
    names = ("supcon", "triplet", "ms-loss(mining_margin=0.1)")
    whole = [weight_curve(Subject.of(name), sample, GRID) for name in names]
    monkeypatch.setattr(curves, "_BLOCK", 500)
    assert all(weight_curve(Subject.of(name), sample, GRID).equals(whole[i]) for i, name in enumerate(names))


def test_what_a_probe_looks_at() -> None:
    """A loss with sums never goes through the negatives again, however many there are."""
    assert Subject.of(losses.Contrastive()).pairs_of_a_probe(3, 65536) == 1
    assert Subject.of(losses.NPair()).pairs_of_a_probe(3, 65536) == 3
    assert Subject.of(losses.MultiSimilarity(mining_margin=0.1)).pairs_of_a_probe(3, 64) == 67
    assert Subject.of(losses.Triplet()).pairs_of_a_probe(3, 64) == 67
    for scale in ("raw", "mean", "mass"):
        found = Subject.of(wl.assign("linear", "step(0.3)", scale)).pairs_of_a_probe(3, 65536)  # type: ignore[arg-type]
        assert found == (1 if scale == "raw" else 3)
        assert Subject.of(wl.assign("linear", "softmax(5) * step(0)", scale)).pairs_of_a_probe(3, 65536) == 3  # type: ignore[arg-type]
        found = Subject.of(wl.assign("linear", "top(3)", scale)).pairs_of_a_probe(3, 65536)  # type: ignore[arg-type]
        assert found == (1 if scale == "raw" else 3)
