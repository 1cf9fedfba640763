"""Configurations, studies, encoders, data sets and runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any

from fuzz.generators import specs
from fuzz.generators.files import RUNS
from fuzz.generators.weightings import function, loss
from fuzz.names import TINY
from fuzz.targets.target import Target
from fuzz.targets.truth import finite

__all__ = ["TARGETS"]

_TINY = json.loads(TINY)


def _settings(random: Random) -> dict[str, str]:
    made = {name: repr(value) for name, value in _TINY.items()}
    extra = {
        "seed": "7",
        "momentum": "0.5",
        "learning_rate": "0.01",
        "validation": "True",
        "scale": "'mass'",
        "data": "'glyphs'",
        "model": "'cnn'",
    }
    extra |= {
        "positive": repr(function(random)[0]),
        "negative": repr(function(random)[0]),
        "loss": repr(loss(random)[0]),
    }
    chosen = made | {name: value for name, value in extra.items() if random.random() < 0.3}
    if "loss" in chosen:  # a loss has its weights: beside it these would not count
        chosen = {name: value for name, value in chosen.items() if name not in ("positive", "negative", "scale")}
    return chosen


_SETTINGS = {
    **dict.fromkeys(("size", "width", "dimensions", "steps", "memory", "memory_start", "batch", "per_class", "seed"), "whole"),
    "momentum": "number", "learning_rate": "number", "scale": "text", "data": "text", "model": "text", "positive": "weighting_text",
    "negative": "weighting_text", "loss": "weighting_text",
}  # fmt: skip
_TEXTS = (
    "3",
    "[]",
    "b'x'",
    "''",
    "'nope'",
    "'step('",
    "'step(nan)'",
    "'ms-loss(beta=[])'",
    "'(' * 5000",
    "'os:system(\"touch CANARY\")'",
    "'sys:exit(0)'",
)
_BAD = {"size": ("7", "513", "0"), "width": ("0",), "dimensions": ("0", "1"), "steps": ("0",), "batch": ("0", "1", "3"), "per_class": ("0", "1", "3"),
        "momentum": ("1", "-0.1"), "learning_rate": ("0", "-1"), "positive": _TEXTS, "negative": _TEXTS, "loss": _TEXTS,
        "data": ("'nope'",), "model": ("'resnet'",)}  # fmt: skip

_ODD = dict.fromkeys(_SETTINGS, ("'1'", "'0.5'")) | {"loss": ("None",)}  # a configuration reads numbers as texts too


def _built(random: Random) -> dict[str, str]:
    return {"text": "'cnn'", "shape": random.choice(("(1, 8, 8)", "[3, 8, 8]")), "width": random.choice(("1", "4")), "dimensions": random.choice(("1", "2", "16")),
            "seed": random.choice(("0", "3"))}  # fmt: skip


def _normalised(given: Mapping[str, Any], answer: Any) -> str | None:
    import torch

    found = answer.eval()(torch.zeros(2, *given["shape"])).detach()
    if found.shape != (2, int(given["dimensions"])):
        return f"it gives {list(found.shape)}"
    return finite(given, found)


def _studies(count: int, verdict: str) -> tuple[str, ...]:
    random = Random(1)
    drawn = [specs.study(random) for _ in range(count)]
    return tuple(f"study_of({text!r})" for text, kind, _ in drawn if kind.value == verdict)


def _changed(verdict: str) -> tuple[str, ...]:
    return tuple(_folder(changes) for changes, kind in RUNS if kind.value == verdict)


def _folder(changes: Mapping[str, str | None]) -> str:
    settings = (f"{name.replace('.', '_')}={code}" for name, code in changes.items())
    return f"run_folder({', '.join(settings)})"


TARGETS = (
    Target("config_of", _settings, _SETTINGS, bad=_BAD, odd=_ODD, share=8),
    Target(
        "wl.models.build",
        _built,
        {"text": "text", "shape": "shape", "width": "whole", "dimensions": "whole", "seed": "whole"},
        _normalised,
        bad={"shape": ("()", "(0, 8, 8)", "(10**18, 8, 8)"), "width": ("0", "10**18"), "dimensions": ("0", "10**18")},
        share=4,
    ),
    Target(
        "read_study",
        lambda random: {"path": f"study_of({specs.VALID!r})"},
        {"path": "path"},
        bad={"path": (*_studies(300, "bad"), "Path('none.toml')", "Path('.')", "Path('/dev/null')", "None", "3")},
        odd={"path": _studies(600, "odd")},
        share=12,
    ),
    Target(
        "wl.train.evaluate_run",
        lambda random: {"folder": random.choice(_changed("good"))},
        {"folder": "path"},
        finite,
        bad={"folder": (*_changed("bad"), "Path('none')", "Path('/dev/null')", "None", "3")},
        odd={"folder": (*_changed("odd"), "str({x})")},
        share=1,
    ),
    Target(
        "wl.data.load",
        lambda random: {"text": "'glyphs'", "size": random.choice(("8", "9")), "validation": "True"},
        {"text": "text", "size": "whole"},
        bad={"size": ("0", "7", "513", "10**18", "2**63")},
        share=1,
    ),
)
