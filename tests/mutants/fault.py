"""A fault that is seeded on purpose."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fault", "fails", "faults"]

LIMIT = 600  # seconds; a fault that hangs the tests is found too


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
    def files(self) -> list[str]:
        """The test files of `tests`."""
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
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *shlex.split(tests)]
    # a cached module of the same size and second would hide the fault
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1, 2):  # 2: they can't even be imported
        raise RuntimeError(f"pytest {tests}: {done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}")
    return done.returncode != 0
