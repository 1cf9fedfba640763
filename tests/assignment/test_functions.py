"""What every weight function of the registry is held to: its text, its integral, where it is zero."""

from __future__ import annotations

import importlib
import math
import pkgutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from weightlab import InputError, assignment
from weightlab.assignment import (
    Below,
    Constant,
    Custom,
    Easy,
    Exponential,
    Linear,
    Power,
    Product,
    SemiHard,
    Side,
    Sigmoid,
    Softmax,
    Spline,
    Step,
    Sum,
    Top,
    WeightFunction,
    Window,
    functions,
    parse,
)
from weightlab.forms import Scale
from weightlab.pairs import SIGNS, Sign
from weightlab.testing import check

EXAMPLES: dict[type[WeightFunction], list[WeightFunction]] = {
    Constant: [Constant(), Constant(0.25), Constant(0), Constant(1e30)],
    Step: [Step(0.3), Step(-1), Step(0.1 + 0.2)],
    Easy: [Easy(0.3), Easy(1e-7)],
    Window: [Window(-0.2, 0.6), Window(0.7, 0.8)],
    Linear: [Linear()],
    Power: [Power(3), Power(0), Power(0.5)],
    Exponential: [Exponential(10, 0.5), Exponential(0, 0.5), Exponential(1e-7, 0.1 + 0.2)],
    Sigmoid: [Sigmoid(20, 0.5), Sigmoid(0, 0), Sigmoid(1e30, 0.25)],
    Softmax: [Softmax(5), Softmax(1e30)],
    Top: [Top(3), Top(1234567)],
    Below: [Below(0), Below(0.1), Below(2)],
    SemiHard: [SemiHard(0.1), SemiHard(2)],
    Spline: [
        Spline(((-0.5, 0.2), (0.2, 0.4), (0.6, 1))),
        Spline(((-0.75, 0), (-0.25, 0), (0.1 + 0.2, 1), (0.9, 0))),
        Spline(((-1, 0), (1 / 3, 1e30))),
        Spline(((0, 0), (1, 0))),
    ],
}
COMBINED: list[WeightFunction] = [
    Sum((Step(0.5), Window(0.2, 0.9))),
    Sum((Step(0.5), Constant(0))),
    Sum((Step(0.5), Constant(0.1))),
    Sum((Sum((Linear(), Step(0.1))), Step(0.2))),
    Product((Step(0.5), Linear())),
    Product((Step(0.1), Window(0.3, 0.9))),
    Product((Product((Linear(), Step(0.1))), Sum((Step(0.2), Easy(0.9))))),
    Product((Step(0.3), Softmax(5))),
    Product((Below(0.1), Step(0.5))),
    Product((SemiHard(0.5), Exponential(10, 0.5))),
    Sum((Below(0.1), Constant(0.5))),
    Product((Below(0.5), Softmax(5))),
    Product((Below(0.5), Top(2), Linear())),
]
EACH = [example for examples in EXAMPLES.values() for example in examples] + COMBINED
KINKS = [-0.75, -0.5, -0.25, -0.2, 1e-7, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 0.6, 0.7, 0.8, 0.9]


def weigh(function: WeightFunction, s: torch.Tensor, sign: Sign) -> torch.Tensor:
    return function(s[None], Side(torch.ones(1, len(s), dtype=torch.bool), sign))[0]


@pytest.mark.parametrize("function", functions.ALL)
def test_every_function_is_tried_and_documented(function: type[WeightFunction]) -> None:
    assert {type(example) for example in EXAMPLES[function]} == {function}
    assert function.__call__.__doc__
    assert function.area.__doc__
    assert getattr(assignment, function.__name__) is function


def test_every_file_is_in_the_registry() -> None:
    for module in pkgutil.iter_modules(functions.__path__):
        importlib.import_module(f"{functions.__name__}.{module.name}")
    ours = [each for each in WeightFunction.__subclasses__() if each.__module__.startswith(functions.__name__)]
    assert set(ours) == {*functions.ALL, Sum, Product, Custom}
    assert functions.names() == [function.name for function in functions.ALL]
    assert len(set(functions.names())) == len(functions.ALL)


@pytest.mark.parametrize("scale", ["raw", "mean", "mass"])
@pytest.mark.parametrize("function", EACH, ids=str)
def test_every_law_holds(function: WeightFunction, scale: Scale) -> None:
    positive = Constant() if function.negatives_only else function
    check(assignment.Assignment(positive, function, scale), contexts=40).raise_if_broken()


@pytest.mark.parametrize("function", EACH, ids=str)
def test_the_text_reads_back_exactly(function: WeightFunction) -> None:
    assert parse(str(function)) == function


@given(t=st.floats(-1, 1), b=st.floats(0, 1e30))
def test_any_numbers_read_back_exactly(t: float, b: float) -> None:
    function = Sum((Sigmoid(b, t), Product((Spline(((-1, b), (1, t**2))), Step(t)))))
    assert parse(str(function)) == function


def test_numbers_are_written_short() -> None:
    assert str(Step(0.5)) == "step(0.5)"
    assert str(Step(0.1 + 0.2)) == "step(0.30000000000000004)"
    assert str(Spline(((-1, 0), (1e-7, 1)))) == "spline(-1:0, 1e-07:1)"
    assert str(Constant(1e30)) == "constant(1e+30)"
    assert str(Constant()) == "constant"
    assert str(parse("(constant + linear) * step(0)")) == "(constant + linear) * step(0)"


@pytest.mark.parametrize("text", ["constant(1e400)", "constant(-1e-30)", "step(1e30)", "exponential(40.00001, 0)"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="must be"):
        parse(text)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("function", [each for each in EACH if not each.relative], ids=str)
def test_area_is_the_integral_from_the_easiest(function: WeightFunction, sign: Sign) -> None:
    def w(x: float) -> float:
        return float(weigh(function, torch.tensor([x], dtype=torch.float64), sign))

    easiest = -1 if sign == "negative" else 1
    s = torch.tensor([[-1, -0.35, 0.3], [0.4, 0.77, 1]], dtype=torch.float64)
    found = function.area(s, sign)
    assert found.shape == s.shape
    near = (
        {"rel": 1e-8, "abs": 1e-9} if function.closed_form else {"abs": 1e-3}
    )  # half a step of 2/4000 for each of two jumps
    for x, area in zip(s.flatten().tolist(), found.flatten().tolist(), strict=True):
        kinks = [kink for kink in KINKS if min(easiest, x) < kink < max(easiest, x)]
        assert area == pytest.approx(quad(w, *sorted((easiest, x)), points=kinks or None, limit=200)[0], **near)
    assert function.area(s.float(), sign).dtype == torch.float32


def test_which_integrals_are_formulas() -> None:
    assert {type(each) for each in EACH if not each.closed_form} == {Softmax, Top, Below, SemiHard, Product, Sum}
    assert not Sum((Linear(), Product((Linear(), Linear())))).closed_form


@pytest.mark.parametrize("function", [each for each in EACH if each.relative], ids=str)
def test_a_relative_function_has_no_area(function: WeightFunction) -> None:
    with pytest.raises(InputError, match="other pairs"):
        function.area(torch.zeros(1, 1), "negative")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("function", EACH, ids=str)
def test_no_negative_has_a_weight_up_to_zero_up_to(function: WeightFunction, dtype: torch.dtype) -> None:
    limit = function.zero_up_to
    around = torch.tensor([k for k in (*KINKS, limit) if math.isfinite(k)], dtype=dtype)
    away = [torch.nextafter(around, torch.full_like(around, end)) for end in (-2, 2)]
    s = torch.cat([torch.linspace(-1, 1, 20001, dtype=dtype), around, *away]).clamp(-1, 1).sort().values
    weight = weigh(function, s, "negative")
    assert bool((weight[s.double() <= limit] == 0).all())
    if limit == math.inf:
        assert bool((weight == 0).all())
    elif limit > -math.inf:
        assert limit < float(s[weight > 0][0]) <= limit + 2e-4 if bool((weight > 0).any()) else limit >= 1


@given(t=st.floats(-1, 1), ends=st.tuples(st.floats(-1, 1), st.floats(-1, 1)))
def test_zero_up_to_of_any_thresholds(t: float, ends: tuple[float, float]) -> None:
    a, b = sorted(ends)
    any_of = [Step(t)] if b - a < 1e-6 else [Step(t), Window(a, b), Spline(((a, 0), (b, 1)))]
    combined = [Sum((each, Step(t))) for each in any_of] + [Product((each, Step(t))) for each in any_of]
    s = torch.cat([torch.linspace(-1, 1, 401, dtype=torch.float64), torch.tensor([t, a, b], dtype=torch.float64)])
    for function in [*any_of, *combined]:
        assert bool((weigh(function, s, "negative")[s <= function.zero_up_to] == 0).all()), function


def test_what_zero_up_to_is() -> None:
    assert [each.zero_up_to for each in (Step(0.5), Window(0.2, 0.9))] == [0.5, 0.2]
    assert [Constant(0).zero_up_to, Constant().zero_up_to] == [math.inf, -math.inf]
    assert [each.zero_up_to for each in EXAMPLES[Spline]] == [-math.inf, -0.25, -1, math.inf]
    assert [each.zero_up_to for each in COMBINED] == [
        0.2,
        0.5,
        -math.inf,
        -math.inf,
        0.5,
        0.3,
        0.1,
        0.3,
        0.5,
        -math.inf,
        -math.inf,
        -math.inf,
        -math.inf,
    ]


@pytest.mark.parametrize("combined", [Sum, Product])
def test_sums_and_products_are_of_weight_functions(combined: type[Sum] | type[Product]) -> None:
    with pytest.raises(InputError, match="two or more, not 1"):
        combined((Linear(),))
    with pytest.raises(InputError, match="must be weight functions, not 'linear'"):
        combined((Linear(), "linear"))  # type: ignore[arg-type]
