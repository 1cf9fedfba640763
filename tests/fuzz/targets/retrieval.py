"""Retrieval, samplers and features."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from math import comb
from random import Random
from typing import Any

import torch
from fuzz.generators.files import FEATURES
from fuzz.targets.pairs import labels
from fuzz.targets.target import Target
from fuzz.targets.truth import as_64, as_ids, finite

__all__ = ["TARGETS"]

_CLEAR = 1e-5  # a gap of similarities that no rounding closes


def _evaluated(random: Random) -> dict[str, str]:
    count, dimensions = random.choice((2, 4, 9, 25)), random.choice((2, 3, 8))
    made = {"embeddings": f"unit({random.randrange(99)}, {count}, {dimensions})", "labels": labels(random, count)}
    if random.random() < 0.25:
        made["embeddings"] = f"one_hot({[random.randrange(2) for _ in range(count)]}, 2)"
    if random.random() < 0.5:
        made["ks"] = random.choice(("(1,)", "(1, 2, 5)", "[1]", "(1000,)", "(3, 1)"))
    return made


def _metrics(given: Mapping[str, Any], answer: Any) -> str | None:
    ks = [int(k) for k in given.get("ks", (1, 10, 100))]
    if list(answer) != [*dict.fromkeys(f"R@{k}" for k in ks), "MAP@R"]:
        return f"the metrics are {list(answer)}"
    if not all(0 <= value <= 1 for value in answer.values()):
        return f"a metric is outside [0, 1]: {answer}"
    truth = _brute(as_64(given["embeddings"]), as_ids(given["labels"]), ks)
    if truth is None or all(abs(answer[name] - value) < 1e-6 for name, value in truth.items()):
        return None
    return f"{answer} where {truth} is right"


def _brute(embeddings: torch.Tensor, numbers: torch.Tensor, ks: list[int]) -> dict[str, float] | None:
    """Expected values over random orders among equals; None where rounding decides what is equal."""
    similarity = embeddings @ embeddings.T
    exact = bool(((embeddings == 0) | (embeddings == 1)).all())
    rows = []
    for query, label in enumerate(numbers.tolist()):
        others = [index for index in range(len(numbers)) if index != query]
        relevant = sum(int(numbers[index]) == label for index in others)
        if not relevant:
            continue
        order = sorted(others, key=lambda index: -float(similarity[query, index]))
        values = similarity[query, order]
        gaps = -values.diff()
        if bool(((gaps < _CLEAR) & ~(torch.tensor(exact) & (gaps == 0))).any()):
            return None
        starts = [0, *(torch.nonzero(gaps > 0).flatten() + 1).tolist(), len(order)]
        groups = [[int(numbers[index]) == label for index in order[a:b]] for a, b in itertools.pairwise(starts)]
        rows.append([*(_recall(groups, k) for k in ks), _precision(groups, relevant)])
    means = torch.tensor(rows, dtype=torch.float64).mean(0).tolist()
    return dict(zip([*(f"R@{k}" for k in ks), "MAP@R"], means, strict=True))


def _recall(groups: list[list[bool]], k: int) -> float:
    """1 − the chance that none of the first k is relevant."""
    for group in groups:
        size, good = len(group), sum(group)
        if k >= size:
            if good:
                return 1.0
            k -= size
        else:
            return 1 - comb(size - good, k) / comb(size, k)
    return 0.0


def _precision(groups: list[list[bool]], relevant: int) -> float:
    """Expected MAP@R: Σ over places of E[rel(i) · P(i)]; in a group two places are both relevant with r(r−1)/n(n−1)."""
    total, before, place = 0.0, 0, 0
    for group in groups:
        size, good = len(group), sum(group)
        for inside in range(size):
            place += 1
            if place > relevant:
                return total / relevant
            one = good / size
            two = good * (good - 1) / (size * (size - 1)) if size > 1 else 0.0
            total += (one * (before + 1) + two * inside) / place
        before += good
    return total / relevant


def _neighbours(random: Random) -> dict[str, str]:
    references, dimensions = random.choice((3, 5, 20)), random.choice((2, 8))
    return {
        "queries": f"unit({random.randrange(99)}, {random.choice((1, 4))}, {dimensions})",
        "references": f"unit({random.randrange(99)}, {references}, {dimensions})",
        "k": str(random.choice((1, 2))),
    }


def _nearest(given: Mapping[str, Any], answer: Any) -> str | None:
    queries, references = as_64(given["queries"]), as_64(given["references"])
    similarity = queries @ references.T
    wanted = similarity.topk(int(given["k"]), dim=1).values
    found = similarity.gather(1, answer)
    return None if bool(((found - wanted).abs() < 2e-2).all()) else "nearer ones were left out"


def _sampler(random: Random) -> dict[str, str]:
    per_class, classes = random.choice((1, 2, 3)), random.choice((1, 2))
    return {
        "labels": f"torch.tensor({[i % 3 for i in range(12)]})",
        "batch": str(per_class * classes),
        "per_class": str(per_class),
        "seed": str(random.choice((0, 1, 2**31))),
        "step": str(random.choice((0, 1, 10**6))),
    }


def _batch(given: Mapping[str, Any], answer: Any) -> str | None:
    numbers = as_ids(given["labels"])[answer]
    if len(answer) != int(given["batch"]):
        return f"{len(answer)} rows"
    counts = numbers.unique(return_counts=True)[1]
    return None if bool((counts == int(given["per_class"])).all()) else f"classes of {counts.tolist()} rows"


def _features(random: Random) -> dict[str, str]:
    suffix, code, _ = random.choice([each for each in FEATURES if each[2].value == "good"])
    return {"path": f"features_of({code}, {suffix!r})"}


def _read(given: Mapping[str, Any], answer: Any) -> str | None:
    embeddings, numbers = answer
    if len(embeddings) != len(numbers) or bool(((embeddings.double().norm(dim=1) - 1).abs() > 1e-3).any()):
        return "not normalised, or not as many labels"
    return finite(given, embeddings)


TARGETS = (
    Target(
        "wl.retrieval.evaluate",
        _evaluated,
        {"embeddings": "unit", "labels": "labels", "ks": "ks"},
        _metrics,
        bad={"ks": ("(0,)", "(-1,)", "(1.5,)", "(nan,)", "None", "3", "'12'", "(None,)", "('1',)", "[[1]]", "(10**400 * 1.0 if False else inf,)")},
        odd={"ks": ("(True,)", "(10**31,)", "(2**63,)", "(1, 1)", "range(1, 3)", "np.array([1, 2])", "torch.tensor([1])", "(np.int64(1),)", "()", "iter([1])")},
        share=14,
    ),
    Target(
        "wl.retrieval.neighbours",
        _neighbours,
        {"queries": "queries", "references": "queries", "k": "whole"},
        _nearest,
        bad={"k": ("0", "99", "2**63", "10**18"), "queries": ("2 * {x}", "{x} * nan", "None", "{x}[:, :1]", "{x}.int()", "{x}.to('meta')"),
             "references": ("2 * {x}", "{x} * nan", "None", "{x}[:, :1]", "{x}[:0]", "[]")},
        odd={"queries": ("{x}.numpy()", "{x}.tolist()", "{x}.double()", "{x}[:0]"), "references": ("{x}.numpy()", "{x}.half()")},
        share=5,
    ),
    Target(
        "batch_of_sampler",
        _sampler,
        {"labels": "labels_alone", "batch": "whole", "per_class": "whole", "seed": "whole", "step": "whole"},
        _batch,
        bad={"labels": ("{x}[None]", "{x} + 0.5", "{x} * nan", "None", "'x'", "3", "{x}[:0]", "0 * {x} if {x} is None else torch.zeros(0)", "{x}.to('meta')"),
             "batch": ("0", "7", "10**18"), "per_class": ("0", "5")},
        odd={"labels": ("{x}.numpy()", "{x}.tolist()", "{x}.int()", "{x}.double()", "{x}.numpy().astype(str)"), "seed": ("10**31",), "step": ("10**31",)},
        share=7,
    ),
    Target(
        "read_features",
        _features,
        {"path": "path"},
        _read,
        bad={"path": ("None", "3", "Path('none.npz')", "Path('.')", "''", "Path('/dev/null')", "b'x'", "Path('a' * 5000 + '.npz')", "Path('a\\0b.npz')",
                      *(f"features_of({code}, {suffix!r})" for suffix, code, verdict in FEATURES if verdict.value == "bad" and "np.zeros(20, int)" not in code
                        and "np.arange(20))" not in code))},
        odd={"path": ("str({x})", "{x}.absolute()", *(f"features_of({code}, {suffix!r})" for suffix, code, verdict in FEATURES if verdict.value == "odd"))},
        share=12,
    ),
)  # fmt: skip
