from __future__ import annotations

import math
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from scipy.stats import truncnorm
from torch import Tensor

import weightlab as wl
from weightlab.decompose import contexts
from weightlab.decompose.mass import Masses, hardness_frame, mass_frame, mass_ratio
from weightlab.forms import SoftmaxForm


@pytest.mark.parametrize("name", wl.losses.names())
def test_every_loss_decomposes(name: str) -> None:
    d = wl.decompose(name, points=41, draws=40)
    assert list(d.curve.columns) == ["similarity", "sign", "weight", "low", "high"]
    assert len(d.curve) == 82
    assert d.residual <= 1e-12
    assert d.formula is not None
    assert set(d.formula) == {"positive", "negative"}
    assert (d.curve["low"] <= d.curve["weight"]).all()
    assert (d.curve["weight"] <= d.curve["high"]).all()
    for _, part in d.mass.groupby("sign"):
        assert part["pairs"].sum() == pytest.approx(1)
        assert part["share"].sum() == pytest.approx(1)


def test_self_similarity_curve_is_exact() -> None:
    curve = wl.decompose("contrastive", points=201).curve
    negative = curve[curve["sign"] == "negative"]
    assert negative["weight"].tolist() == (negative["similarity"] > 0.5).astype(float).tolist()
    assert (curve["low"] == curve["high"]).all()


def test_relative_curve_by_hand() -> None:
    """The probed pair takes similarity s, the others stay: ms-loss's w⁻ at s, for every context, by the formula."""
    context = contexts.get("early", positives=2, negatives=5)
    d = wl.decompose("ms-loss(alpha=2, beta=10, base=0.5)", context, points=5, draws=30, seed=3)
    others = context.sample(30, 3).negative[:, 1:].numpy()
    for s in (-1.0, 0.0, 0.5):
        e = math.exp(10 * (s - 0.5))
        weights = e / (1 + e + np.exp(10 * (others - 0.5)).sum(1))
        row = d.curve[(d.curve["sign"] == "negative") & (d.curve["similarity"] == s)].iloc[0]
        assert row[["low", "weight", "high"]].tolist() == pytest.approx(
            np.quantile(weights, [0.05, 0.5, 0.95]).tolist()
        )


def test_mass_by_hand() -> None:
    """A step's mass lies above its threshold, spread as the pairs are."""
    d = wl.decompose(wl.assign("constant", "step(0.4)"), "early")
    negative = contexts.for_expectation(contexts.get("early"), d.mass_draws).negative.numpy()
    frame = d.mass[(d.mass["sign"] == "negative") & (d.mass["share"] > 0)]
    for _, row in frame.iterrows():
        inside = ((negative >= row["low"]) & (negative < row["high"])).sum()
        assert row["share"] == pytest.approx(inside / (negative > 0.4).sum())
    assert frame["low"].min() == pytest.approx(0.4)


def test_a_callable_is_decomposed_by_autograd() -> None:
    def half_square(pairs: wl.Pairs) -> Tensor:
        return torch.where(pairs.negative, pairs.similarity**2 / 2, 0).sum(1) - torch.where(
            pairs.positive, pairs.similarity, 0
        ).sum(1)

    d = wl.decompose(half_square, points=21, draws=5)
    negative = d.curve[d.curve["sign"] == "negative"]
    assert negative["weight"].tolist() == pytest.approx(negative["similarity"].tolist())
    assert d.signed
    assert d.title == "half_square"
    assert math.isnan(d.residual)
    assert d.formula is None


def test_an_assignment_shows_its_own_curve() -> None:
    d = wl.decompose(wl.assign("constant", "linear"), points=11)
    negative = d.curve[d.curve["sign"] == "negative"]
    assert negative["weight"].tolist() == pytest.approx(((1 + negative["similarity"]) / 2).tolist())
    assert not d.relative
    assert not d.signed


def test_contexts_have_the_distribution_that_they_name() -> None:
    uniform = np.linspace(0, 1, 999)
    assert contexts.Normal(0.75, 0.15).quantile(uniform) == pytest.approx(
        truncnorm.ppf(uniform, -1.75 / 0.15, 0.25 / 0.15, loc=0.75, scale=0.15)
    )
    random = contexts.get("random", 10, 50).sample(2000)
    assert random.negative.std().item() == pytest.approx(1 / math.sqrt(128), rel=0.02)
    trained = contexts.get("trained", 10, 50).sample(2000)
    assert trained.negative.mean().item() == pytest.approx(0.1, abs=0.005)
    assert trained.positive.max().item() <= 1
    assert torch.equal(trained.positive, contexts.get("trained", 10, 50).sample(2000).positive)
    assert not torch.equal(trained.positive, contexts.get("trained", 10, 50).sample(2000, seed=1).positive)


def test_random_directions_in_any_number_of_dimensions() -> None:
    for dimensions in (2, 512):
        negative = contexts.get(f"random:{dimensions}", 10, 50).sample(2000).negative
        assert negative.std().item() == pytest.approx(1 / math.sqrt(dimensions), rel=0.02)


@pytest.mark.parametrize(
    ("what", "context", "message"),
    [
        ("ms-loss", "random:1", "2 to 999999 dimensions"),
        ("ms-loss", "random:many", "2 to 999999 dimensions"),
        ("ms-loss", "file:x.npz", "contexts.Measured for Python"),
        ("ms-loss", "trained:4", "only random takes a number"),
        ("ms-los", "trained", "did you mean 'ms-loss'"),
        ("ms-loss", "traned", "did you mean 'trained'"),
        (wl.losses.Triplet, "trained", "instance"),
        (3, "trained", "not int"),
        (torch.relu, "trained", "wrap it in a function"),
        ("ms-loss", 64, "a name or a Context, not int"),
    ],
)
def test_wrong_arguments(what: object, context: str, message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.decompose(what, context)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [0, -1, 2.5, "8", True, 10**10])
def test_counts_that_are_no_counts(bad: object) -> None:
    for name in ("positives", "negatives"):
        with pytest.raises(wl.InputError, match=f"{name} must be a whole number of 1 to 4194304, not"):
            contexts.get("early", **{name: bad})  # type: ignore[arg-type]
    for name in ("points", "draws", "seed"):
        if bad not in (0, 10**10):
            with pytest.raises(wl.InputError, match=f"{name} must be a whole number"):
                wl.decompose("ms-loss", **{name: bad})  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers() -> None:
    context = contexts.get("early", negatives=np.int64(8))  # type: ignore[arg-type]
    d = wl.decompose(wl.losses.MultiSimilarity(beta=np.float32(40)), context, points=np.int64(5))  # type: ignore[arg-type]
    assert d.title == "ms-loss(alpha=2, beta=40, base=0.5)"
    assert d.residual < 1e-12


def test_plot_draws_both_curves_and_the_band() -> None:
    ax = wl.decompose("ms-loss", points=21, draws=20).plot()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label.split(":")[0] for label in labels] == ["positive", "negative"]
    styles = {str(line.get_linestyle()) for line in ax.get_lines()}
    assert len(styles) == 2
    assert len(ax.collections) == 2
    assert "alpha=2, beta=50, base=0.5" in ax.get_title()
    mpl.pyplot.close(ax.figure)
    given = mpl.pyplot.figure().add_subplot()
    assert wl.decompose("contrastive", points=21).plot(given) is given
    assert not given.collections
    mpl.pyplot.close(given.figure)


def test_a_weight_below_zero_is_drawn() -> None:
    """supcon pushes a positive that is closer than its share away: its curve crosses zero inside the axes."""
    d = wl.decompose("supcon", points=41, draws=40)
    ax = d.plot()
    assert d.signed
    assert d.curve["low"].min() < -1
    assert ax.get_ylim()[0] < d.curve["low"].min()
    mpl.pyplot.close(ax.figure)


@pytest.mark.parametrize(("name", "label"), [("margin", "10,000 at $S$ = 1"), ("tuplet-margin", "at $S$ = -1")])
def test_a_weight_without_bound_does_not_flatten_the_rest(name: str, label: str) -> None:
    d = wl.decompose(name, points=401, draws=20)
    inner = d.curve[d.curve["similarity"].abs() < 1]
    ax = d.plot()
    assert d.curve["weight"].max() > 5_000
    assert inner["high"].max() < ax.get_ylim()[1] < 1.2 * inner["high"].max()
    assert any(label in text.get_text() for text in ax.texts)
    mpl.pyplot.close(ax.figure)


def test_jupyter_shows_figure_formulas_and_mass() -> None:
    html = wl.decompose("lifted", points=21, draws=20)._repr_html_()
    assert re.search(r'<img src="data:image/png;base64,[A-Za-z0-9+/=]{1000,}"', html)
    assert "$$w^+ =" in html
    assert "<table" in html
    assert not mpl.pyplot.get_fignums()
    assert "&lt;lambda&gt;" in wl.decompose(lambda pairs: pairs.similarity.sum(1), points=3, draws=2)._repr_html_()


def test_a_decomposition_is_one_line_on_a_terminal() -> None:
    assert repr(wl.decompose("triplet", points=3)).startswith("Decomposition(triplet(margin=0.1); trained, 3 positives")


def test_hardness_by_hand() -> None:
    """Hard above the hardest positive, semi-hard within 0.1 below it; positives the other way round."""
    sample = contexts.Sample(
        positive=torch.tensor([[0.5, 0.9]], dtype=torch.float64),
        negative=torch.tensor([[0.6, 0.45, 0.3, 0.1]], dtype=torch.float64),
    )
    weights = wl.PairWeights(
        positive=torch.tensor([[3.0, 1.0, 0, 0, 0, 0]], dtype=torch.float64),
        negative=torch.tensor([[0, 0, 4.0, -3.0, 2.0, 1.0]], dtype=torch.float64),
    )
    masses = Masses.of(lambda _: weights, sample)
    frame = hardness_frame(masses).set_index(["sign", "kind"])
    assert frame["share"].tolist() == pytest.approx([0.25, 0, 0.75, 0.3, 0.3, 0.4])
    assert frame["pairs"].tolist() == pytest.approx([0.5, 0, 0.5, 0.5, 0.25, 0.25])
    assert frame["error"].isna().all()  # a single context says nothing of its error
    assert (masses.least, masses.largest) == (-3, 4)
    bins = mass_frame(masses)
    negative = bins[(bins["sign"] == "negative") & (bins["pairs"] > 0)]
    assert negative["low"].tolist() == pytest.approx([0.1, 0.3, 0.4, 0.6])  # a bin holds where it begins
    assert negative["share"].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    ratio, error = mass_ratio(masses)
    assert ratio == pytest.approx(10 / 4)
    assert math.isnan(error)


def test_where_kinds_and_bins_end() -> None:
    """A negative 0.1 below the hardest positive is easy, one as near as that is semi-hard; S = ±1 is in a bin too."""
    sample = contexts.Sample(
        positive=torch.tensor([[0.1, 1.0]], dtype=torch.float64),
        negative=torch.tensor([[0.0, 0.1, -1.0]], dtype=torch.float64),
    )
    even = wl.PairWeights(torch.zeros(1, 5, dtype=torch.float64), torch.tensor([[0, 0, 1.0, 1.0, 2.0]]).double())
    masses = Masses.of(lambda _: even, sample)
    assert hardness_frame(masses).set_index(["sign", "kind"])["share"]["negative"].tolist() == [0.75, 0.25, 0]
    bins = mass_frame(masses)
    assert bins.loc[bins["pairs"] > 0, "low"].tolist() == [0.1, 0.9, -1, 0, 0.1]


def test_measured_context_draws_from_the_embeddings() -> None:
    """Classes at right angles: every positive has similarity 1 and every negative 0."""
    embeddings, labels = torch.eye(4).repeat(3, 1), torch.arange(4).repeat(3)
    sample = contexts.Measured("corners", embeddings, labels, positives=5, negatives=7).sample(20)
    assert sample.positive.shape == (20, 5)
    assert sample.negative.shape == (20, 7)
    assert bool((sample.positive == 1).all())
    assert bool((sample.negative == 0).all())


def test_measured_context_never_draws_the_anchor_itself() -> None:
    embeddings = torch.nn.functional.normalize(torch.randn(6, 8, generator=torch.Generator().manual_seed(0)))
    sample = contexts.Measured("pairs", embeddings, torch.arange(6) // 2, positives=1, negatives=4).sample(50)
    truth = {round(float(embeddings[i] @ embeddings[i + 1]), 5) for i in (0, 2, 4)}
    assert {round(float(s), 5) for s in sample.positive.flatten()} == truth
    assert all(len(set(row.tolist())) == 4 for row in sample.negative)  # no negative twice while there are enough


class Doubled(wl.losses.NPair):
    """n-pair whose weights in closed form are wrong."""

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        right = super().weights(pairs)
        return wl.PairWeights(right.positive, 2 * right.negative)


def test_the_residual_sees_a_wrong_weight_and_a_wrong_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wl.decompose(Doubled(), points=41, draws=5).residual > 0.01
    assert wl.decompose(wl.losses.NPair(), points=41, draws=5).residual < 1e-12
    right = SoftmaxForm.probe
    monkeypatch.setattr(SoftmaxForm, "probe", lambda *given: 2 * right(*given))
    assert wl.decompose(wl.losses.NPair(), points=41, draws=5).residual > 0.01


def test_a_subclass_is_its_own_weighting() -> None:
    """Its curve is that of the weights that it overrides, not of the parts that it inherits."""
    doubled, plain = (wl.decompose(loss, points=21, draws=5) for loss in (Doubled(), wl.losses.NPair()))
    ratio = doubled.curve["weight"] / plain.curve["weight"]
    assert ratio.tolist() == pytest.approx([1] * 21 + [2] * 21)
    assert doubled.title == "Doubled(scale=1.0)"
    assert doubled.formula is None


def test_a_foreign_loss_with_a_value_has_a_residual() -> None:
    assert wl.decompose(wl.recompose("power(3)"), points=41).residual < 1e-12
    assert math.isnan(wl.decompose(wl.assign("constant", "power(3)"), points=41).residual)


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (torch.eye(3), torch.arange(3), "one of them twice"),
        (torch.eye(3), torch.zeros(3, dtype=torch.int64), "two labels"),
        (torch.ones(3, 3), torch.tensor([0, 0, 1]), "normalize"),
    ],
)
def test_embeddings_that_are_no_context(embeddings: Tensor, labels: Tensor, message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        contexts.Measured("bad", embeddings, labels)


def test_a_large_memory_is_decomposed_too() -> None:
    """Among 65,536 negatives a given one weighs less: ms-loss shares its weight of at most 1 between them."""
    small, large = (wl.decompose("ms-loss", contexts.get("early", negatives=count)).curve for count in (64, 65536))
    assert len(small) == len(large) == 802
    at_half = [float(c[(c["sign"] == "negative") & (c["similarity"] == 0.5)]["weight"].iloc[0]) for c in (small, large)]
    assert at_half[1] < 0.01 * at_half[0]
