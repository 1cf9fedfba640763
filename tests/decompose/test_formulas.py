"""The derived formulas against the closed form in numbers, and against SymPy on sums that are written out."""

from __future__ import annotations

import pytest
import sympy
from matplotlib.mathtext import MathTextParser

from weightlab import losses
from weightlab.decompose import contexts
from weightlab.decompose.formulas import derive, expand
from weightlab.losses import Loss
from weightlab.losses.vocabulary import Vocabulary

VARIANTS = [loss() for loss in losses.ALL] + [losses.MultiSimilarity(beta=5, mining_margin=0.2)]
SAMPLE = contexts.get("early", positives=3, negatives=4).sample(3, seed=4)


@pytest.mark.parametrize("loss", VARIANTS, ids=str)
def test_formula_is_the_closed_form(loss: Loss) -> None:
    formulas, weights = derive(loss.formula), loss.weights(SAMPLE.pairs)
    for row in range(3):
        positives, negatives = SAMPLE.positive[row].tolist(), SAMPLE.negative[row].tolist()
        for i, s in enumerate(positives):
            number = formulas.number("positive", s, positives, negatives)
            assert number == pytest.approx(weights.positive[row, i].item(), rel=1e-9, abs=1e-9)
        for j, s in enumerate(negatives):
            number = formulas.number("negative", s, positives, negatives)
            assert number == pytest.approx(weights.negative[row, 3 + j].item(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("loss", VARIANTS, ids=str)
def test_formula_of_the_value_is_the_value(loss: Loss) -> None:
    vocabulary = Vocabulary()
    formula = loss.formula(vocabulary)
    numbers = {symbol: sympy.Float(value, 30) for symbol, value in vocabulary.values.items()}
    for row, value in enumerate(loss.value(SAMPLE.pairs).tolist()):
        written = expand(formula, SAMPLE.positive[row].tolist(), SAMPLE.negative[row].tolist())
        assert float(written.xreplace(numbers).evalf(20)) == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("loss", VARIANTS, ids=str)
def test_latex_is_well_formed(loss: Loss) -> None:
    """As another reader of LaTeX sees it: matplotlib's, which knows the double superscript that is none."""
    for latex in derive(loss.formula).latex().values():
        MathTextParser("path").parse(f"${latex}$")
    with pytest.raises(ValueError, match=r"[Dd]ouble superscript"):
        MathTextParser("path").parse(r"$e^{x}^{2}$")


def test_latex_of_mining() -> None:
    latex = derive(losses.MultiSimilarity(mining_margin=0.2).formula).latex()
    assert r"\mathbf{1}\!\left[S < \epsilon + \max_{N} S\right]" in latex["positive"]
    assert r"\mathbf{1}\!\left[S + \epsilon > \min_{P} S\right]" in latex["negative"]


def test_latex_says_what_a_name_stands_for() -> None:
    for latex in derive(losses.HardNegativeContrastive().formula).latex().values():
        formula, *parts = latex.split(r",\quad ")
        assert "Q" in formula
        assert [part.partition(" = ")[0] for part in parts].count("Q") == 1
        assert [part.partition(" = ")[0] for part in parts].count("G") == 1


def test_latex_of_ms_loss() -> None:
    latex = derive(losses.MultiSimilarity().formula).latex()
    assert latex["positive"].startswith(r"\frac{e^{- \alpha \left(S - \lambda\right)}}{\sum_{p \in P}")
    assert latex["negative"].startswith(r"\frac{e^{\beta \left(S - \lambda\right)}}{\sum_{n \in N}")


def test_latex_of_triplet_counts() -> None:
    latex = derive(losses.Triplet().formula).latex()
    assert latex["negative"] == r"\sum_{p \in P} \mathbf{1}\!\left[S + m > S_{p}\right]"
