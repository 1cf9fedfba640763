"""Decompositions, contexts, comparisons, recomposition, integrability and the laws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Any

import torch
from fuzz.targets.step import weighting
from fuzz.targets.target import Target

__all__ = ["TARGETS"]

_LOSSES_OF_OTHERS = (
    "Loss()",
    "lambda pairs: (pairs.similarity.exp() * pairs.negative).sum(1)",
    "lambda similarity, positive, negative: (similarity * negative).sum(1) - (similarity * positive).sum(1)",
    "lambda s: s.clamp(min=0)",
)
_CONTEXTS = (
    "'trained'",
    "'random'",
    "'early'",
    "'random:16'",
    "wl.contexts.get('trained', 2, 9)",
    "wl.contexts.get('early', 1, 1)",
)


def _given(random: Random) -> dict[str, str]:
    made = {"weighting": random.choice(_LOSSES_OF_OTHERS) if random.random() < 0.3 else weighting(random)}
    if random.random() < 0.7:
        made["context"] = random.choice(_CONTEXTS)
    return made


def _decomposed(random: Random) -> dict[str, str]:
    made = {**_given(random), "points": random.choice(("2", "5", "11")), "draws": random.choice(("1", "2", "4"))}
    if random.random() < 0.3:
        made["seed"] = random.choice(("0", "1", "2**31"))
    return made


def _curves(given: Mapping[str, Any], answer: Any) -> str | None:
    curve = answer.curve
    if given["points"] is not None and len(curve) != 2 * int(given["points"]):
        return f"{len(curve)} points on the curve"
    numbers = torch.tensor(curve[["similarity", "weight", "low", "high"]].to_numpy(dtype=float))
    if not bool(numbers.isfinite().all()):
        return "the curve is not finite"
    if bool((curve["low"] > curve["weight"]).any()) or bool((curve["weight"] > curve["high"]).any()):
        return "the band does not hold the curve"
    shares = answer.mass.groupby("sign")["share"].sum()
    if not all(abs(share - 1) < 1e-6 or share == 0 for share in shares):
        return f"the shares of the mass sum to {shares.tolist()}"
    if isinstance(given["weighting"], str) and answer.residual == answer.residual and answer.residual > 1e-6:
        return f"the residual is {answer.residual}"
    return None if answer.ratio >= 0 or math.isnan(answer.ratio) else f"the ratio is {answer.ratio}"


def _distances(given: Mapping[str, Any], answer: Any) -> str | None:
    """From 0 to 1, and NaN exactly where one of the two has no weight of the sign."""
    found = answer.distances
    rows = found[["sign", "a", "b", "distance"]].itertuples(index=False)
    silent = answer.silent
    right = all(
        math.isnan(each.distance) if {each.a, each.b} & set(silent[each.sign]) else 0 <= each.distance <= 1 + 1e-9
        for each in rows
    )
    return None if right else f"distances are {found['distance'].tolist()}"


def _asymmetry(given: Mapping[str, Any], answer: Any) -> str | None:
    return None if 0 <= answer.asymmetry <= 1 else f"the asymmetry is {answer.asymmetry}"


def _derivative(given: Mapping[str, Any], answer: Any) -> str | None:
    """The value's derivative is the weights, and a step of the value their integral."""
    from weightlab.pairs import Pairs

    leaf = torch.linspace(-0.95, 0.95, 12, dtype=torch.float64).view(1, 12).requires_grad_()
    positive = torch.arange(12).view(1, 12) % 2 == 0
    pairs = Pairs(leaf, positive, ~positive)
    total = answer.value(pairs).sum()
    if not bool(total.isfinite()):
        return "the value is not finite"
    gradient = torch.autograd.grad(total, leaf)[0]
    weights = answer.weights(Pairs(leaf.detach(), positive, ~positive))
    wanted = weights.negative - weights.positive
    gap = float((gradient - wanted).abs().max())
    return None if gap <= 1e-6 * (1 + float(wanted.abs().max())) else f"the derivative is off by {gap}"


def _drawn(random: Random) -> dict[str, str]:
    made = {"name": random.choice(("'random'", "'early'", "'trained'", "'random:2'", "'random:999'"))}
    if random.random() < 0.7:
        made |= {"positives": random.choice(("1", "2", "9")), "negatives": random.choice(("1", "5", "99"))}
    made |= {"count": random.choice(("1", "3")), "seed": random.choice(("0", "5"))}
    return made


def _sampled(given: Mapping[str, Any], answer: Any) -> str | None:
    counts = (int(given.get("positives", 3)), int(given.get("negatives", 64)))
    if answer.counts != counts or len(answer.positive) != int(given["count"]):
        return f"{answer.counts} pairs of {counts}"
    for part in (answer.positive, answer.negative):
        if not bool(((part >= -1) & (part <= 1)).all()):
            return "similarities outside [-1, 1]"
    return None


def _measured(random: Random) -> dict[str, str]:
    return {
        "name": "'mine'",
        "embeddings": f"unit({random.randrange(99)}, 12, {random.choice((2, 8))})",
        "labels": f"torch.tensor({[i % 3 for i in range(12)]})",
        "positives": random.choice(("1", "3", "9")),
        "negatives": random.choice(("1", "64")),
        "count": random.choice(("1", "3")),
        "seed": random.choice(("0", "7")),
    }


_COUNT = ("0", "10**18", "2**63")

TARGETS = (
    Target(
        "wl.decompose",
        _decomposed,
        {"weighting": "weighting", "context": "context", "points": "whole", "draws": "whole", "seed": "whole", "takes": "text"},
        _curves,
        bad={"points": ("0", "1", "10**18"), "draws": _COUNT},
        odd={"points": ("None",), "draws": ("None",)},
        share=8,
    ),
    Target(
        "compared",
        lambda random: {"a": weighting(random), "b": random.choice(_LOSSES_OF_OTHERS), "context": random.choice(_CONTEXTS), "equal_mass": random.choice(("True", "False"))},
        {"a": "weighting", "b": "weighting", "context": "context"},
        _distances,
        share=3,
    ),
    Target("wl.recompose", lambda random: {"rule": random.choice(("'linear'", "'step(0.5)'", "'power(2) + constant'", "'spline(-1:0, 1:1)'", "'sigmoid(20, 0.5)'",
           "'step(0.2) * linear'", "'exponential(5, 0.2)'", "lambda s: s**2", "wl.assign('constant', 'window(0.2, 0.6)')"))}, {"rule": "weighting"}, _derivative, share=5,
           bad={"rule": ("'ms-loss'", "'top(3)'", "'softmax(5)'", "wl.assign('constant', 'linear', 'mass')")}),
    Target("wl.integrability", lambda random: {**_given(random), "rectangles": random.choice(("1", "2"))},
           {"weighting": "weighting", "context": "context", "rectangles": "whole", "seed": "whole"}, _asymmetry, bad={"rectangles": _COUNT}, odd={"rectangles": ("None",)}, share=2),
    Target("drawn", _drawn, {"name": "context_name", "positives": "whole", "negatives": "whole", "count": "fixed", "seed": "fixed"}, _sampled,
           bad={"positives": _COUNT, "negatives": _COUNT}, share=5),
    Target("measured", _measured, {"name": "name", "embeddings": "unit", "labels": "labels", "positives": "whole", "negatives": "whole"}, _sampled,
           bad={"positives": _COUNT, "negatives": _COUNT, "labels": ("0 * {x}", "torch.arange(12)")}, share=6),
    Target("wl.testing.check", lambda random: {"weighting": weighting(random), "contexts": "4"}, {"weighting": "weighting", "contexts": "whole", "seed": "whole"},
           bad={"contexts": _COUNT}, share=1),
)  # fmt: skip
