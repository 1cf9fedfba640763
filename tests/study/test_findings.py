from pathlib import Path

import pandas as pd
import pytest
from study_example import EXAMPLE

from weightlab.study.findings import judge
from weightlab.study.spec import StudySpec, read
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
    assert text.startswith("Over 3 seeds, mean R@1 runs from 10.0 % (easy only) to 40.0 % (batch only).")
    assert (
        "F1 (hard negatives matter) holds: every comparison goes as claimed, from easy only (10.0 %), "
        "through constant (20.0 %), to step 0.5 (30.0 %) and batch only (40.0 %); the closest is " in text
    )
    assert text.endswith("corrected by Holm's procedure for all 3 comparisons together.")


def test_a_finding_is_contradicted(spec: StudySpec) -> None:
    results = frame(MEANS | {"constant": 35.0})
    (verdict,) = judge(spec, results)
    assert verdict.word == "contradicted"
    assert "is contradicted: against the claim, constant (35.0 %) lies 5.0 points above" not in words(spec, results)
    text = words(spec, results)
    assert "F1 (hard negatives matter) is contradicted: against the claim, constant (35.0 %) lies 5.0 [" in text
    assert "] points above step 0.5 (30.0 %); 2 of its 3 comparisons go as claimed beyond doubt." in text
    # the interval is that of the difference as the sentence has it, so both of its ends are above 0
    assert "−" not in text


def test_a_finding_is_undecided(spec: StudySpec) -> None:
    results = frame(MEANS, {"step 0.5": (-25.0, 10.0, 15.0)})
    (verdict,) = judge(spec, results)
    assert verdict.word == "undecided"
    text = words(spec, results)
    assert "is undecided: the interval includes 0 for step 0.5 over constant (+10.0 [−" in text
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
    assert text.startswith("Over 1 seed, mean R@1")
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
    assert "F2 (x) holds: batch only (40.0 %) lies 30.0 [" in words(spec, frame(MEANS))
    assert "F2 (x) is undecided: the interval includes 0 for batch only over easy only (" in words(
        spec, frame(MEANS, {"batch only": (-90.0, 30.0, 60.0)})
    )


def test_the_baseline_is_named_where_it_is_neither_best_nor_worst(spec: StudySpec) -> None:
    assert "; the baseline, batch only, reaches 25.0 %." in words(spec, frame(MEANS | {"batch only": 25.0}))


def test_names_as_in_a_sentence() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
