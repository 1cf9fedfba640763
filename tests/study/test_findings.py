from pathlib import Path

import pandas as pd
import pytest
from study_example import EXAMPLE

from weightlab.study.findings import Verdict, judge
from weightlab.study.spec import Finding, StudySpec, read
from weightlab.study.statistics import table
from weightlab.study.words import listed, paragraph

NOISE = (-0.1, 0.0, 0.1)


def frame(means: dict[str, float], noise: dict[str, tuple[float, ...]] | None = None) -> pd.DataFrame:
    """Three seeds an arm. The noise differs by arm in size, for differences need some spread."""
    rows = []
    for index, (arm, mean) in enumerate(means.items()):
        spread = (noise or {}).get(arm, [each * (1 + index) for each in NOISE])
        rows += [(arm, seed, "R@1", mean + each) for seed, each in enumerate(spread)]
    return pd.DataFrame(rows, columns=["arm", "seed", "metric", "value"])


def words(spec: StudySpec, results: pd.DataFrame, size: str = "quick") -> str:
    return paragraph(spec, size, table(results), judge(spec, results))


MEANS = {"batch only": 40.0, "easy only": 10.0, "constant": 20.0, "step 0.5": 30.0}


def test_a_finding_holds(spec: StudySpec) -> None:
    (verdict,) = judge(spec, frame(MEANS))
    assert verdict.word == "holds"
    assert [each.mean for each in verdict.differences] == pytest.approx([10, 10, 20])
    text = words(spec, frame(MEANS))
    assert text.startswith("Over 3 seeds, mean R@1 runs from 10.00 % (easy only) to 40.00 % (batch only).")
    assert (
        "F1 (hard negatives matter) holds: every comparison goes as claimed, from easy only (10.00 %), "
        "through constant (20.00 %), to step 0.5 (30.00 %) and batch only (40.00 %); the closest is " in text
    )
    assert text.endswith("corrected by Holm's procedure for all 3 comparisons together.")


def test_a_finding_is_contradicted(spec: StudySpec) -> None:
    results = frame(MEANS | {"constant": 35.0})
    (verdict,) = judge(spec, results)
    assert verdict.word == "contradicted"
    assert "is contradicted: against the claim, constant (35.00 %) lies 5.0 points above" not in words(spec, results)
    text = words(spec, results)
    assert "F1 (hard negatives matter) is contradicted: against the claim, constant (35.00 %) lies 5.00 [" in text
    assert "] points above step 0.5 (30.00 %); 2 of its 3 comparisons go as claimed beyond doubt." in text
    # the interval is that of the difference as the sentence has it, so both of its ends are above 0
    assert "−" not in text


def test_a_finding_is_undecided(spec: StudySpec) -> None:
    results = frame(MEANS, {"step 0.5": (-25.0, 10.0, 15.0)})
    (verdict,) = judge(spec, results)
    assert verdict.word == "undecided"
    text = words(spec, results)
    assert "is undecided: the interval includes 0 for step 0.5 over constant (+10.00 [−" in text
    assert "2 of its 3 comparisons go as claimed" in text


def test_one_interval_below_0_contradicts_whatever_the_others_say(spec: StudySpec) -> None:
    results = frame(MEANS | {"easy only": 25.0}, {"step 0.5": (-25.0, 10.0, 15.0)})
    (verdict,) = judge(spec, results)
    assert [each.below for each in verdict.differences] == [True, False, False]
    assert verdict.word == "contradicted"


def test_with_one_seed_nothing_is_decided(spec: StudySpec) -> None:
    results = frame(MEANS)
    results = results[results["seed"] == 0]
    assert judge(spec, results)[0].word == "undecided"
    text = words(spec, results)
    assert text.startswith("With one seed, R@1 runs from 9.80 % (easy only) to 39.90 % (batch only).")
    assert "Only 4 of the study's 12 trials are there" in text
    assert "fewer than two seeds are there to compare constant over easy only, step 0.5 over constant and" in text
    assert "none of its 3 comparisons goes as claimed" in text
    assert "brackets" not in text  # nothing in the text is in brackets then


def test_a_missing_arm_leaves_its_finding_undecided(spec: StudySpec) -> None:
    results = frame({arm: mean for arm, mean in MEANS.items() if arm != "batch only"})
    assert judge(spec, results)[0].word == "undecided"
    text = words(spec, results)
    assert "fewer than two seeds are there to compare batch only over constant; 2 of its 3" in text


def test_all_findings_are_corrected_together(spec_path: Path) -> None:
    one = '[[findings]]\nid = "F2"\nclaim = "x"\norder = [["easy only"], ["batch only"]]\n'
    values = frame(MEANS, {"constant": (-20.0, 0.0, 9.0)})
    spec_path.write_text(EXAMPLE.split("[[findings]]")[0] + one)
    (alone,) = judge(read(spec_path), values)
    spec_path.write_text(EXAMPLE + one)
    together = judge(read(spec_path), values)
    width = alone.differences[0].high - alone.differences[0].low
    assert together[1].differences[0].high - together[1].differences[0].low > 1.5 * width


def test_a_finding_of_one_comparison_in_words(spec_path: Path) -> None:
    one = '[[findings]]\nid = "F2"\nclaim = "x"\norder = [["easy only"], ["batch only"]]\n'
    spec_path.write_text(EXAMPLE.split("[[findings]]")[0] + one)
    spec = read(spec_path)
    assert "F2 (x) holds: batch only (40.00 %) lies 30.00 [" in words(spec, frame(MEANS))
    assert "F2 (x) is undecided: the interval includes 0 for batch only over easy only (" in words(
        spec, frame(MEANS, {"batch only": (-90.0, 30.0, 60.0)})
    )


def test_the_baseline_is_named_where_it_is_neither_best_nor_worst(spec: StudySpec) -> None:
    assert "; the baseline, batch only, reaches 25.00 %." in words(spec, frame(MEANS | {"batch only": 25.0}))


SAME = {"batch only": 0.13, "easy only": 0.13, "constant": 0.13, "step 0.5": 0.13}
FLAT = dict.fromkeys(SAME, (0.0, 0.0, 0.0))


def only(spec: StudySpec, *arms: str) -> StudySpec:
    """The study without its findings and its other arms."""
    return spec.model_copy(update={"arms": {arm: spec.arms[arm] for arm in arms}, "findings": ()})


def test_equal_arms_are_said_to_be_equal(spec: StudySpec) -> None:
    (verdict,) = judge(spec, frame(SAME, FLAT))
    assert verdict.word == "undecided"
    assert words(spec, frame(SAME, FLAT)) == (
        "Over 3 seeds, mean R@1 is the same, 0.13 %, for all 4 arms. F1 (hard negatives matter) is undecided: at every "
        "seed there is no difference between constant and easy only, step 0.5 and constant and batch only and constant"
        "; none of its 3 comparisons goes as claimed beyond doubt. Numbers in brackets are 95 % t intervals of the "
        "differences within a seed, in points, corrected by Holm's procedure for all 3 comparisons together."
    )
    two = only(spec, "constant", "step 0.5")
    assert words(two, frame({"constant": 0.0, "step 0.5": 0.0}, FLAT)) == (
        "Over 3 seeds, mean R@1 is the same, 0.00 %, for both arms."
    )


def test_means_that_look_equal_are_said_to_be_equal(spec: StudySpec) -> None:
    """Over one seed there is no interval, so that 20.001 and 20.002 are 20.00."""
    results = frame({"constant": 20.001, "step 0.5": 20.002}, FLAT)
    assert words(only(spec, "constant", "step 0.5"), results[results["seed"] == 0]) == (
        "With one seed, R@1 is the same, 20.00 %, for both arms. Only 2 of the study's 6 trials are there: the others "
        "failed or have not run."
    )


def test_one_arm_has_no_range(spec: StudySpec) -> None:
    assert words(only(spec, "constant"), frame({"constant": 5.0}, {"constant": (-1.0, 0.0, 1.0)})) == (
        "Over 3 seeds, mean R@1 is 5.00 % (constant)."
    )


def test_every_arm_at_an_end_of_the_range_is_named(spec: StudySpec) -> None:
    text = words(spec, frame({"batch only": 1.0, "easy only": 3.0, "constant": 1.0, "step 0.5": 3.0}, FLAT))
    assert text.startswith(
        "Over 3 seeds, mean R@1 runs from 1.00 % (batch only and constant) to 3.00 % (easy only and "
    )


def test_results_without_a_number(spec: StudySpec) -> None:
    nothing = frame(dict.fromkeys(SAME, float("nan")))
    assert words(spec, nothing) == "No trial has given R@1 yet."
    some = frame(MEANS | {"batch only": float("nan")})
    assert words(spec, some).startswith("Over 3 seeds, mean R@1 runs from 10.00 % (easy only) to 30.00 % (step 0.5). ")


def test_a_difference_that_is_the_same_at_every_seed(spec: StudySpec) -> None:
    results = frame(MEANS, dict.fromkeys(MEANS, (-1.0, 0.0, 1.0)))
    (verdict,) = judge(spec, results)
    assert verdict.word == "holds"
    assert "the closest is constant over easy only (+10.00 [10.00, 10.00] points)" in words(spec, results)


def test_rounding_is_no_difference(spec: StudySpec) -> None:
    """0.1 + 0.2 is 0.30000000000000004: an arm at 30 % and one a rounding above it are equal."""
    results = frame(MEANS | {"batch only": 100 * (0.1 + 0.2), "constant": 100 * 0.3}, FLAT)
    (verdict,) = judge(spec, results)
    (each,) = [each for each in verdict.differences if each.upper == "batch only"]
    assert (each.mean, each.low, each.high) == (0, 0, 0)
    assert not each.above


def test_a_claim_that_compares_nothing_does_not_hold() -> None:
    assert Verdict(Finding(id="F", claim="x", order=(("a",),)), ()).word == "undecided"


def test_a_claim_against_the_range_says_by_how_much_it_is_missed(spec: StudySpec) -> None:
    """Signs: the interval is that of the comparison as it is written, upper less lower."""
    results = frame(MEANS | {"constant": 35.0})
    (verdict,) = judge(spec, results)
    step = next(each for each in verdict.differences if each.upper == "step 0.5")
    assert step.mean == pytest.approx(-5)
    assert step.low < step.mean < step.high < 0
    against = f"{-step.mean:.2f} [{-step.high:.2f}, {-step.low:.2f}] points above step 0.5"
    assert against in words(spec, results)


def test_names_as_in_a_sentence() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_the_metric_of_the_study_decides(spec: StudySpec) -> None:
    recall, other = frame(MEANS), frame({arm: 50 - mean for arm, mean in MEANS.items()})
    results = pd.concat([recall, other.assign(metric="MAP@R")], ignore_index=True)
    (verdict,) = judge(spec.model_copy(update={"metric": "MAP@R"}), results)
    assert verdict.word == "contradicted"
    assert judge(spec, results)[0].word == "holds"


def test_the_trials_of_the_size_are_counted(spec: StudySpec) -> None:
    text = words(spec, frame({"batch only": 40.0, "constant": 20.0}).query("seed == 0"), "full")
    assert "Only 2 of the study's 4 trials are there" in text
