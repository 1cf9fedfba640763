"""wl.diagnose: faults that were made are named, what is sound is not accused, and bad input is one line."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from made_up import clusters, shuffled, unit
from matplotlib.figure import Figure

import weightlab as wl
from weightlab.decompose import Subject
from weightlab.diagnose import engine


@pytest.fixture(autouse=True)
def few_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given losses are compared with two built-in ones, not with all."""
    monkeypatch.setattr(engine, "_others", lambda _: [Subject.of("lifted"), Subject.of("binomial-deviance")])


SOUND = clusters(40, 8, 32, 0.7)


def collapsed() -> tuple[np.ndarray, np.ndarray]:
    x, labels = SOUND
    return unit(np.ones(32) + 1e-2 * x), labels


def one_point() -> tuple[np.ndarray, np.ndarray]:
    return unit(np.ones((60, 16))), np.arange(60) // 3


def wrong_labels() -> tuple[np.ndarray, np.ndarray]:
    return SOUND[0], shuffled(SOUND[1], 0.05)


def right_angles() -> tuple[np.ndarray, np.ndarray]:
    """All similarities are 0."""
    return np.eye(60, dtype=np.float32), np.arange(60) // 3


def line() -> tuple[np.ndarray, np.ndarray]:
    """All rows at one of two ends."""
    x = np.zeros((200, 32), dtype=np.float32)
    x[:, 0] = np.where(np.arange(200) // 4 % 2, 1, -1)
    return unit(x + 1e-2 * np.random.default_rng(0).normal(size=x.shape)), np.arange(200) // 4


def one_class_of_two_rows() -> tuple[np.ndarray, np.ndarray]:
    return SOUND[0][:39], np.array([0, 0, *range(1, 38)])


def merged() -> tuple[np.ndarray, np.ndarray]:
    return SOUND[0], np.where(SOUND[1] == 1, 0, SOUND[1])


def no_order() -> tuple[np.ndarray, np.ndarray]:
    return SOUND[0], np.random.default_rng(0).permutation(SOUND[1])


@pytest.mark.parametrize(
    ("make", "topic", "words"),
    [
        (collapsed, "spread", ["have collapsed", "S_p − S_n is", "stands still at m"]),
        (one_point, "spread", ["have collapsed", "effective rank 1.0 of 16", "stands still at m"]),
        (right_angles, "spread", ["nearly alike", "S_p − S_n is 0 ", "stands still at m"]),
        (line, "spread", ["collapsed onto few directions: effective rank 1.0 of 32"]),
        (no_order, "spread", ["do not tell these classes apart", "chance is 50 %"]),
        (wrong_labels, "labels", ["of the labels are wrong", "16 of 320 rows lie well inside another class"]),
        (one_class_of_two_rows, "classes", ["Only 1 of 38 classes has two rows", "37 of 39 rows (95 %)"]),
        (merged, "classes", ["1 class (0) falls into two groups"]),
    ],
)
def test_a_fault_is_named(make: Callable[[], tuple[np.ndarray, np.ndarray]], topic: str, words: list[str]) -> None:
    found = wl.diagnose(*make())
    (fault,) = found.faults
    assert fault.topic == topic
    assert not [each for each in words if each not in str(fault)], str(fault)
    assert len(found.findings) <= 6


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ("contrastive(neg_margin=0.99)", "no negative is active (the nearest lies at 0.64"),
        ("contrastive(pos_margin=-1, neg_margin=0.99)", "and no positive either, so it stands still"),
        ("contrastive(neg_margin=-1)", "all negatives are active and weighed alike (312 of 312 an anchor)"),
        ("triplet(margin=2)", "all negatives are active and weighed alike"),
        ("step(0.99)", "no negative is active"),
    ],
)
def test_a_margin_that_does_not_suit_the_data_is_named(loss: str, words: str) -> None:
    found = wl.diagnose(*SOUND, loss)
    (fault,) = found.faults
    assert fault.topic == "losses"
    assert words in str(fault)


def test_a_margin_that_suits_is_not_accused() -> None:
    assert not wl.diagnose(*SOUND, ["contrastive(neg_margin=0.3)", "triplet(margin=0.3)", "ms-loss"]).faults


@pytest.mark.parametrize(
    ("classes", "each", "dimensions", "spread"),
    [(4, 3, 2, 0.1), (2, 2, 8, 0.3), (200, 2, 64, 0.8), (5, 40, 3, 0.2), (30, 6, 512, 1.0), (10, 10, 8, 0.0)],
)
def test_sound_data_are_not_accused(classes: int, each: int, dimensions: int, spread: float) -> None:
    for seed in (1, 2):
        found = wl.diagnose(*clusters(classes, each, dimensions, spread, seed))
        assert not found.faults, str(found)
        assert 3 <= len(found.findings) <= 6
        assert all(str(finding).endswith(".") for finding in found.findings)


def test_thresholds_are_said_with_what_they_leave() -> None:
    found = wl.diagnose(*SOUND)
    (margin,) = (each for each in found.findings if each.topic == "margin")
    at = found.thresholds[found.thresholds.negatives >= 10].iloc[-1]
    assert margin.value == at.threshold
    assert f"a threshold of {at.threshold:.2f} leaves {at.negatives:.3g}" in str(margin)


def test_losses_that_do_the_same_are_said() -> None:
    found = wl.diagnose(*SOUND, ["n-pair", "ms-loss"])
    (alike,) = (each for each in found.findings if each.topic == "alike")
    assert "n-pair pushes as lifted (under 0.01 %)" in str(alike)
    assert "ms-loss pushes as binomial-deviance (7.56 %)" in str(alike)
    assert alike.value == found.table["distance"][0]


def test_candidates_have_rows_labels_and_paths() -> None:
    x, labels = wrong_labels()
    paths = [f"{row}.png" for row in range(len(x))]
    names = [f"class {number}" for number in range(40)]
    found = wl.diagnose(x, labels, paths=paths, class_names=names)
    wrong = set(np.flatnonzero(labels != SOUND[1]).tolist())
    assert set(found.suspects["row"][:10]) <= wrong
    for frame in (found.closest, found.farthest):
        for row in frame[:10].to_dict("records"):
            assert {row["row"], row["other"]} & wrong
            assert row["similarity"] == pytest.approx(float(x[row["row"]] @ x[row["other"]]), abs=1e-5)
            assert (row["path"], row["other path"]) == (paths[row["row"]], paths[row["other"]])
            assert row["label"] == names[labels[row["row"]]]
    assert (found.closest["label"] != found.closest["other label"]).all()
    assert (found.farthest["label"] == found.farthest["other label"]).all()


def test_it_shows_itself_and_is_the_same_each_time() -> None:
    found = wl.diagnose(*SOUND, "ms-loss")
    page = found._repr_html_()
    assert "<img" in page
    assert page.count("<li>") == len(found.findings)
    assert isinstance(found.plot(Figure()), Figure)
    said = json.dumps(found.to_dict(), allow_nan=False)
    assert said == json.dumps(wl.diagnose(torch.from_numpy(SOUND[0]), SOUND[1].tolist(), ["ms-loss"]).to_dict())
    assert repr(found) == "Diagnosis(embeddings: 320 rows of 40 classes, 32 dimensions; 0 of 4 findings are faults)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.full((4, 2), np.nan), [0, 0, 1, 1]), "embeddings .*NaN"),
        ((np.ones((4, 2)), [0, 0, 1, 1]), "embeddings have lengths up to 0.414214 away from 1: normalise them"),
        ((np.eye(1, 3), [0]), "needs two rows or more, not 1"),
        ((np.eye(4), [7, 7, 7, 7]), "all 4 rows are of one class, label 7: there is no negative pair"),
        ((np.eye(4), [0, 1, 2, 3]), "each of the 4 rows has a class of its own: there is no positive pair"),
        ((np.eye(4), [0, 0, 1]), "labels must be whole numbers"),
        ((np.eye(4), [0, 0, 1, 1], "tripletty"), "unknown loss or weight function 'tripletty'"),
        ((np.eye(4), [0, 0, 1, 1], []), "losses: give one or more"),
        ((np.eye(4), [0, 0, 1, 1], ["triplet", "triplet(margin=0.1)"]), r"triplet\(margin=0.1\) is given twice"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.diagnose(*arguments)


def test_paths_names_and_seed_must_fit() -> None:
    with pytest.raises(wl.InputError, match="paths must be 320, one for each row, not 1"):
        wl.diagnose(*SOUND, paths=["a"])
    with pytest.raises(wl.InputError, match="class_names are of the labels 0 to 0; labels go from 0 to 39"):
        wl.diagnose(*SOUND, class_names=["a"])
    with pytest.raises(wl.InputError, match="seed must be a whole number"):
        wl.diagnose(*SOUND, seed=-1)
