from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from weightlab.data import PKSampler
from weightlab.data.sampler import Spread
from weightlab.errors import InputError


@given(
    sizes=st.lists(st.integers(1, 9), min_size=4, max_size=12),
    per_class=st.integers(1, 5),
    seed=st.integers(0, 2**40),
    step=st.integers(0, 2**40),
)
def test_a_batch_is_p_classes_of_k_rows(sizes: list[int], per_class: int, seed: int, step: int) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    rows = PKSampler(labels, 4 * per_class, per_class, seed).batch_at(step)
    assert rows.dtype == torch.int64
    drawn = labels[rows].view(4, per_class)
    assert (drawn == drawn[:, :1]).all()
    assert len(drawn[:, 0].unique()) == 4
    for number, group in zip(drawn[:, 0].tolist(), rows.view(4, per_class), strict=True):
        if sizes[number] >= per_class:
            assert len(group.unique()) == per_class


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    labels = torch.arange(50).repeat_interleave(6)
    sampler, resumed = PKSampler(labels, 32, 4, 7), PKSampler(labels, 32, 4, 7)
    batches = [sampler.batch_at(step) for step in range(20)]
    assert all(torch.equal(resumed.batch_at(step), batches[step]) for step in (19, 3, 11))
    assert len({tuple(batch.tolist()) for batch in batches}) == 20
    assert not torch.equal(PKSampler(labels, 32, 4, 8).batch_at(0), batches[0])


def test_classes_and_rows_are_drawn_evenly() -> None:
    labels = torch.arange(10).repeat_interleave(5)
    sampler = PKSampler(labels, 8, 2, 0)
    counts = torch.bincount(torch.cat([sampler.batch_at(step) for step in range(2000)]), minlength=50)
    # 16,000 rows over 50: 320 each, standard deviation below 18.
    assert counts.sum() == 16000
    assert 240 < int(counts.min()) <= int(counts.max()) < 400


def test_labels_need_not_be_sorted_or_contiguous() -> None:
    labels = torch.tensor([9, 2, 9, 5, 2, 5])
    rows = PKSampler(labels, 6, 2, 0).batch_at(0)
    assert sorted(rows.tolist()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("batch", "per_class", "seed", "message"),
    [
        (6, 4, 0, "batch=6 must be a multiple of per_class=4"),
        (0, 4, 0, "batch must be a whole number of at least 1, not 0"),
        (4, 0, 0, "per_class must be a whole number of at least 1, not 0"),
        (4, 2, -1, "seed must be a whole number of at least 0, not -1"),
        (8, 2, 0, "needs 4 classes; there are 3"),
    ],
)
def test_bad_input(batch: int, per_class: int, seed: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PKSampler(torch.tensor([0, 0, 1, 1, 2, 2]), batch, per_class, seed)


def test_bad_labels() -> None:
    for labels in (torch.full((4,), 0.5), torch.zeros(2, 2, dtype=torch.int64)):
        with pytest.raises(InputError, match="labels must be whole numbers"):
            PKSampler(labels, 2, 2, 0)
    with pytest.raises(InputError, match="there are 0"):
        PKSampler(torch.zeros(0, dtype=torch.int64), 2, 2, 0)


@pytest.mark.parametrize("wrong", [2.0, True, "2", None])
def test_sizes_that_are_not_whole(wrong: object) -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    for name in ("batch", "per_class", "seed"):
        with pytest.raises(InputError, match=f"{name} must be a whole number"):
            PKSampler(**{"labels": labels, "batch": 4, "per_class": 2, "seed": 0} | {name: wrong})  # type: ignore[arg-type]
    for step in (wrong, -1):
        with pytest.raises(InputError, match="step must be a whole number of at least 0"):
            PKSampler(labels, 4, 2, 0).batch_at(step)  # type: ignore[arg-type]


def test_another_seed_is_no_other_step() -> None:
    labels = torch.arange(50).repeat_interleave(6)
    batches = {tuple(PKSampler(labels, 32, 4, seed).batch_at(step).tolist()) for seed in range(5) for step in range(5)}
    assert len(batches) == 25


LABELS = torch.arange(30).repeat_interleave(3)  # 30 classes of three rows, in categories of 15, 10 and 5
CATEGORIES = torch.repeat_interleave(torch.arange(3), torch.tensor([45, 30, 15]))


def spread_over(sampler: PKSampler, steps: int) -> list[list[int]]:
    """Of each batch, how many of its classes are of each category."""
    classes = (LABELS[sampler.batch_at(step)].unique() for step in range(steps))
    return [torch.bincount(CATEGORIES[3 * some], minlength=3).tolist() for some in classes]


def test_batches_within_a_category() -> None:
    found = spread_over(PKSampler(LABELS, 16, 2, 0, CATEGORIES, "within"), 600)
    assert all(sorted(counts) == [0, 0, 8] for counts in found)
    of = torch.tensor(found).gt(0).sum(0).tolist()
    assert of[2] == 0  # five classes are too few for a batch of eight
    assert 240 < of[0] < 360  # each of the others as often: 300, standard deviation 12
    rows = [PKSampler(LABELS, 10, 2, 0, CATEGORIES, "within").batch_at(step) for step in range(300)]
    of = torch.bincount(CATEGORIES[torch.cat(rows)]).tolist()
    assert all(800 < count < 1200 for count in of)  # 1,000 each, however large the category


def test_batches_across_categories() -> None:
    found = torch.tensor(spread_over(PKSampler(LABELS, 16, 2, 0, CATEGORIES, "across"), 300))
    assert sorted(set(map(tuple, found.sort(1).values.tolist()))) == [(2, 3, 3)]
    assert all(780 < count < 820 for count in found.sum(0).tolist())  # 800 each
    few = torch.tensor(spread_over(PKSampler(LABELS, 4, 2, 0, CATEGORIES, "across"), 300))
    assert set(map(tuple, few.sort(1).values.tolist())) == {(0, 1, 1)}


@pytest.mark.parametrize("spread", ["within", "across"])
def test_batches_by_category_depend_on_seed_and_step_alone(spread: Spread) -> None:
    one, other = (PKSampler(LABELS, 8, 2, 5, CATEGORIES, spread) for _ in range(2))
    assert all(torch.equal(one.batch_at(step), other.batch_at(step)) for step in (4, 0, 9))
    assert not torch.equal(one.batch_at(4), PKSampler(LABELS, 8, 2, 6, CATEGORIES, spread).batch_at(4))


@pytest.mark.parametrize(
    ("batch", "categories", "spread", "message"),
    [
        (8, None, "within", "batches within categories need data that have them"),
        (8, CATEGORIES[:-1], "across", "categories must be 90, one for each label, not 89"),
        (32, CATEGORIES, "within", "needs 16 classes within a category; there are 15"),
        (34, CATEGORIES, "across", "needs 6 classes of each category; there are 5"),
        (8, torch.arange(90) % 2, "within", "class 0 is of two categories, 0 and 1"),
        (8, CATEGORIES, "withn", "unknown spread 'withn': did you mean 'within'"),
    ],
)
def test_categories_that_do_not_fit(batch: int, categories: torch.Tensor, spread: Spread, message: str) -> None:
    with pytest.raises(InputError, match=message):
        PKSampler(LABELS, batch, 2, 0, categories, spread)
