"""The step: surrogates, their gradients, observation, criteria."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import torch
from fuzz.generators import weightings
from fuzz.generators.values import NOTHING
from fuzz.targets.pairs import batch, labels
from fuzz.targets.target import Target
from fuzz.targets.truth import as_64, as_ids, dense_gradient, finite, masks, near, weigh

__all__ = ["TARGETS", "weighting"]

_CODES = (
    "wl.assign('constant', 'step(0.5)', scale='mass')",
    "wl.assign('linear', 'exponential(10, 0.5)', scale='mean')",
    "wl.assign(wl.losses.Contrastive(), 'top(2)')",
    "wl.losses.InfoNCE(temperature=0.05)",
    "lambda s: s.abs()",
    "wl.recompose('linear')",
)


def weighting(random: Random) -> str:
    """Code of a weighting."""
    if random.random() < 0.3:
        return random.choice(_CODES)
    return repr(random.choice((weightings.loss, weightings.function))(random)[0])


def _batch(random: Random) -> dict[str, str]:
    made = batch(random)
    references, numbers = made.pop("references", None), made.pop("reference_labels", None)
    if references is not None:
        made |= {"references": references, "reference_labels": numbers or ""}
    return {"weighting": weighting(random), **made}


def _gradient(given: Mapping[str, Any], answer: Any) -> str | None:
    value, gradient = answer
    # float16 ends at 65,504: what autograd makes of a larger gradient there is infinite
    is_half = gradient is not None and gradient.dtype == torch.float16
    if (why := finite(given, (value, None if is_half else gradient))) is not None:
        return why
    if is_half and bool(gradient.isnan().any()):
        return "the gradient is NaN"
    if gradient is None or gradient.dtype in (torch.float16, torch.bfloat16):
        return None
    anchors = as_64(given["anchors"])
    others, numbers = _others(given)
    if others is not None and given["references"].__class__ is torch.Tensor and given["references"].requires_grad:
        return None
    truth = dense_gradient(given["weighting"], anchors, others, *numbers)
    if truth is None or near(gradient, truth, 2e-3):
        return None
    return (
        f"the gradient is off by {float((gradient.double() - truth).abs().max()):.3g} of {float(truth.abs().max()):.3g}"
    )


def _others(given: Mapping[str, Any]) -> tuple[torch.Tensor | None, tuple[torch.Tensor, torch.Tensor]]:
    if given.get("references") is None:
        return None, masks(as_ids(given["labels"]))
    both = [
        list(each.tolist() if hasattr(each, "tolist") else each)
        for each in (given["labels"], given["reference_labels"])
    ]
    numbers = as_ids([*both[0], *both[1]])
    return as_64(given["references"]), masks(numbers[: len(both[0])], numbers[len(both[0]) :])


def _counted(given: Mapping[str, Any], answer: Any) -> str | None:
    anchors = as_64(given["anchors"])
    others, (positive, negative) = _others(given)
    counts = torch.stack([positive.sum(), negative.sum()])
    if not answer.similarity.sum(1).equal(counts):
        return f"{answer.similarity.sum(1).tolist()} pairs counted of {counts.tolist()}"
    if not bool(answer.mass.isfinite().all()):
        return "the mass is not finite"
    if len(answer.active) != len(anchors) or len(answer.edges) != answer.mass.shape[1] + 1:
        return "active or edges are not as long as they should be"
    similarity = anchors @ (anchors if others is None else others).T
    weights = weigh(given["weighting"], similarity, positive, negative)
    generator = torch.Generator().manual_seed(0)
    moved = weigh(
        given["weighting"], similarity + 1e-3 * torch.randn(similarity.shape, generator=generator), positive, negative
    )
    if not near(moved, weights, 0.1):
        return None
    mass = float(weights.abs().sum())
    return None if abs(float(answer.mass.sum()) - mass) <= 0.1 * mass + 1e-9 else "the mass is wrong"


def _observed(random: Random) -> dict[str, str]:
    return {**_batch(random), "bins": str(random.choice((1, 2, 40)))}


def _criterion(random: Random) -> dict[str, str]:
    made = {"weighting": weighting(random)}
    if random.random() < 0.4:
        made = {
            "positive": weighting(random),
            "negative": weighting(random),
            "scale": repr(random.choice(("raw", "mean", "mass"))),
        }
    count = random.choice((1, 2, 4, 6))
    made |= {"embeddings": f"2 * unit({random.randrange(99)}, {count}, 4)", "labels": labels(random, count)}
    if random.random() < 0.3:
        made |= {"ref_emb": f"3 * unit({random.randrange(99)}, 5, 4)", "ref_labels": labels(random, 5)}
    elif random.random() < 0.3:
        made["indices_tuple"] = "(torch.tensor([0]), torch.tensor([0]), torch.tensor([0]))"
    return made


def _scalar(given: Mapping[str, Any], answer: Any) -> str | None:
    value, gradient = answer
    if value.ndim:
        return f"the value is {list(value.shape)}, no scalar"
    return finite(given, (value, gradient))


def _of_pairs(random: Random) -> dict[str, str]:
    seed, count, references = random.randrange(99), random.choice((0, 1, 3)), random.choice((0, 2, 9))
    similarity = f"similarities({seed}, {count}, {references}"
    return {
        "weighting": f"wl.as_weighting({weighting(random)})",
        "pairs": f"wl.Pairs({similarity}), {similarity}) > 0.2, {similarity}) < -0.1)",
    }


TARGETS = (
    Target(
        "gradient_of_surrogate",
        _batch,
        {
            "weighting": "weighting",
            "anchors": "unit",
            "labels": "labels",
            "references": "unit",
            "reference_labels": "labels",
        },
        _gradient,
        share=24,
    ),
    Target(
        "observed",
        _observed,
        {
            "weighting": "weighting",
            "anchors": "unit",
            "labels": "labels",
            "references": "unit",
            "reference_labels": "labels",
            "bins": "whole",
        },
        _counted,
        bad={"bins": ("0", "10**18", "2**63")},
        share=8,
    ),
    Target(
        "wl.step.surrogate_of_pairs",
        _of_pairs,
        {},
        finite,
        share=3,
    ),
    Target(
        "criterion_of",
        _criterion,
        {
            "weighting": "weighting",
            "positive": "weighting",
            "negative": "weighting",
            "scale": "text",
            "embeddings": "free",
            "labels": "labels",
            "ref_emb": "free",
            "ref_labels": "labels",
        },
        _scalar,
        share=12,
    ),
    Target(
        "criterion_of",
        lambda random: {
            "weighting": "'ms-loss'",
            "embeddings": f"unit({random.randrange(9)}, 4, 4)",
            "labels": "torch.tensor([0, 0, 1, 1])",
            "indices_tuple": "(torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))",
        },
        {"indices_tuple": "indices"},
        _scalar,
        bad={
            "indices_tuple": (
                *(each for each in NOTHING if each != "None"),
                "3",
                "()",
                "(torch.tensor([9]), torch.tensor([1]), torch.tensor([2]))",
                "(torch.tensor([-1]), torch.tensor([1]), torch.tensor([2]))",
                "(torch.tensor([0, 1]), torch.tensor([1]), torch.tensor([2]))",
                "(torch.tensor([0.5]), torch.tensor([1]), torch.tensor([2]))",
                "(None, None, None)",
                "(torch.tensor([0]), torch.tensor([1]))",
                "(torch.tensor(0), torch.tensor(1), torch.tensor(2))",
            )
        },
        odd={
            "indices_tuple": (
                "([0], [1], [2])",
                "(np.array([0]), np.array([1]), np.array([2]))",
                "[torch.tensor([0]), torch.tensor([1]), torch.tensor([2])]",
                "(torch.tensor([0]), torch.tensor([2]), torch.tensor([1]))",
            )
        },
        share=3,
    ),
)
