"""Studies: a valid one, and what mutations make of it."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

from fuzz.case import Verdict
from fuzz.generators.texts import NASTY, mutated

__all__ = ["VALID", "study"]

_VALID: dict[str, Any] = {
    "name": "small",
    "question": "Does it work?",
    "metric": "R@1",
    "seeds": 2,
    "baseline": "one",
    "base": {"size": 8, "width": 2, "dimensions": 4, "steps": 1, "memory": 0, "batch": 4, "per_class": 2},
    "arms": {"one": {"negative": "constant"}, "two": {"negative": "step(0.5)"}, "three": {"loss": "ms-loss"}},
    "sizes": {"quick": {}, "full": {"seeds": [3], "arms": ["one", "two"]}},
    "findings": [{"id": "F1", "claim": "two is better", "order": [["one"], ["two", "three"]]}],
}
_VALUES: tuple[Any, ...] = (None, True, 0, -1, 10**31, 10**6, 2**63, -(2**63), 1.5, float("nan"), float("inf"), 1e308, 1e-320, "",
                            "x", [], {}, [[]], [0], ["one"], [1, 1], [-1], ["one", "one"], {"a": {"b": 1}}, [True])  # fmt: skip


def study(random: Random) -> tuple[str, Verdict, bool]:
    """The text of a study, what is to be made of it, and whether its arms are still those of the valid one."""
    content = copy.deepcopy(_VALID)
    roll = random.random()
    if roll < 0.2:
        return _toml(content), Verdict.good, True
    if roll < 0.3:
        return _named(random, content), Verdict.odd, False
    if roll < 0.8:
        for _ in range(random.choice((1, 1, 2))):
            _mutate(random, content)
        return _toml(content), Verdict.odd, False
    if roll < 0.95:
        return mutated(random, _toml(content)), Verdict.odd, False
    return (
        random.choice(
            (
                "",
                "name = [",
                "name = " + "[" * 5000,
                "a" * 20000,
                "[" * 3000,
                "\x00",
                "\udcff",
                "a = 1\na = 2",
                "a." * 2000 + "b = 1",
                "name = 'a'\nname = 'b'",
                "x = " + "9" * 5000,
                "[[arms]]",
                "arms = 3",
                "base = " + "{a=" * 3000 + "1" + "}" * 3000,
            )
        ),
        Verdict.bad,
        False,
    )


def _named(random: Random, content: dict[str, Any]) -> str:
    """With a nasty name for an arm, wherever it stands, or as a text."""
    nasty = random.choice(NASTY)
    where = random.randrange(4)
    if where == 0:
        arms = {nasty if arm == "one" else arm: settings for arm, settings in content["arms"].items()}
        return _toml(content | {"arms": arms}).replace('"one"', json.dumps(nasty, ensure_ascii=True))
    if where == 1:
        return _toml(content | {random.choice(("name", "question", "metric", "baseline")): nasty})
    if where == 2:
        content["findings"][0][random.choice(("id", "claim"))] = nasty
        return _toml(content)
    section = random.choice((content["base"], content["arms"]["one"], content["sizes"]["full"]))
    section[random.choice(("loss", "positive", "negative", "data", "model", "scale", nasty))] = nasty
    return _toml(content)


def _mutate(random: Random, content: dict[str, Any]) -> None:
    """Delete, replace or add something, anywhere."""
    place: Any = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = random.choice(keys)
        if isinstance(place[key], dict | list) and random.random() < 0.7:
            place = place[key]
            continue
        break
    roll = random.random()
    if roll < 0.25:
        del place[key]
    elif roll < 0.75:
        place[key] = random.choice(_VALUES)
    elif isinstance(place, dict):
        name = random.choice(
            ("seed", "bse", "steps", "learning_rate", "momentum", "width", "seeds", "extra", "", "a b")
        )
        place[name] = random.choice(_VALUES)
    else:
        place.append(random.choice(_VALUES))


def _toml(content: dict[str, Any]) -> str:
    """As TOML, tables within tables inline; None, which TOML lacks, as a word that it can't read."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in content.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float):
        return {"nan": "nan", "inf": "inf"}.get(repr(value), repr(value))
    return json.dumps(value, ensure_ascii=True) if isinstance(value, str) else str(value).lower()


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=True)


VALID = _toml(_VALID)
