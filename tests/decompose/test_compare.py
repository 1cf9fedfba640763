from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from pytorch_metric_learning.losses import CircleLoss
from scipy.stats import truncnorm

import weightlab as wl
from weightlab.decompose import contexts
from weightlab.decompose.comparison import _Apart, _gap
from weightlab.decompose.subject import Subject


def test_distances_by_hand() -> None:
    """Step functions spread their mass evenly over what lies above: the distance is a ratio of counts."""
    a, b = wl.assign("constant", "step(0.2)"), wl.assign("constant", "step(0.4)")
    found = wl.compare(a, b, context=contexts.get("early", 3, 40))
    assert found.draws == 16384
    negative = contexts.for_expectation(contexts.get("early", 3, 40), found.draws).negative.numpy()
    above = (negative > 0.2).sum(1), (negative > 0.4).sum(1)
    expected = np.mean([1 - high / low for low, high in zip(*above, strict=True)])
    distances = found.distances.set_index("sign")["distance"]
    assert distances["negative"] == pytest.approx(expected)
    assert distances["positive"] == 0


def test_a_weighting_is_no_distance_from_its_multiple() -> None:
    rows = wl.compare("n-pair(scale=2)", "infonce(temperature=0.5)", "lifted").distances
    assert rows.iloc[0]["distance"] == pytest.approx(0, abs=1e-9)
    assert len(rows) == 6
    assert (rows["distance"] <= 1).all()


def test_an_anchor_where_one_alone_has_a_weight_counts_whole() -> None:
    found = wl.compare("step(0.4)", "step(0.55)", points=3)
    negative = contexts.for_expectation(contexts.get("trained"), found.draws).negative.numpy()
    low, high = (negative > 0.4).sum(1), (negative > 0.55).sum(1)
    assert 0 < ((low > 0) & (high == 0)).sum() < (low > 0).sum()
    distance = found.distances.set_index("sign")["distance"]["negative"]
    assert distance == pytest.approx((1 - high[low > 0] / low[low > 0]).mean())


def test_one_alone_is_as_far_as_can_be() -> None:
    """½ Σ |w_a − w_b| would be a half of it."""
    a, b = torch.tensor([[0.25, 0.75], [0.5, 0.5], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    assert _gap(a, b).tolist() == [1, 0.5, 0]


class Pulling:
    """n-pair that pulls where it should push."""

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        right = wl.losses.NPair().weights(pairs)
        return wl.PairWeights(right.positive, -right.negative)


def test_pulling_is_as_far_from_pushing_as_can_be() -> None:
    distances = wl.compare("n-pair", Pulling()).distances.set_index("sign")["distance"]
    assert distances["negative"] == pytest.approx(1)
    assert distances["positive"] == pytest.approx(0)


class Silent:
    """In float32, and without weight for anchors whose negatives are all easy."""

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        push = torch.where(pairs.negative, (pairs.similarity - 0.4).relu(), 0).float()
        return wl.PairWeights(torch.zeros_like(push), push)


def test_anchors_without_weight() -> None:
    """One alone without weight is as far away as can be; both are left out; without any, no distance."""
    found = wl.compare(Silent(), "contrastive(neg_margin=0.4)")
    distances = found.distances.set_index("sign")["distance"]
    assert math.isnan(distances["positive"])
    assert found.silent == {"positive": ["Silent"], "negative": []}
    sample = contexts.for_expectation(contexts.get("trained"), found.draws)
    shares = [(sample.negative - 0.4).relu(), (sample.negative > 0.4).double()]
    some = shares[1].sum(1) > 0
    assert 0 < int(some.sum()) < found.draws
    a, b = (share[some] / share[some].sum(1, keepdim=True) for share in shares)
    assert distances["negative"] == pytest.approx(float((a - b).abs().sum(1).mean() / 2), rel=1e-5)
    none = wl.compare("contrastive(neg_margin=1)", "contrastive(neg_margin=0.999)").distances
    assert none["distance"].fillna(-1).tolist() == [0, -1]


def test_losses_of_one_name_are_numbered() -> None:
    found = wl.compare(CircleLoss(m=0.4), CircleLoss(m=0.2), context=contexts.get("early", 2, 5))
    assert found.distances[["a", "b"]].iloc[0].tolist() == ["CircleLoss 1", "CircleLoss 2"]
    assigned = wl.compare(wl.assign("constant", "step(0.5)"), "contrastive").distances["a"].iloc[0]
    assert assigned == "positive constant, negative step(0.5), scale raw"


def test_wrong_weights_are_no_distance_and_no_verdict() -> None:
    class Wrong:
        def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
            return wl.PairWeights(pairs.similarity * float("nan"), pairs.similarity)

    for ask in (lambda: wl.compare(Wrong(), "triplet"), lambda: wl.integrability(Wrong())):
        with pytest.raises(wl.InputError, match="NaN or infinite"):
            ask()


def test_more_curves_than_colours_differ() -> None:
    axes = wl.compare(*wl.losses.names()).plot()
    looks = {
        (line.get_color(), str(line._dash_pattern))
        for line in axes[0].get_lines()
        if line.get_label() in wl.losses.names()
    }
    assert len(looks) == len(wl.losses.names())
    assert all(ax.get_ylim()[0] < 0 < ax.get_ylim()[1] for ax in axes)
    plt.close(axes[0].figure)


def test_equal_mass_by_hand() -> None:
    """Of 3 positives with weight 1 each has a third of the mass; only as far as its margin."""
    curves = wl.compare("contrastive", "ms-loss", equal_mass=True).curves
    part = curves[(curves["weighting"] == "contrastive") & (curves["sign"] == "positive")].set_index("similarity")
    assert part.loc[0.0, ["low", "weight", "high"]].tolist() == pytest.approx([1 / 3] * 3, rel=1e-12)
    assert part.loc[1.0, "weight"] == 0
    push = curves[(curves["weighting"] == "contrastive") & (curves["sign"] == "negative")].set_index("similarity")
    share = truncnorm.sf(0.5, -1.1 / 0.15, 0.9 / 0.15, loc=0.1, scale=0.15)
    assert push.loc[0.8, "weight"] == pytest.approx(1 / (64 * share), rel=0.005)  # not every anchor has a hard one
    plain = wl.compare("contrastive", "ms-loss").curves
    assert set(plain.loc[plain["weighting"] == "contrastive", "weight"]) == {0.0, 1.0}


def test_no_weight_in_this_context() -> None:
    """Random directions hardly ever reach 0.5: nothing to scale, nothing to be apart from, and it is said."""
    found = wl.compare("contrastive", "ms-loss", "triplet", context="random", equal_mass=True)
    negative = found.distances[found.distances["sign"] == "negative"].set_index(["a", "b"])
    for other in ("ms-loss", "triplet"):
        assert math.isnan(negative.loc[("contrastive", other), "distance"])
        assert math.isnan(negative.loc[("contrastive", other), "error"])
    assert 0 < negative.loc[("ms-loss", "triplet"), "distance"] < 1
    assert found.silent == {"positive": [], "negative": ["contrastive"]}
    curve = found.curves[(found.curves["weighting"] == "contrastive") & (found.curves["sign"] == "negative")]
    assert curve[["low", "weight", "high"]].isna().all(axis=None)
    positive, negative_axes = found.plot()
    assert [text.get_text() for text in negative_axes.texts] == ["no weight in this context: contrastive"]
    assert not positive.texts
    assert [line.get_label() for line in negative_axes.get_lines()] == ["contrastive", "ms-loss", "triplet"]
    plt.close(positive.figure)
    html = found._repr_html_()
    assert html.count("no weight in this context") == 2
    assert "nan" not in html.lower().partition("<p>")[2]
    plain = wl.compare("contrastive", "ms-loss", context="random")
    assert plain.curves["weight"].notna().all()  # nothing is scaled
    assert plain.silent["negative"] == ["contrastive"]


def test_distances_have_a_standard_error() -> None:
    """Over parts of the contexts that nothing has in common, distances differ by as much as is said."""
    context = contexts.get("trained")
    subjects = [Subject.of("contrastive"), Subject.of("ms-loss"), Subject.of("triplet")]
    parts = [_Apart.of(subjects, contexts.for_expectation(context, 512, seed), 512, list) for seed in range(24)]
    frames = [each.distances(["a", "b", "c"]) for each in parts]
    found, stated = (np.array([frame[name] for frame in frames]) for name in ("distance", "error"))
    ratio = found.std(0, ddof=1) / np.sqrt((stated**2).mean(0))
    assert ((ratio > 0.6) & (ratio < 1.6)).all()
    usual = wl.compare("contrastive", "ms-loss", "triplet").distances
    assert (usual["error"] < 0.005).all()
    assert (np.abs(found.mean(0) - usual["distance"]) < 4 * (stated.mean(0) / 24**0.5 + usual["error"])).all()


def test_equal_mass_scales_the_curves() -> None:
    plain = wl.compare("triplet", "lifted").curves
    scaled = wl.compare("triplet", "lifted", equal_mass=True).curves
    for name in ("triplet", "lifted"):
        for sign in ("positive", "negative"):
            a, b = (f[(f["weighting"] == name) & (f["sign"] == sign)]["weight"].to_numpy() for f in (plain, scaled))
            ratio = b[a > 0] / a[a > 0]
            assert ratio.std() / ratio.mean() == pytest.approx(0, abs=1e-9)


def test_plot_and_wrong_arguments() -> None:
    positive, negative = wl.compare("contrastive", "ms-loss").plot()
    for ax in (positive, negative):
        assert [line.get_label() for line in ax.get_lines()] == ["contrastive", "ms-loss"]
    plt.close(positive.figure)
    with pytest.raises(wl.InputError, match="two weightings"):
        wl.compare("contrastive")
    with pytest.raises(wl.InputError, match="same weighting twice"):
        wl.compare("contrastive", "contrastive")
    with pytest.raises(wl.InputError, match="did you mean"):
        wl.compare("contrastive", "ms-los")


def test_jupyter_shows_figure_and_distances() -> None:
    found = wl.compare("contrastive", "ms-loss")
    html = found._repr_html_()
    assert '<img src="data:image/png;base64,' in html
    assert f"{found.distances['distance'].iloc[0]:.3f}" in html
    assert repr(found) == "Comparison(contrastive, ms-loss; trained, 3 positives, 64 negatives)"
    assert not plt.get_fignums()
