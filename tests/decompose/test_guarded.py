"""Others' code: whatever it raises is one InputError, prints go to standard error, settings are put back."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import weightlab as wl
from weightlab.cli import main
from weightlab.lazy import np
from weightlab.testing import check


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit(0)


class NoText(Exception):
    def __str__(self) -> str:
        return None  # type: ignore[return-value]


class Own(BaseException):
    """Of nobody's kind."""


def endless() -> None:
    endless()


def raises(error: BaseException | type[BaseException]) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


FAILURES: dict[str, Callable[[], None]] = {
    "SystemExit: 0": lambda: sys.exit(0),
    "SystemExit": raises(SystemExit),
    "Mute": raises(Mute),
    "NoText": raises(NoText),
    "Own: of.x1b.31m two": raises(Own("of\x1b[31m two\nlines")),
    "RecursionError": endless,
    "GeneratorExit": raises(GeneratorExit),
    "KeyError": raises(KeyError("x")),
    "AssertionError": raises(AssertionError),
}

# where a loss's own code is run; NOW is what happens there
PLACES = {
    "mine.py:anything": "NOW()",
    "mine.py:Made": "class Made(torch.nn.Module):\n def __init__(self): NOW()",
    "mine.py:asked": "def __getattr__(name): NOW()",
    "mine.py:called": "def called(pairs): NOW()",
    "mine.py:masked": "def masked(similarity, positive, negative): NOW()",
    "mine.py:weight": "def weight(s): NOW()",
    "mine.py:embedded": "def embedded(embeddings, labels): NOW()",
    "mine.py:Module": "class Module(torch.nn.Module):\n def forward(self, embeddings, labels, *_): NOW()",
    "mine.py:Weighs": "class Weighs:\n def weights(self, pairs): NOW()",
    "mine.py:Valued": "class Valued:\n def value(self, pairs): NOW()",
    "mine.py:Form": "class Form(Good):\n @property\n def form(self): NOW()",
    "mine.py:Says": "class Says(Good):\n @property\n def relative(self): NOW()",
    "mine.py:Value": "class Value(Good):\n def value(self, pairs): NOW()",
    "mine.py:Back": (
        "class F(torch.autograd.Function):\n @staticmethod\n def forward(ctx, s): return s.sum(1)\n"
        " @staticmethod\n def backward(ctx, g): NOW()\n"
        "class Back:\n def value(self, pairs): return F.apply(pairs.similarity)"
    ),
    "mine.py:copied": (
        "class Copied(torch.nn.Module):\n def forward(self, embeddings, labels): return 0\n"
        " def __deepcopy__(self, memo): NOW()\ncopied = Copied()"
    ),
}
GOOD = """
import torch
from test_guarded import NOW as _hidden
from weightlab import PairWeights
def NOW(): _hidden["now"]()
class Good:
    def weights(self, pairs):
        return PairWeights(pairs.positive.to(pairs.similarity), pairs.negative.to(pairs.similarity))
"""
NOW: dict[str, Callable[[], None]] = {}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "test_guarded", sys.modules[__name__])


@pytest.mark.parametrize("message", FAILURES)
@pytest.mark.parametrize("text", PLACES)
def test_whatever_is_raised_is_one_line(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(GOOD + PLACES[text])
    monkeypatch.setitem(NOW, "now", FAILURES[message])
    with pytest.raises(wl.InputError, match=message) as caught:
        wl.decompose(text, points=3, draws=1)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", PLACES)
def test_ctrl_c_passes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(GOOD + PLACES[text])
    monkeypatch.setitem(NOW, "now", raises(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        wl.decompose(text, points=3, draws=1)


NOISY = """
import torch, weightlab
print("imported")
class Noisy:
    def __init__(self):
        print("made")
    def __str__(self):
        print("named")
        return "a\\nname"
    @property
    def form(self):
        print("form")
    def weights(self, pairs):
        print("weighed")
        return weightlab.PairWeights(pairs.positive.to(pairs.similarity), pairs.negative.to(pairs.similarity))
    def value(self, pairs):
        print("valued")
        return torch.where(pairs.negative, pairs.similarity, 0).sum(1)
def called(similarity, positive, negative):
    print("called")
    return torch.where(negative, similarity, 0).sum(1)
def weight(s):
    print("called")
    return s.abs()
noisy = Noisy()
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Noisy", {"imported", "made", "form", "weighed", "valued"}),
        ("noisy", {"imported", "made", "form", "weighed", "valued"}),
        ("called", {"imported", "called"}),
        ("weight", {"imported", "called"}),
    ],
)
@pytest.mark.parametrize("command", ["decompose", "check"])
def test_what_it_prints_goes_to_standard_error(
    command: str, name: str, said: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("noisy.py").write_text(NOISY)
    with pytest.raises(SystemExit):
        main([command, f"noisy.py:{name}", "--format", "json"])
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert said <= set(err.split())


def test_its_text_is_a_title_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    class Named:
        def __init__(self, text: Callable[[], str]) -> None:
            self.text = text

        def __str__(self) -> str:
            print("named")
            return self.text()

        def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
            return wl.losses.Contrastive().weights(pairs)

    assert wl.Subject.of(Named(lambda: "two\n  lines")).title == "two lines"
    assert wl.Subject.of(Named(lambda: sys.exit(0))).title == "Named"  # type: ignore[arg-type, return-value]
    assert wl.Subject.of(Named(lambda: 3)).title == "Named"  # type: ignore[arg-type, return-value]
    assert "named" not in capsys.readouterr().out


def test_an_exit_is_a_broken_law_of_check() -> None:
    class Exits:
        def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
            sys.exit(0)

    report = check(Exits())  # type: ignore[arg-type]
    assert not report.holds
    assert {law.detail for law in report.laws if law.verdict == "fails"} == {"raises SystemExit: 0"}


SETS = """
import os, random, signal, sys, warnings, numpy, torch
def upset():
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.manual_seed(1); random.seed(1); numpy.random.seed(1)
    warnings.simplefilter("error")
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout = sys.stderr = None
upset()
class Upset(torch.nn.Module):
    def __init__(self):
        super().__init__()
        upset()
    def forward(self, similarity, positive, negative):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(True)
        return torch.where(negative, similarity, 0).sum(1)
"""


def test_what_it_sets_is_put_back() -> None:
    Path("sets.py").write_text(SETS)
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)

    def state() -> list[object]:
        drawn = np.random.get_state()[1].tolist()  # type: ignore[union-attr]
        filters, streams = list(warnings.filters), (sys.stdout, sys.stderr)
        handler, torch_state = signal.getsignal(signal.SIGINT), torch.random.get_rng_state().tolist()
        modes = torch.get_default_dtype(), torch.is_grad_enabled()
        return [drawn, filters, streams, handler, torch_state, modes, os.getcwd(), random.getstate()]

    before = state()
    assert wl.decompose("sets.py:Upset", points=3, draws=1).curve["weight"].abs().max() == 1
    assert state() == before
