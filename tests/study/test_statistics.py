import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from weightlab.study.statistics import differences, table


def frame(values: dict[str, list[float]], metric: str = "R@1") -> pd.DataFrame:
    rows = [(arm, seed, metric, each) for arm, seeds in values.items() for seed, each in enumerate(seeds)]
    return pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"]).dropna()


def test_the_table_by_hand() -> None:
    # 1, 2, 3: mean 2, std 1, standard error 1/√3, t(0.975, 2) = 4.302653
    row = table(frame({"a": [1, 2, 3]})).iloc[0]
    assert list(row[["arm", "metric", "seeds"]]) == ["a", "R@1", 3]
    assert row["mean"] == 2
    assert row["std"] == 1
    assert row["high"] - 2 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert 2 - row["low"] == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_the_table_against_scipy_in_the_order_of_the_results() -> None:
    random = np.random.default_rng(0)
    values = {arm: list(random.normal(10, 2, count)) for arm, count in {"z": 5, "a": 2, "m": 9}.items()}
    rows = table(frame(values)).set_index("arm")
    assert list(rows.index) == ["z", "a", "m"]
    for arm, sample in values.items():
        interval = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
        assert rows.loc[arm, ["low", "high"]].tolist() == pytest.approx([interval.low, interval.high])


def test_one_seed_has_no_interval() -> None:
    row = table(frame({"a": [5]})).iloc[0]
    assert row["mean"] == 5
    assert row[["std", "low", "high"]].isna().all()


def test_one_comparison_is_the_paired_t_test() -> None:
    values = {"a": [1.0, 2.0, 4.0, 4.0], "b": [2.5, 3.0, 5.5, 4.5]}
    (found,) = differences(frame(values), "R@1", [("a", "b")])
    interval = stats.ttest_rel(values["b"], values["a"]).confidence_interval(0.95)
    assert found.mean == pytest.approx(1.125)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_only_shared_seeds_are_compared() -> None:
    values = {"a": [1, 2, math.nan, 9], "b": [2, 4, 5, math.nan], "c": [math.nan, math.nan, 7, math.nan]}
    ab, ac, bc, ad = differences(frame(values), "R@1", [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d")])
    assert (ab.seeds, ab.mean) == (2, 1.5)
    assert (bc.seeds, bc.mean) == (1, 2)
    for none in (ac, ad):
        assert none.seeds == 0
        assert math.isnan(none.mean)
    for undecided in (ac, bc, ad):
        assert math.isnan(undecided.low)
        assert not undecided.above
        assert not undecided.below
    # what can't be tested doesn't widen what can
    (alone,) = differences(frame(values), "R@1", [("a", "b")])
    assert alone == ab


def closed_test(p: list[float]) -> list[bool]:
    """A hypothesis is rejected if Bonferroni's test rejects every intersection of hypotheses with it."""
    subsets = [set(subset) for count in range(1, len(p) + 1) for subset in combinations(range(len(p)), count)]
    kept = [subset for subset in subsets if min(p[index] for index in subset) >= 0.05 / len(subset)]
    return [not any(index in subset for subset in kept) for index in range(len(p))]


def test_the_intervals_decide_as_holm_does() -> None:
    """Against the closed test that Holm's is a short cut of, on random studies with effects near the border."""
    random = np.random.default_rng(1)
    decisions = []
    for _ in range(60):
        arms = {"base": random.normal(0, 1, 5)}
        arms |= {f"arm {i}": arms["base"] + random.normal(effect, 1, 5) for i, effect in enumerate([0, 1, 2, 3, 9])}
        pairs = [("base", arm) for arm in arms if arm != "base"]
        found = differences(frame({arm: list(v) for arm, v in arms.items()}), "R@1", pairs)
        p = [stats.ttest_rel(arms[upper], arms[lower]).pvalue for lower, upper in pairs]
        rejected = closed_test(p)
        assert [each.above or each.below for each in found] == rejected
        decisions.append(sum(rejected))
    assert set(decisions) >= {1, 2, 3}  # the step-down was taken part of the way, not all or nothing


def test_holm_by_hand() -> None:
    """Two comparisons: the clearer one at 2.5 %, the other at 5 %, so its interval is the plain one."""
    values = {"a": [0.0, 0.0, 0.0], "clear": [9.9, 10.0, 10.1], "less": [1.0, 2.0, 3.0]}
    clear, less = differences(frame(values), "R@1", [("a", "clear"), ("a", "less")])
    half = 0.1 / math.sqrt(3)
    assert clear.high - clear.mean == pytest.approx(stats.t.ppf(1 - 0.025 / 2, 2) * half)
    assert less.high - less.mean == pytest.approx(stats.t.ppf(1 - 0.05 / 2, 2) * 1 / math.sqrt(3))


def test_a_comparison_that_is_not_clear_widens_the_ones_behind_it() -> None:
    values = {"a": [0.0, 0.0, 0.0], "b": [1.0, 2.0, 3.0], "c": [0.0, 2.0, 3.0]}
    b, c = differences(frame(values), "R@1", [("a", "b"), ("a", "c")])
    assert not b.above
    assert b.high - b.mean == pytest.approx(stats.t.ppf(1 - 0.025 / 2, 2) / math.sqrt(3))
    assert c.high - c.mean == pytest.approx(stats.t.ppf(1 - 0.025 / 2, 2) * stats.sem([0, 2, 3]))


def test_differences_without_spread() -> None:
    same, one_more = differences(
        frame({"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [2.0, 3.0]}), "R@1", [("a", "b"), ("a", "c")]
    )
    assert (same.low, same.high) == (0, 0)
    assert not same.above
    assert not same.below
    assert (one_more.low, one_more.high) == (1, 1)
    assert one_more.above


def test_the_other_way_round_everything_is_turned() -> None:
    """Two-sided: a comparison that is clear downwards comes as early in Holm's order as one that is clear upwards."""
    values = {"a": [0.0, 0.0, 0.0], "b": [-9.9, -10.0, -10.1], "c": [1.0, 2.0, 3.5], "d": [2.0, 2.1, 2.2]}
    pairs = [("a", "b"), ("a", "c"), ("a", "d")]
    for found, turned in zip(
        differences(frame(values), "R@1", pairs),
        differences(frame(values), "R@1", [pair[::-1] for pair in pairs]),
        strict=True,
    ):
        assert (turned.mean, turned.low, turned.high) == pytest.approx((-found.mean, -found.high, -found.low))
        assert (turned.above, turned.below) == (found.below, found.above)


def test_arms_that_are_equal_are_tested_last() -> None:
    values = {"a": [0.0, 0.0, 0.0], "same": [0.0, 0.0, 0.0], "c": [9.9, 10.0, 10.1]}
    same, c = differences(frame(values), "R@1", [("a", "same"), ("a", "c")])
    assert (same.low, same.high) == (0, 0)
    assert c.high - c.mean == pytest.approx(stats.t.ppf(1 - 0.025 / 2, 2) * 0.1 / math.sqrt(3))


def test_a_mean_below_0_is_not_below_it_beyond_doubt() -> None:
    (found,) = differences(frame({"a": [0.0, 0.0, 0.0], "b": [-5.0, 1.0, 1.0]}), "R@1", [("a", "b")])
    assert found.mean == -1
    assert found.high > 0
    assert not found.below


def test_each_metric_is_compared_for_itself() -> None:
    recall = frame({"a": [1.0, 2.0], "b": [2.0, 5.0]})
    both = pd.concat([recall, frame({"a": [8.0, 9.0], "b": [1.0, 1.5]}, "MAP@R")])
    assert differences(both, "MAP@R", [("a", "b")])[0].mean == -7.25
    assert differences(both, "R@1", [("a", "b")]) == differences(recall, "R@1", [("a", "b")])
    assert table(both).groupby("metric")["mean"].sum().to_dict() == {"R@1": 5.0, "MAP@R": 9.75}
