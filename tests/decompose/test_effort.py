"""How much is looked at, said and bounded before the work."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from pytorch_metric_learning.losses import ContrastiveLoss

import weightlab as wl
from weightlab.decompose import contexts
from weightlab.decompose.effort import Effort
from weightlab.decompose.subject import Subject
from weightlab.testing import check


def summed(pairs: wl.Pairs) -> torch.Tensor:
    return (pairs.similarity * pairs.negative).sum()


def each(pairs: wl.Pairs) -> torch.Tensor:
    return (pairs.similarity * pairs.negative).sum(1)


@pytest.mark.parametrize(
    ("weighting", "negatives", "effort"),
    [
        ("contrastive", 64, Effort(401, 256, 16384)),
        ("ms-loss", 64, Effort(401, 256, 16384)),
        ("triplet", 64, Effort(401, 256, 10432)),
        ("triplet", 20_000, Effort(101, 19, 34)),
        ("ms-loss", 20_000, Effort(401, 209, 64)),
        (each, 64, Effort(401, 256, 16384)),
        (each, 20_000, Effort(101, 19, 64)),
        (summed, 64, Effort(41, 9, 256)),
        (summed, 20_000, Effort(21, 4, 64)),
    ],
)
def test_how_much_is_looked_at(weighting: object, negatives: int, effort: Effort) -> None:
    """A scalar function in fewer points and contexts than one that gives each anchor's loss."""
    subject = Subject.of(weighting)  # type: ignore[arg-type]
    assert Effort.of(subject, contexts.get("trained", negatives=negatives), None, None) == effort


def test_it_is_said() -> None:
    d = wl.decompose(summed, points=5, draws=3)
    assert (d.points, d.draws, d.mass_draws, d.pairs) == (5, 1, 3, 67)
    assert d.effort == "curve: 5 points in any context; weight mass: over 3 contexts of 67 pairs"
    lifted = wl.decompose("lifted", points=5, draws=3)
    assert lifted.effort == "curve: 5 points over 3 contexts; weight mass: over 16,384 contexts of 67 pairs"
    assert lifted.effort in lifted._repr_html_()
    ax = lifted.plot()
    assert "over contexts: 3 of trained, 3 positives, 64 negatives" in ax.texts[0].get_text()
    found = wl.compare("lifted", summed, "contrastive", points=7, draws=5)
    assert found.weightings[["points", "draws"]].to_numpy().tolist() == [[7, 5], [7, 1], [7, 1]]
    assert found.draws == 5
    assert found.distances["contexts"].unique().tolist() == [5]
    assert len(found.curves) == 3 * 2 * 7
    assert "lifted 7 points, 5 contexts; summed, contrastive 7 points, 1 context" in found.effort
    axes = found.plot()
    assert "7 points, 1 to 5 contexts" in axes[0].figure.get_suptitle()  # type: ignore[union-attr]
    plt.close("all")


@pytest.mark.parametrize(
    ("weighting", "positives", "negatives", "given", "message"),
    [
        ("triplet", 32768, 32768, {}, r"2,147,483,648.*68.7 GB|68.7 GB.*67,108,864 triplets, not 2,147,483,648"),
        ("triplet-smooth", 16384, 16384, {}, r"triplets, not 536,870,912"),
        (wl.assign("triplet", "step(0.5)"), 16384, 16384, {}, r"triplets, not 536,870,912"),
        ("infonce", 3, 4194304, {}, r"8 contexts of 3 positives and 4,194,304 negatives .* 2.1 GB: at most 16,777,216"),
        (each, 3, 4194304, {}, "would take 2.1 GB"),
        (summed, 3, 1 << 20, {}, "64 contexts of .* GB"),
        (ContrastiveLoss(), 3, 1 << 20, {}, "64 contexts of .* GB"),
        ("infonce", 3, 64, {"draws": 1 << 20}, "1,048,576 contexts .* 4.5 GB"),
        ("contrastive", 1, 1, {"draws": 1 << 20, "points": 1 << 16}, "65,536 points in 1,048,576 contexts .* GB"),
        ("triplet", 64, 65536, {"draws": 128, "points": 8192}, "look at 68,786,585,600 pairs: at most 8,589,934,592"),
    ],
)
def test_what_would_take_gigabytes_is_refused_before_the_work(
    weighting: object, positives: int, negatives: int, given: dict[str, int], message: str
) -> None:
    class Never(contexts.Drawn):
        def sample(self, count: int, seed: int = 0) -> contexts.Sample:
            raise AssertionError("work before the check")

        stratified = sample

    plain = contexts.get("trained", positives, negatives)
    context = Never("trained", plain.positive, plain.negative, positives, negatives)
    with pytest.raises(wl.InputError, match=message):
        wl.decompose(weighting, context, **given)  # type: ignore[arg-type]
    with pytest.raises(wl.InputError, match=message):
        wl.compare("linear", weighting, context=context, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["points", "draws"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True, 1 << 40])
def test_numbers_out_of_range(name: str, value: object) -> None:
    for ask in (wl.decompose, lambda what, **given: wl.compare(what, "triplet", **given)):
        with pytest.raises(wl.InputError, match=f"{name} must be a whole number of [12] to"):
            ask("contrastive", **{name: value})  # type: ignore[arg-type]


def test_other_work_is_bounded_too() -> None:
    with pytest.raises(wl.InputError, match="at most 16,777,216 pairs"):
        wl.integrability("infonce", contexts.get("early", negatives=1 << 20))
    with pytest.raises(wl.InputError, match="triplets, not"):
        wl.integrability("triplet", contexts.get("early", 1 << 14, 1 << 14))
    with pytest.raises(wl.InputError, match="rectangles must be a whole number of 1 to 65536"):
        wl.integrability("ms-loss", rectangles=10**9)
    with pytest.raises(wl.InputError, match="contexts must be a whole number of 1 to 65536"):
        check("ms-loss", contexts=10**9)
