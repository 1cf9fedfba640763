"""weightlab check: the table of the laws, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_cli import run

from weightlab.testing import check

MINE = """
import torch
from weightlab import PairWeights

class Mine:
    def __init__(self, factor=1.0):
        self.factor = factor

    def value(self, pairs):
        return (pairs.similarity**2 * pairs.negative).sum(1)

    def weights(self, pairs):
        w = torch.where(pairs.negative, self.factor * 2 * pairs.precise, 0)
        return PairWeights(torch.zeros_like(w), w)

class OffMask:
    def weights(self, pairs):
        return PairWeights(pairs.precise, pairs.precise)

def f(s, positive, negative):
    return (s**2 * negative).sum(1)

def mean(s, positive, negative):
    return (s**2 * negative).sum() / len(s)

def on_embeddings(embeddings, labels):
    s = embeddings @ embeddings.T
    return (s**2 * (labels[:, None] != labels)).sum()
"""


@pytest.fixture(autouse=True)
def with_my_losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_losses.py").write_text(MINE)


def verdicts(capsys: pytest.CaptureFixture[str], text: str) -> tuple[int, dict[str, str]]:
    code, out, err = run(capsys, "check", text, "--format", "json")
    assert err == ""
    return code, {row["law"]: row["verdict"] for row in json.loads(out)}


def test_a_built_in_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", "ms-loss(beta=40)", "--format", "json")
    assert code == 0
    laws = check("ms-loss(beta=40)").laws
    assert json.loads(out) == [
        {"law": law.name, "verdict": "holds", "statement": law.statement, "detail": ""} for law in laws
    ]
    code, out, _ = run(capsys, "check", "contrastive")
    assert code == 0
    assert out.count("| holds ") == len(laws)


def test_a_class_is_held_to_its_own_value(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = verdicts(capsys, "my_losses.py:Mine")
    assert code == 0
    assert [law for law, verdict in found.items() if verdict != "holds"] == ["form"]
    code, out, _ = run(capsys, "check", "my_losses.py:Mine(factor=2.0)")
    assert code == 1
    assert "| derivative        | fails " in out
    assert " as given, " in out


def test_what_decompose_would_refuse_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = verdicts(capsys, "my_losses.py:OffMask")
    assert code == 1
    assert {law for law, verdict in found.items() if verdict == "fails"} == {
        "zero off its mask",
        "none of a kind",
        "one positive",
    }


@pytest.mark.parametrize("text", ["my_losses.py:f", "my_losses.py:mean", "my_losses.py:on_embeddings"])
def test_plain_functions_have_their_weights_from_autograd(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = verdicts(capsys, text)
    assert code == 0
    assert [law for law, verdict in found.items() if verdict == "does not apply"] == ["derivative", "form"]


def test_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "ms-los")
    assert (code, out) == (2, "")
    assert "did you mean 'ms-loss'" in err
