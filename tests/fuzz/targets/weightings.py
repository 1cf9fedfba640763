"""Losses, weight functions and assignments."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from random import Random
from typing import Any

import torch
from fuzz.generators import weightings
from fuzz.names import value_of
from fuzz.targets.step import weighting
from fuzz.targets.target import Target
from fuzz.targets.truth import near, pair_weights

from weightlab import losses
from weightlab.assignment import functions
from weightlab.pairs import Pairs

__all__ = ["TARGETS"]


def _of_pairs(random: Random) -> dict[str, str]:
    seed, count, references = random.randrange(99), random.choice((0, 1, 3)), random.choice((0, 1, 2, 9))
    dtype = random.choice(
        (", torch.float64", ", torch.float64", ", torch.float32", ", torch.bfloat16", ", torch.float16")
    )
    similarity = f"similarities({seed}, {count}, {references}"
    code = random.choice((similarity, similarity, f"0 * {similarity}", f"{similarity}"))
    sign = random.choice(("", "", "", ".sign()"))
    return {
        "weighting": weighting(random),
        "pairs": f"wl.Pairs({code}{dtype}){sign}, {similarity}) > 0.2, {similarity}) < -0.1)",
    }


def _sound(given: Mapping[str, Any], answer: Any) -> str | None:
    weights, value = answer
    pairs: Pairs = given["pairs"]
    if (why := pair_weights(weights, pairs.positive, pairs.negative)) is not None:
        return why
    if value is None:
        return None
    if value.shape != pairs.similarity.shape[:1] or not bool(value.isfinite().all()):
        return f"the value is {value.tolist()}"
    if pairs.similarity.dtype != torch.float64 or not pairs.similarity.numel():
        return None
    loss = value_of(given["weighting"])
    assert loss is not None  # as there is a value
    leaf = pairs.similarity.clone().requires_grad_()
    total = loss(Pairs(leaf, pairs.positive, pairs.negative)).sum()
    truth = torch.autograd.grad(total, leaf, allow_unused=True)[0] if total.requires_grad else None
    truth = torch.zeros_like(leaf) if truth is None else truth
    used = pairs.positive | pairs.negative
    truth = torch.where(used, truth, 0)
    return None if near(weights.negative - weights.positive, truth, 1e-6) else "the weights are not the derivative"


def _settings(random: Random) -> dict[str, str]:
    chosen = random.choice(losses.ALL)
    made = {"name": repr(chosen.name)}
    for name, value in losses.parameters(chosen).items():
        if isinstance(value, float) and random.random() < 0.4:
            made[name] = repr(value)
    return made


_NUMBERS = {name: "number" for loss in losses.ALL for name in losses.parameters(loss)}


def _function(random: Random) -> dict[str, str]:
    kind = random.choice([each for each in functions.ALL if each.name not in ("spline", "custom", "sum", "product")])
    values = {"constant": ("2.0",), "step": ("0.5",), "easy": ("0.5",), "window": ("0.1", "0.6"), "power": ("2.0",), "top": ("3",),
              "exponential": ("10.0", "0.5"), "sigmoid": ("10.0", "0.5"), "softmax": ("10.0",)}  # fmt: skip
    fields = [field.name for field in dataclasses.fields(kind)]
    made = dict(zip(fields, values.get(kind.name, ("0.5",) * len(fields)), strict=False))
    return {"kind": f"wl.assignment.{kind.__name__}", **made}


_FIELDS = {field.name: "number" for kind in functions.ALL for field in dataclasses.fields(kind)}


def _reads_back(given: Mapping[str, Any], answer: Any) -> str | None:
    from weightlab.assignment import parse

    return None if str(parse(str(answer))) == str(answer) else f"{answer!s} reads back as something else"


def _weighs_and_reads_back(given: Mapping[str, Any], answer: Any) -> str | None:
    from weightlab.assignment import Assignment

    return _weighs({}, Assignment.alike(answer)) or _reads_back(given, answer)


def _assigned(random: Random) -> dict[str, str]:
    made = {"positive": weighting(random), "negative": weighting(random)}
    if random.random() < 0.6:
        made["scale"] = repr(random.choice(("raw", "mean", "mass")))
    return made


def _weighs(given: Mapping[str, Any], answer: Any) -> str | None:
    """Finite in a few pairs, from −1 to 1; and at the scale mass an anchor's weights of a sign sum to 1 or 0."""
    similarity = torch.linspace(-1, 1, 24, dtype=torch.float64).view(2, 12)
    positive = torch.arange(24).view(2, 12) % 3 == 0
    weights = answer.weights(Pairs(similarity, positive, ~positive))
    if (why := pair_weights(weights, positive, ~positive)) is not None:
        return why
    if given.get("scale") == "mass":
        for part in (weights.positive, weights.negative):
            sums = part.abs().sum(1)
            if not bool(((sums - 1).abs().lt(1e-6) | (sums < 1e-6)).all()):
                return f"at the scale mass the weights sum to {sums.tolist()}"
    return None


def _text(random: Random) -> dict[str, str]:
    return {"text": repr(random.choice((weightings.loss, weightings.function))(random)[0])}


def _parsed(random: Random) -> dict[str, str]:
    text = weightings.function(random)[0]
    return {"text": repr(text)}


def _near_texts(count: int) -> tuple[str, ...]:
    random = Random(0)
    return tuple(repr(weightings.weighting(random)[0]) for _ in range(count))


TARGETS = (
    Target("weights_of", _of_pairs, {"weighting": "weighting"}, _sound, share=14),
    Target("wl.losses.get", _settings, {"name": "text", **_NUMBERS}, share=10, bad={"name": ("'ms-los'", "'step'", "'MS-LOSS'")}),
    Target("wl.losses.from_text", lambda random: {"text": repr(weightings.loss(random)[0])}, {"text": "text"}, odd={"text": _near_texts(300)}, share=5),
    Target("wl.assignment.parse", _parsed, {"text": "text"}, _reads_back, odd={"text": _near_texts(300)}, share=6),
    Target("wl.as_weighting", lambda random: {"what": weighting(random)}, {"what": "weighting"}, _weighs, odd={"what": _near_texts(300)}, share=8),
    Target("made", _function, {"kind": "fixed", **_FIELDS}, _weighs_and_reads_back, share=8),
    Target("wl.assign", _assigned, {"positive": "weighting", "negative": "weighting", "scale": "text"}, _weighs, share=8),
    Target(
        "wl.assignment.Spline",
        lambda random: {"points": random.choice(("((-1, 0), (1, 1))", "((0.0, 1.0), (0.5, 0.0), (0.9, 2.0))"))},
        {"points": "points"},
        _reads_back,
        bad={"points": ("()", "None", "((0, 0),)", "((0, 1), (0, 1))", "((1, 0), (-1, 1))", "((-1, nan), (1, 1))", "((-2, 0), (1, 1))", "((0, 1, 2), (1, 1, 1))",
                        "3", "'x'", "((0, -1), (1, 1))", "(('a', 1), (1, 1))", "((-1, inf), (1, 1))", "[0, 1]")},
        odd={"points": ("[[-1, 0], [1, 1]]", "np.array([[-1, 0], [1, 1.0]])", "((-1, 1e308), (1, 0))", "((-1e-320, 0), (1e-320, 1))", "((0, 1e-320), (1, 1))",
                        "torch.tensor([[-1.0, 0], [1, 1]])", "((-1, 10**400), (1, 1))", "((-1, True), (1, 1))")},
        share=2,
    ),
    Target(
        "wl.assignment.Custom",
        lambda random: {"function": random.choice(("lambda s: s.abs()", "torch.relu", "lambda s: (s > 0.5).float()"))},
        {"function": "weighting"},
        share=2,
        bad={"function": ("'step(0.5)'", "'ms-loss'")},
    ),
)  # fmt: skip
