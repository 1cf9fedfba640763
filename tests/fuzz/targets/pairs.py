"""Pairs, References and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from fuzz.targets.target import Target
from fuzz.targets.truth import as_64, as_ids, masks, near

__all__ = ["TARGETS", "batch", "labels"]


def labels(random: Random, count: int, classes: int = 3) -> str:
    """Code of labels, the first two alike."""
    drawn = [random.randrange(classes) for _ in range(count)]
    drawn[:2] = drawn[:1] * min(2, count)
    if random.random() < 0.2:
        drawn = [random.choice((-1, 2**40, 7))] * count if random.random() < 0.3 else [each - 10**12 for each in drawn]
    return f"torch.tensor({drawn})"


def batch(random: Random) -> dict[str, str]:
    """Anchors, labels and perhaps references."""
    count, dimensions = random.choice((1, 2, 3, 5, 8)), random.choice((1, 2, 4, 16))
    dtype = random.choice(("", "", "", ", torch.float64", ", torch.float16", ", torch.bfloat16"))
    made = {"anchors": f"unit({random.randrange(99)}, {count}, {dimensions}{dtype})", "labels": labels(random, count)}
    if dimensions >= 4 and random.random() < 0.15:
        made["anchors"] = f"one_hot({[random.randrange(dimensions) for _ in range(count)]}, {dimensions})"
    if random.random() < 0.5:
        references = random.choice((0, 1, 4, 9, 30))
        made["references"] = f"unit({random.randrange(99)}, {references}, {dimensions})"
        made["reference_labels"] = labels(random, references) if references else "torch.zeros(0, dtype=torch.int64)"
    return made


# for a relation labels may be of any shape and type, [R, ...]; for masks there are none
ENTRIES = (
    "None",
    "{x}[None]",
    "{x} + 0.5",
    "torch.full({x}.shape, inf)",
    "{x}.to(torch.complex64)",
    "{x}.double() + 1e300",
)


def _pairs(random: Random) -> dict[str, str]:
    count, references = random.choice((0, 1, 2, 5)), random.choice((0, 1, 3, 8))
    seed = random.randrange(99)
    return {
        "similarity": f"similarities({seed}, {count}, {references})",
        "positive": f"similarities({seed + 1}, {count}, {references}) > 0.3",
        "negative": f"similarities({seed + 1}, {count}, {references}) < 0.1",
    }


def _kept(given: Mapping[str, Any], answer: Any) -> str | None:
    similarity = as_64(given["similarity"])
    if answer.similarity.shape != similarity.shape or not near(answer.similarity.detach(), similarity, 1e-2):
        return "the similarities are others"
    if bool((answer.positive & answer.negative).any()):
        return "the masks overlap"
    return None


def _right(given: Mapping[str, Any], answer: Any) -> str | None:
    anchors = as_64(given["anchors"])
    if "references" in given and given["references"] is not None:
        others = as_64(given["references"])
        numbers = as_ids([*_list(given["labels"]), *_list(given["reference_labels"])])
        positive, negative = masks(numbers[: len(anchors)], numbers[len(anchors) :])
    else:
        others = anchors
        positive, negative = masks(as_ids(given["labels"]))
    if not near(answer.similarity.detach(), anchors @ others.T, 2e-2):
        return "the similarities are wrong"
    if not answer.positive.equal(positive) or not answer.negative.equal(negative):
        return "the masks are wrong"
    return None


def _list(labels: Any) -> list[Any]:
    return list(labels.tolist() if hasattr(labels, "tolist") else labels)


def _references(random: Random) -> dict[str, str]:
    count, dimensions = random.choice((1, 3, 9)), random.choice((1, 2, 8))
    made = {"embeddings": f"unit({random.randrange(99)}, {count}, {dimensions})", "labels": labels(random, count)}
    if random.random() < 0.4:
        made["own"] = f"torch.tensor({[random.randrange(-1, count) for _ in range(random.choice((1, 2, 4)))]})"
    return made


def _as_long(given: Mapping[str, Any], answer: Any) -> str | None:
    wanted = len(given["embeddings"])
    labelled = answer.labels is None or len(answer.labels) == wanted
    return None if len(answer) == wanted and labelled else f"{len(answer)} references of {wanted}"


TARGETS = (
    Target(
        "wl.Pairs",
        _pairs,
        {"similarity": "similarity", "positive": "mask", "negative": "mask"},
        _kept,
        share=8,
    ),
    Target(
        "wl.Pairs.from_embeddings",
        batch,
        {"anchors": "unit", "labels": "labels", "references": "unit", "reference_labels": "labels"},
        _right,
        share=10,
    ),
    Target(
        "wl.References",
        _references,
        {"embeddings": "unit", "labels": "labels", "own": "slots"},
        _as_long,
        bad={
            "own": (
                "{x} > 0",
                "{x} + 0.5",
                "{x}[0]",
                "{x}.to('meta')",
                "torch.tensor([99])",
                "torch.tensor([-2])",
                "torch.tensor([2**40])",
            )
        },
        odd={"own": ("{x}[None]", "{x}[:0]"), "labels": ENTRIES},
        share=6,
    ),
)
