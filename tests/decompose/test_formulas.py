"""The derived formulas against the closed form in numbers, and against SymPy on sums that are written out."""

from __future__ import annotations

import math
import re

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


@pytest.mark.parametrize("loss", VARIANTS, ids=str)
def test_text_is_plain_and_says_what_its_letters_are(loss: Loss) -> None:
    """No LaTeX, every bracket closed, and every letter that is not S, a sum's or a name's is a parameter."""
    formulas = derive(loss.formula)
    letters = {each.symbol: each for each in formulas.parameters}
    known = {
        "S",
        "S_n",
        "S_p",
        "P",
        "N",
        "Σ_P",
        "Σ_N",
        "exp",
        "log",
        "max",
        "σ",
        "sin",
        "cos",
        "Q",
        "G",
        "max_N",
        "min_P",
    }
    for text in formulas.text().values():
        assert not set(text) & set("\\{}$&")
        assert all(text.count(left) == text.count(right) for left, right in ("()", "[]"))
        assert set(re.findall(r"[^\W\d]\w*", text)) <= known | set(letters)
    assert letters
    for each in formulas.parameters:
        if each.name in losses.parameters(loss):
            assert each.value == losses.parameters(loss)[each.name]
    named = {each.name.partition(" ")[0] for each in formulas.parameters}
    assert named == {name for name, value in losses.parameters(loss).items() if value is not None}


def test_text_in_numbers() -> None:
    """Plain text is read back as the formula: by Python, for a loss that needs no more than its own pair."""
    for loss in (losses.SigLIP(scale=3, bias=-1), losses.BinomialDeviance(beta=7), losses.Margin()):
        formulas = derive(loss.formula)
        names = {each.symbol: each.value for each in formulas.parameters}
        sigma = {"σ": lambda x: 1 / (1 + math.exp(-x)), "sqrt": math.sqrt, "P": 3, "N": 4, "S": 0.7}
        for sign, text in formulas.text().items():
            code = re.sub(r"\|(\w)\|", r"\1", text).replace("·", "*").replace("−", "-").replace("√", "sqrt")
            code = re.sub(r"1\[(.*?)\]", r"(\1)", code)
            found = eval(code, {"__builtins__": {}}, names | sigma)
            assert found == pytest.approx(formulas.number(sign, 0.7, [0.7, 0.1, 0.2], [0.7, 0.1, 0.2, 0.3]))  # type: ignore[arg-type]


def test_text_by_hand() -> None:
    contrastive, triplet, ms = (
        derive(loss().formula) for loss in (losses.Contrastive, losses.Triplet, losses.MultiSimilarity)
    )
    assert contrastive.text() == {"positive": "1[S < m]", "negative": "1[S > λ]"}
    assert [str(each) for each in contrastive.parameters] == ["m = pos_margin = 1", "λ = neg_margin = 0.5"]
    assert [each.in_latex() for each in contrastive.parameters] == [
        r"m = \text{pos\_margin} = 1",
        r"\lambda = \text{neg\_margin} = 0.5",
    ]
    assert triplet.text()["positive"] == "Σ_N[1[S < S_n + m]]"
    assert ms.text()["negative"] == "exp(β·(S − λ))/(Σ_N[exp(β·(S_n − λ))] + 1)"
    assert str(derive(losses.Circle().formula).parameters[0]) == "m = 0.4"
    tuplet = derive(losses.TupletMargin().formula)
    assert str(tuplet.parameters[1]) == "β = margin in radians = 0.100007"
    assert "√(1 − S^2)·sin(β)" in tuplet.text()["positive"]
