from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import weightlab as wl
from weightlab.decompose import contexts


def test_distances_by_hand() -> None:
    """Step functions spread their mass evenly over what lies above: the distance is a ratio of counts."""
    a, b = wl.assign("constant", "step(0.2)"), wl.assign("constant", "step(0.4)")
    found = wl.compare(a, b, context=contexts.get("early", 3, 40))
    negative = contexts.get("early", 3, 40).sample(64).negative.numpy()
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


class Pulling:
    """n-pair that pulls where it should push."""

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        right = wl.losses.NPair().weights(pairs)
        return wl.PairWeights(right.positive, -right.negative)


def test_pulling_is_as_far_from_pushing_as_can_be() -> None:
    distances = wl.compare("n-pair", Pulling()).distances.set_index("sign")["distance"]
    assert distances["negative"] == pytest.approx(1)
    assert distances["positive"] == pytest.approx(0)


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
