"""Seed each fault of the list alone in a copy of the checkout, run the tests that should tell, print the survivors."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from tests.mutants.fault import Fault, fails, faults

ROOT = Path(__file__).parents[2]
NEEDED = ("weightlab", "tests", "studies", "figures", "benchmarks", "pyproject.toml", "README.md", "Makefile")

T = TypeVar("T")

console = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


def main(
    jobs: Annotated[int, typer.Option(min=1, help="how many at a time")] = 2,
    only: Annotated[str, typer.Option(help="a part of a file's name: its faults alone")] = "",
) -> None:
    """Print how many faults each part of weightlab has, and those that no test found; exit 1 where there is one."""
    seeds = [fault for fault in faults() if only in fault.file]
    stale = [fault for fault in seeds if fault.missing(ROOT)]
    if stale:
        stop("the code has changed, its text does not stand there once", stale)
    with tempfile.TemporaryDirectory() as place:
        copies = [copied(Path(place, str(number))) for number in range(jobs)]
        tests = list(dict.fromkeys(fault.tests for fault in seeds))  # these very ones: to tell is to fail with it alone
        failing = [each for each, failed in zip(tests, in_copies(copies, fails, tests), strict=True) if failed]
        if failing:
            stop("fails without a fault", failing)
        found = in_copies(copies, is_found, seeds)
    for part, count in Counter(fault.part for fault in seeds).items():
        print(f"{part}: {count}")
    survivors = [fault for fault, told in zip(seeds, found, strict=True) if not told]
    print(f"{len(seeds)} faults, {len(survivors)} survivors")
    if survivors:
        stop("survives", survivors)


def is_found(fault: Fault, root: Path) -> bool:
    """Whether the fault's tests fail with it."""
    with fault.seeded(root):
        return fails(fault.tests, root)


def in_copies(copies: Sequence[Path], look: Callable[[T, Path], bool], each: Sequence[T]) -> list[bool]:
    """`look` at each, with a copy of the checkout that nobody else uses meanwhile."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def alone(one: T) -> bool:
        copy = free.get()
        try:
            return look(one, copy)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(track(pool.map(alone, each), "looking", len(each), console=console))


def copied(place: Path) -> Path:
    """What the tests need of the checkout, at `place`."""
    place.mkdir()
    for name in NEEDED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, place / name)
    for cache in place.rglob("__pycache__"):
        shutil.rmtree(cache)
    return place


def stop(what: str, each: Sequence[object]) -> None:
    """Say it of each, and exit with 1."""
    for one in each:
        console.print(f"{what}: {one}")
    raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
