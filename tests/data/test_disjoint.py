from __future__ import annotations

import hashlib

import numpy as np
import pytest

from weightlab.data.disjoint import chosen

NAMES = [f"class {number}" for number in range(5000)]


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_so_many_go_to_the_second_part(share: float) -> None:
    found = chosen(NAMES, 0, share)
    assert found.dtype == bool
    assert found.mean() == pytest.approx(share, abs=0.03)
    other = chosen(NAMES, 1, share)
    assert (found & other).mean() == pytest.approx(share**2, abs=0.03)  # one seed says nothing of another
    again = chosen(NAMES, 0, share, "validation")
    assert (found & again).mean() == pytest.approx(share**2, abs=0.03)


def test_a_class_that_is_added_moves_no_other() -> None:
    found = chosen(NAMES, 3, 0.5)
    assert chosen(["new", *reversed(NAMES)], 3, 0.5)[1:].tolist() == found[::-1].tolist()
    smaller = chosen(NAMES, 3, 0.4)
    assert not (smaller & ~found).any()  # a larger share only adds


def test_it_is_the_same_for_ever() -> None:
    first = [int(hashlib.sha256(f"weightlab test 0 {name}".encode()).hexdigest()[:12], 16) / 16**12 for name in NAMES]
    assert chosen(NAMES, 0, 0.5).tolist() == (np.array(first) < 0.5).tolist()
    assert chosen([], 0, 0.5).tolist() == []
    assert chosen(["\ud800"], 0, 1.0).tolist() == [True]
