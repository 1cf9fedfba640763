"""Paths to losses: which texts are paths, what they name, and that nothing but a loss's class is called."""

from __future__ import annotations

from pathlib import Path

import pytest

import weightlab as wl
from weightlab.cli.figures import slug, slug_of_all
from weightlab.decompose.foreign.imported import load
from weightlab.foreign.imported import ImportPath, is_path

MINE = """
import os
from pathlib import Path
from typing import Optional
import torch
from torch import Tensor, relu
from weightlab import Criterion, assign

def f(similarity, positive, negative):
    return torch.where(negative, similarity, 0).sum(1)

def _helper(s):
    return s

class MyLoss(torch.nn.Module):
    def __init__(self, scale=1.0, of="x"):
        super().__init__()
        self.scale = scale
    def forward(self, similarity, positive, negative):
        return self.scale * f(similarity, positive, negative)

class Valued:
    def value(self, pairs):
        return f(pairs.similarity, pairs.positive, pairs.negative)

class Called:
    def __init__(self, path="made"):
        Path(path).touch()
    def __call__(self, pairs):
        return f(pairs.similarity, pairs.positive, pairs.negative)

called = Called("at import")
rule = assign("constant", "linear")
NUMBER = 3
"""
FILES = [
    "my_losses.py",
    "l (1)/my.py",
    "C:\\x\\my.py",
    "a:b, c=d é/my losses.py",
    "(my.py",
    "my.py:f(.py",
    "x.py/my.py",
    "'q' \"r\".py",
    "[1] {2}.py",
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("file", FILES)
def test_any_files_path_will_do(file: str, absolute: bool) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text(MINE)
    path = str(Path(file).absolute()) if absolute else file
    for name, title in [
        ("f", "f"),
        ("MyLoss", "MyLoss"),
        ("MyLoss(scale=2, of='b.py:g(1)')", "MyLoss(scale=2, of='b.py:g(1)')"),
    ]:
        text = f"{path}:{name}"
        assert is_path(text)
        assert wl.Subject.of(text).title == title
        assert slug(text) == name.partition("(")[0]
        found = ImportPath.of(text)
        assert found is not None
        assert found.source == path
    with pytest.raises(wl.InputError, match=r"has f, MyLoss, Valued, called, rule: write .*:f"):
        wl.decompose(path)


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert wl.Subject.of("~/mine.py:f").title == "f"


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("ms-loss", "ms-loss"),
        ("ms-loss(beta=40)", "ms-loss"),
        ("step(0.5)", "step"),
        ("spline(-1:0, 0.5:1)", "spline"),
        ("linear * spline(-1:0, 1:1)", "linear-spline"),
        ("((linear) + easy(0.5))", "linear-easy"),
    ],
)
def test_a_name_is_no_path(text: str, file: str) -> None:
    assert not is_path(text)
    assert slug(text) == file


def test_a_files_name_is_one_that_disks_take() -> None:
    assert slug_of_all(["n-pair", "mine.py:f"]) == "n-pair-f"
    assert len(slug(f"mine.py:{'é' * 300}").encode()) <= 200
    for losses in (["step(0.5)"] * 41, [f"mine.py:{'é' * 100}"] * 3):
        assert slug_of_all(losses).endswith(f"-and-{len(losses) - 1}-more")
        assert len(slug_of_all(losses).encode()) <= 220


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sys:exit(0)", r"^sys:exit is a function, .* not called with \(0\): leave the brackets out"),
        ("os:system('touch made')", r"os:system is a function, .* not called with \('touch made'\)"),
        ("pathlib:Path('made')", "pathlib:Path is a class that can't be a loss"),
        ("subprocess:Popen('touch made', shell=True)", "subprocess:Popen is a class that can't be a loss"),
        ("mine.py:Called", "mine.py:Called is a class that can't be a loss, .* name an instance of it"),
        ("mine.py:Called('made')", "can't be a loss"),
        ("mine.py:called('made')", r"mine.py:called is of type Called, .* not called with \('made'\)"),
        ("mine.py:f()", "mine.py:f is a function"),
        ("mine.py:MyLoss(scale=__import__('os').system('touch made'))", "arguments must be literals"),
        ("mine.py:MyLoss(scale=1, scale=2)", "scale is given twice"),
        ("mine.py:MyLoss(0.5, scale=1)", "TypeError: .*multiple values for argument 'scale'"),
        ("os:system", "os:system is a function that is not written in Python"),
        ("builtins:input", "not written in Python"),
        ("mine.py:NUMBER", "is of type int, not a loss"),
        ("mine.py:os", "is a module, not a loss"),
    ],
)
def test_nothing_but_a_losss_class_is_called(text: str, message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.decompose(text)
    assert not Path("made").exists()


def test_what_can_be_a_loss_is() -> None:
    curves = [wl.decompose(f"mine.py:{name}", points=3, draws=1).curve for name in ("f", "MyLoss", "Valued", "called")]
    for curve in curves:
        assert curve[curve["sign"] == "negative"]["weight"].tolist() == [1, 1, 1]
    assert wl.decompose("mine.py:rule", points=3, draws=1).curve["weight"].max() == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine.py", "^mine.py has f, MyLoss, Valued, called, rule: write mine.py:f$"),
        ("mine.py:", "^mine.py has f, MyLoss"),
        ("mine.py:my_loss", "unknown name in mine.py 'my_loss': did you mean 'MyLoss'"),
        ("mine.py:zzz", "unknown name in mine.py 'zzz': known are MyLoss, Valued, called, f, rule$"),
        ("no_such_losses:f", "can't import no_such_losses: there is no module no_such_losses$"),
        ("mine_too:f", "there is no module mine_too; did you mean mine_too.py:f[?]"),
        ("folder.mine:f", "there is no module folder; did you mean folder/mine.py:f[?]"),
        ("empty.py", "empty.py has nothing that could be a loss"),
        ("empty.py:f", "empty.py has no f, and nothing that could be a loss"),
        ("again.py", "^again.py has MyLoss: write again.py:MyLoss$"),
        ("again.py:zzz", "'zzz': known are MyLoss$"),
        ("wants.py:f", "importing wants.py fails: ModuleNotFoundError: No module named 'no_such_package'"),
        ("none.py", "there is no file none.py"),
        ("C:\\none.py:f", r"there is no file C:\\none.py"),
        ("folder", "unknown loss or weight function 'folder'"),
        ("folder/", "can't import folder/: it is a folder; write package.module:Class"),
        ("folder:f", "folder is a folder"),
        ("folder/mine", "can't import folder/mine: it is no module's name and does not end in .py"),
        ("folder.py:f", "folder.py is a folder"),
        ("notes.txt:f", "notes.txt is a file that does not end in .py"),
        ("mine.ipynb", "mine.ipynb is a notebook: put the loss into a file that ends in .py"),
        ("mine.ipynb:f", "mine.ipynb is a notebook"),
        ("mine.pyc:f", "mine.pyc is a compiled file"),
        ("torch.nn.functional:", "can't read 'torch.nn.functional:': write package.module:Class"),
        ("no.such", "can't import no.such: there is no module no"),
        ("a\0b.py:f", "there is no file a"),
        (f"{'x' * 300}.py:f", "there is no file"),
        ("..mine:f", "can't import ..mine: it is no module's name"),
        (":f", "can't read ':f'"),
        ("mine.py:f g", "can't read"),
        ("mine.py:1", "can't read"),
    ],
)
def test_what_names_nothing_says_what_there_is(text: str, message: str) -> None:
    for file, content in [
        ("mine_too.py", MINE),
        ("empty.py", "import os\nx = 1\n"),
        ("again.py", "from torch.nn import Linear as MyLoss\nfrom pathlib import Path\n"),
        ("wants.py", "import no_such_package\n"),
        ("folder/mine.py", MINE),
        ("folder.py/mine.py", MINE),
        ("notes.txt", ""),
        ("mine.ipynb", "{}"),
    ]:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text(content)
    with pytest.raises(wl.InputError, match=message):
        wl.decompose(text)


def test_a_packages_losses_are_those_of_its_modules() -> None:
    with pytest.raises(
        wl.InputError, match=r"has AngularLoss, ArcFaceLoss,.* write pytorch_metric_learning.losses:Ang"
    ):
        load("pytorch_metric_learning.losses")
    with pytest.raises(wl.InputError, match="did you mean 'CircleLoss'"):
        load("pytorch_metric_learning.losses:CircleLos")
