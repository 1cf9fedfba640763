"""The list of seeded faults: long enough, of every part, and of the code as it is now."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.fault import Fault, faults

ROOT = Path(__file__).parents[2]
PARTS = {
    *("losses", "forms", "assignment", "decompose", "step", "memory", "data", "retrieval", "train"),
    *("criterion", "study", "plot", "cli"),
}


def test_there_are_enough_in_every_part() -> None:
    counts = Counter(fault.part for fault in faults())
    assert counts.total() >= 90
    assert set(counts) == PARTS
    assert min(counts.values()) >= 6, counts


def test_no_two_are_the_same() -> None:
    assert len({(fault.file, fault.old, fault.new) for fault in faults()}) == len(faults())


@pytest.mark.parametrize("fault", faults(), ids=str)
def test_a_fault_can_be_seeded(fault: Fault) -> None:
    """Its text stands in the code just once, what takes its place is another one and Python, and its tests exist."""
    assert not fault.missing(ROOT)
    assert fault.old != fault.new
    code = (ROOT / fault.file).read_text(encoding="utf-8").replace(fault.old, fault.new)
    compile(code, fault.file, "exec")
    assert fault.files
    assert all((ROOT / file).exists() for file in fault.files)
