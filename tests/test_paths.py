"""Every public function that takes a path takes it as a text and as anything with `__fspath__`, too."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from study.study_example import EXAMPLE

from weightlab import InputError, train
from weightlab.data import features
from weightlab.files import as_path
from weightlab.study import report, run, spec, storage

MODULES = (features, report, run, spec, storage, train)


def functions() -> list[Callable[..., Any]]:
    found = [getattr(module, name) for module in MODULES for name in module.__all__]
    classes = [one for one in found if inspect.isclass(one)]
    methods = [each.__func__ for one in classes for each in vars(one).values() if isinstance(each, classmethod)]
    return [each for each in [*found, *methods] if inspect.isfunction(each)]


def test_no_public_function_asks_for_a_path_object() -> None:
    asked = {
        each.__qualname__: [p.annotation for p in inspect.signature(each).parameters.values()] for each in functions()
    }
    assert {"embed_run", "read", "read_features", "Storage.of"} <= set(asked)
    assert not [
        name for name, annotations in asked.items() if any("Path" in str(a).replace("AnyPath", "") for a in annotations)
    ]


class Elsewhere(os.PathLike[str]):
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("form", [Path, str, Elsewhere])
def test_whatever_form_it_has(form: Callable[[Path], Any], tmp_path: Path) -> None:
    assert as_path("x", form(tmp_path)) == tmp_path
    for function in (train.evaluate_run, train.embed_run):
        with pytest.raises(InputError, match="holds no run"):
            function(form(tmp_path))
    with pytest.raises(InputError, match="no study at"):
        spec.read(form(tmp_path / "none.toml"))
    assert spec.find(form(tmp_path / "none.toml")) == tmp_path / "none.toml"
    (tmp_path / "mine.toml").write_text(EXAMPLE, encoding="utf-8")
    assert spec.find("mine", form(tmp_path)) == tmp_path / "mine.toml"
    study = spec.read(form(tmp_path / "mine.toml"))
    assert {row["finished"] for row in run.status(study, "quick", form(tmp_path))} == {0}
    assert report.folder(form(tmp_path), study, "quick").parent == tmp_path


@pytest.mark.parametrize("wrong", [None, 3, [], b"x"])
def test_what_is_no_path(wrong: object) -> None:
    for function in (train.evaluate_run, spec.read, features.read_features):
        with pytest.raises(InputError, match="must be a path, not"):
            function(wrong)
