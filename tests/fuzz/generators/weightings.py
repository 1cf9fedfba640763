"""Texts of losses and weight functions: valid ones by their grammar, and what is near to them."""

from __future__ import annotations

import dataclasses
from random import Random

from fuzz.case import Verdict
from fuzz.generators.texts import NASTY, Piece, mutated

from weightlab import losses

__all__ = ["function", "loss", "setting", "weighting"]

_BAD_VALUES = ("'x'", "[]", "{}", "{[]: 1}", "1or 2", "1j", "b''", "()", "nan", "inf", "9" * 400, "-" * 300 + "1", "[" * 3000,
               "__import__('os').system('touch CANARY')", "lambda: 1", "f()", "1:2", "1,", "", " ", "True", "1e999", "*[]",
               "**{}", "x", "1 2", "0777", "'\x1b[31m'", "(" * 200 + "1" + ")" * 200)  # fmt: skip
_ODD_VALUES = (
    "0",
    "-1",
    "1",
    "2.5",
    "1e308",
    "-1e308",
    "1e-320",
    "1e38",
    "-0.0",
    "1_0",
    "+1",
    "0x10",
    "9" * 31,
    "None",
    "(1)",
)


def function(random: Random) -> Piece:
    """A valid weight function: one top at the most, or it is not said which of equally hard pairs are picked."""
    text = _sum(random, 2)
    while text.count("top(") > 1:
        text = _sum(random, 2)
    return text, Verdict.odd if text.count("top(") + text.count("softmax(") > 1 else Verdict.good


def loss(random: Random) -> Piece:
    """A valid loss, with parameters near their defaults."""
    chosen = random.choice(losses.ALL)
    defaults = [(name, value) for name, value in losses.parameters(chosen).items() if isinstance(value, float)]
    if not defaults or random.random() < 0.5:
        return chosen.name, Verdict.good
    name, value = random.choice(defaults)
    return f"{chosen.name}({name}={value * random.choice((1, 1, 0.9)):g})", Verdict.good


def weighting(random: Random) -> Piece:
    """A loss or a weight function: valid, near to it, or nothing of the kind."""
    roll = random.random()
    if roll < 0.4:
        return random.choice((function, loss))(random)
    if roll < 0.55:
        return mutated(random, random.choice((function, loss))(random)[0]), Verdict.odd
    if roll < 0.75:
        return _off(random)
    return random.choice(NASTY), Verdict.odd


def setting(random: Random, name: str | None = None) -> Piece:
    """A parameter as `--set` takes it."""
    name = name or random.choice(("beta", "alpha", "base", "scale", "margin", "temperature", "bta", "", "__class__"))
    roll = random.random()
    if roll < 0.5:
        return f"{name}={random.choice(_BAD_VALUES)}", Verdict.bad
    if roll < 0.9:
        return f"{name}={random.choice(_ODD_VALUES)}", Verdict.odd
    return random.choice(NASTY), Verdict.bad


def _off(random: Random) -> Piece:
    """A loss or a weight function with a parameter that it does not take."""
    chosen = random.choice(losses.ALL)
    fields = [field.name for field in dataclasses.fields(chosen)]  # type: ignore[arg-type]
    name = random.choice((*fields, "bta", "__init__", ""))
    if random.random() < 0.6:
        bad = random.random() < 0.6
        value = random.choice(_BAD_VALUES if bad else _ODD_VALUES)
        text = f"{chosen.name}({name}={value})"
        text += random.choice(("", "", "", ")", "(", " + step(0.5)"))
        return text, Verdict.bad if bad or name not in fields else Verdict.odd
    known = random.choice(("step", "constant", "power", "window", "exponential", "sigmoid", "softmax", "top", "spline"))
    values = ", ".join(random.choice((*_ODD_VALUES, *_BAD_VALUES)) for _ in range(random.randrange(4)))
    return f"{known}({values})", Verdict.odd


def _number(random: Random, low: float, high: float) -> str:
    return f"{random.uniform(low, high):.3g}"


def _sum(random: Random, depth: int) -> str:
    terms = [_product(random, depth) for _ in range(1 if random.random() < 0.8 else 2)]
    return random.choice(("+", " + ", "  +")).join(terms)


def _product(random: Random, depth: int) -> str:
    factors = [_factor(random, depth) for _ in range(1 if random.random() < 0.8 else 2)]
    relative = ("softmax", "top")  # one of these at the most, or the product has no meaning
    if sum(factor.lstrip("( ").startswith(relative) or any(f in factor for f in relative) for factor in factors) > 1:
        factors = factors[:1]
    return random.choice(("*", " * ")).join(factors)


def _factor(random: Random, depth: int) -> str:
    if depth > 0 and random.random() < 0.15:
        return f"({_sum(random, depth - 1)})"
    kind = random.randrange(11)
    low, high = sorted((random.uniform(-0.9, 0.8), random.uniform(-0.9, 0.8)))
    return (
        "constant",
        f"constant({_number(random, 0.1, 3)})",
        f"step({_number(random, -0.9, 0.9)})",
        f"easy({_number(random, -0.9, 0.9)})",
        f"window({low:.3f}, {high + 0.1:.3f})",
        "linear",
        f"power({_number(random, 0.5, 4)})",
        f"exponential({_number(random, 1, 20)}, {_number(random, -0.5, 0.5)})",
        f"sigmoid({_number(random, 1, 30)}, {_number(random, -0.5, 0.9)})",
        f"softmax({_number(random, 1, 20)})",
        f"top({random.randint(1, 5)})",
    )[kind]
