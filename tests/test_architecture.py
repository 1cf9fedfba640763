"""The house: imports run downwards only, without a circle, and each package says what is public."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).parent.parent

# A room is a folder or a file of weightlab/, "weightlab" its `__init__`. A room needs those of lower floors only.
FLOORS = (
    {"errors", "lazy", "locks"},
    {"files", "literals", "precision", "validation"},
    {"arrays", "foreign"},
    {"relation"},
    {"product"},
    {"pairs", "plot"},
    {"forms"},
    {"losses"},
    {"assignment"},
    {"decompose", "memory", "data", "models", "retrieval"},
    {"step"},
    {"criterion", "testing", "diagnose"},
    {"train"},
    {"study", "explore"},
    {"weightlab"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
ROOMS_NEEDED = {  # where that is less than all lower floors
    "plot": {*FLOORS[0], *FLOORS[1], "arrays"},
    "decompose": {
        *FLOORS[0],
        *FLOORS[1],
        *FLOORS[2],
        "relation",
        "pairs",
        "plot",
        "forms",
        "losses",
        "assignment",
    },
}
NOT_YET: set[str] = set()

When = Literal["at import", "when called", "for types"]


@dataclass(frozen=True)
class Import:
    """One name that a module imports.

    importer: the importing module, dotted.
    imported: the module that it takes, dotted; of `from a import b`, a.b where that is a module, else a.
    when: at import; when called, inside a function; for types, under `if TYPE_CHECKING`.
    """

    importer: str
    imported: str
    when: When

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported} ({self.when})"


@cache
def modules() -> dict[str, Path]:
    """Every module of weightlab/, dotted, and its file."""
    files = {path.relative_to(ROOT).with_suffix(""): path for path in (ROOT / "weightlab").rglob("*.py")}
    return {".".join(name.parts).removesuffix(".__init__"): path for name, path in sorted(files.items())}


def imports_in(source: str, importer: str, package: str) -> list[Import]:
    """All that a module's source imports; `package` is what its relative imports start from."""
    found: list[Import] = []
    for node, when in _walk(ast.parse(source), "at import"):
        if isinstance(node, ast.Import):
            found += [Import(importer, alias.name, when) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (parent, node.module) if part)
            names = [f"{base}.{alias.name}" for alias in node.names]
            found += [Import(importer, name if name in modules() else base, when) for name in names]
    return found


def _walk(node: ast.AST, when: When) -> Iterator[tuple[ast.AST, When]]:
    for child in ast.iter_child_nodes(node):
        inside = _when(node, child, when)
        yield child, inside
        yield from _walk(child, inside)


def _when(parent: ast.AST, child: ast.AST, when: When) -> When:
    if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return "when called"
    if isinstance(parent, ast.If) and ast.unparse(parent.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return "for types" if child in parent.body else when
    return when


@cache
def imports() -> tuple[Import, ...]:
    """All imports of weightlab's modules by weightlab's modules."""
    found: list[Import] = []
    for name, path in modules().items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found += imports_in(path.read_text(encoding="utf-8"), name, package)
    return tuple(each for each in found if each.imported.split(".")[0] == "weightlab")


def room(module: str) -> str:
    """weightlab.plot.save → plot; weightlab's own `__init__` → weightlab."""
    return [*module.split("."), "weightlab"][1]


def is_upwards(each: Import) -> bool:
    """Whether it leads from one room to another that isn't below it, or that the room does without."""
    source, target = room(each.importer), room(each.imported)
    if source == target:
        return False
    return FLOOR[target] >= FLOOR[source] or target not in ROOMS_NEEDED.get(source, FLOOR)


def circle(found: tuple[Import, ...]) -> list[str]:
    """Modules that need one another while they are imported; none in a sound house. Raises CycleError with a circle.

    Importing a.b.c runs a and a.b first, unless these are the importer's own parents, which are running already.
    """
    graph: dict[str, set[str]] = {}
    for each in found:
        if each.when != "at import":
            continue
        parts = each.imported.split(".")
        parents = {".".join(parts[:depth]) for depth in range(1, len(parts))}
        own = {each.importer} | {parent for parent in parents if each.importer.startswith(f"{parent}.")}
        graph.setdefault(each.importer, set()).update(parents - own, {each.imported})
    return list(TopologicalSorter(graph).static_order())


def packages() -> list[str]:
    return [name for name, path in modules().items() if path.name == "__init__.py"]


def public(package: str) -> list[str]:
    """Its `__all__`; fails where it has none."""
    module = importlib.import_module(package)
    assert hasattr(module, "__all__"), f"{package} doesn't say what is public"
    return list(module.__all__)


def test_every_room_has_a_floor() -> None:
    assert {room(name) for name in modules()} <= set(FLOOR)


def test_imports_run_downwards_only() -> None:
    assert len(imports()) > 100  # they were found
    assert not [str(each) for each in imports() if is_upwards(each)]


def test_decompose_draws_when_asked_to() -> None:
    drawing = [each for each in imports() if room(each.importer) == "decompose" and room(each.imported) == "plot"]
    assert drawing
    assert not [str(each) for each in drawing if each.when == "at import"]


def test_modules_need_one_another_in_no_circle() -> None:
    assert set(circle(imports())) <= set(modules())


@pytest.mark.parametrize("folder", ["weightlab", "studies"])
def test_nothing_needs_benchmarks_or_tests(folder: str) -> None:
    paths = (ROOT / folder).rglob("*.py")
    found = [each for path in paths for each in imports_in(path.read_text(encoding="utf-8"), path.stem, folder)]
    assert not [str(each) for each in found if each.imported.split(".")[0] in ("benchmarks", "tests", "studies")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import weightlab.cli.app", Import("weightlab.plot.save", "weightlab.cli.app", "at import")),
        ("from weightlab import train", Import("weightlab.plot.save", "weightlab.train", "at import")),
        ("from ..train import loop", Import("weightlab.plot.save", "weightlab.train.loop", "at import")),
        ("from weightlab import Pairs", Import("weightlab.plot.save", "weightlab", "at import")),
        ("def f():\n from weightlab.train import x", Import("weightlab.plot.save", "weightlab.train", "when called")),
        (
            "if TYPE_CHECKING:\n from weightlab.study.spec import x",
            Import("weightlab.plot.save", "weightlab.study.spec", "for types"),
        ),
        (
            "if TYPE_CHECKING:\n pass\nelse:\n from weightlab import cli",
            Import("weightlab.plot.save", "weightlab.cli", "at import"),
        ),
    ],
)
def test_an_import_upwards_is_found(source: str, expected: Import) -> None:
    found = imports_in(source, "weightlab.plot.save", "weightlab.plot")
    assert found == [expected]
    assert is_upwards(found[0])


def test_a_circle_is_found() -> None:
    there, back = "weightlab.losses.triplet", "weightlab.forms.triplets"
    with pytest.raises(ValueError, match="cycle"):
        circle((Import(there, back, "at import"), Import(back, there, "at import")))
    assert circle((Import(there, back, "at import"), Import(back, there, "when called")))


@pytest.mark.parametrize("package", packages())
def test_no_name_hides_a_module(package: str) -> None:
    module = importlib.import_module(package)
    for found in pkgutil.iter_modules(module.__path__, f"{package}."):
        submodule = importlib.import_module(found.name)
        if found.name not in NOT_YET:
            assert getattr(module, found.name.rpartition(".")[2]) is submodule, f"{package} hides {found.name}"


@pytest.mark.parametrize("package", packages())
def test_what_is_public_is_there(package: str) -> None:
    names = public(package)
    assert len(set(names)) == len(names)
    for name in names:
        if f"{package}.{name}" in modules():
            importlib.import_module(f"{package}.{name}")
        assert hasattr(sys.modules[package], name)


def test_importing_weightlab_imports_nothing_heavy() -> None:
    code = "import sys, weightlab; print(*sorted({'torch', 'matplotlib', 'sympy', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not done.stdout.strip()
