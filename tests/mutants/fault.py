"""A fault that is seeded on purpose."""

from __future__ import annotations

import os
import shlex
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

__all__ = ["Fault", "fails", "faults"]

LIMIT = 600  # seconds; a fault that hangs the tests is found too

# Every fault has a process of its own, forked from one that has imported the others' packages, which takes longer than
# most tests.
SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(
    ["torch", "pandas", "sympy", "scipy.stats", "matplotlib.pyplot", "pytorch_metric_learning.losses", "hypothesis"]
)


@dataclass(frozen=True)
class Fault:
    """One change of one line that makes weightlab wrong.

    file: which, from the root of the checkout.
    old: a text that stands in it once.
    new: what takes its place.
    tests: what should tell, as arguments of pytest.
    """

    file: str
    old: str
    new: str
    tests: str

    @property
    def part(self) -> str:
        """The part of weightlab that its file is in."""
        return Path(self.file).parts[1]

    @property
    def files(self) -> list[str]:
        """The test files, or folders, of `tests`."""
        return [each for each in shlex.split(self.tests) if each.startswith("tests/")]

    def __str__(self) -> str:
        return f"{self.file}: {self.old!r} → {self.new!r}"

    @contextmanager
    def seeded(self, root: Path) -> Iterator[None]:
        """The fault in a checkout, as long as the block runs."""
        path = root / self.file
        sound = path.read_text(encoding="utf-8")
        path.write_text(sound.replace(self.old, self.new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(sound, encoding="utf-8")

    def missing(self, root: Path) -> bool:
        """Whether its text does not stand in the checkout just once: the code has changed since."""
        path = root / self.file
        return not path.is_file() or path.read_text(encoding="utf-8").count(self.old) != 1


def faults() -> list[Fault]:
    """Those of faults.toml, in its order."""
    with Path(__file__).with_name("faults.toml").open("rb") as file:
        return [Fault(**each) for each in tomllib.load(file)["fault"]]


def fails(tests: str, root: Path) -> bool:
    """Whether any of the tests fails in a checkout; to take forever is to fail."""
    with NamedTemporaryFile("r") as said:
        process = SERVER.Process(target=_test, args=(tests, root, said.name))
        process.start()
        process.join(LIMIT)
        if process.exitcode is None:
            process.kill()
            process.join()
            return True
        if process.exitcode not in (0, 1, 2):  # 2: they can't even be imported
            raise RuntimeError(f"pytest {tests}: {said.read()[-4000:]}")
    return process.exitcode != 0


def _test(tests: str, root: Path, output: str) -> None:
    """Run them, in a process of its own."""
    said = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.chdir(root)
    # a cached module of the same size and second would hide the fault
    os.environ |= {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(root))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    options = ["-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    sys.exit(int(pytest.main([*options, *shlex.split(tests)])))
