from pathlib import Path

import pytest
from study_example import EXAMPLE

from weightlab.errors import InputError
from weightlab.study.spec import StudySpec, find, read
from weightlab.study.trial import trials


def test_an_arm_overrides_the_size_and_the_size_the_base(spec: StudySpec) -> None:
    assert spec.config("constant", "quick", 1).steps == 4
    assert spec.config("constant", "full", 1).steps == 40
    assert spec.config("constant", "full", 1).memory == 128
    assert spec.config("batch only", "full", 1).memory == 0
    assert spec.config("constant", "full", 1).negative == "constant"


def test_trials_run_one_seed_after_the_other_in_the_order_of_the_arms(spec: StudySpec) -> None:
    arms = ["batch only", "easy only", "constant", "step 0.5"]
    quick = [(trial.seed, trial.arm, trial.config.seed) for trial in trials(spec, "quick")]
    assert quick == [(seed, arm, seed) for seed in range(3) for arm in arms]
    # a size's own arms run in the order of the specification, not of its list
    full = [(trial.seed, trial.arm) for trial in trials(spec, "full")]
    assert full == [(5, "batch only"), (5, "constant"), (7, "batch only"), (7, "constant")]


def test_a_finding_compares_all_pairs_of_adjacent_groups(spec: StudySpec) -> None:
    assert spec.findings[0].steps == [
        ("easy only", "constant"),
        ("constant", "step 0.5"),
        ("constant", "batch only"),
    ]


def test_without_sizes_there_is_quick(spec_path: Path) -> None:
    spec_path.write_text(EXAMPLE.split("[sizes.quick]")[0])
    assert [trial.seed for trial in trials(read(spec_path), "quick")][::4] == [0, 1, 2]


@pytest.mark.parametrize(
    ("before", "after", "parts"),
    [
        ('name = "example"', 'name = "exa', ["not valid TOML"]),
        ('name = "example"', 'name = "../up"', ["name", "'../up'"]),
        ('name = "example"', "", ["name", "required"]),
        ("question =", "qestion =", ["unknown key 'qestion'", "did you mean 'question'"]),
        ("seeds = 3", "seeds = 0", ["seeds", "at least 1", "0"]),
        ("seeds = 3", "seeds = [1, 1]", ["seeds", "twice"]),
        ("seeds = 3", "seeds = []", ["seeds", "at least 1"]),
        ("seeds = 3", "seeds = true", ["seeds", "True"]),
        ("seeds = 3", "seeds = [1, -2]", ["seeds[2]", "-2"]),
        ("seeds = 3", 'seeds = 3\nmetric = "R@2"', ["metric", "'R@2'", "'R@10'"]),
        ('baseline = "batch only"', 'baseline = "batch"', ["baseline", "did you mean 'batch only'"]),
        ("steps = 4\n", "steps = -4\n", ["[base] steps", "greater than or equal to 1", "-4"]),
        ("steps = 4\n", 'steps = "many"\n', ["[base] steps", "integer", "'many'"]),
        ("steps = 40", "steps = 0", ["[sizes.full] steps", "greater than or equal to 1"]),
        ("steps = 40", "stepps = 40", ["[sizes.full]", "unknown setting 'stepps'", "did you mean 'steps'"]),
        ("steps = 40", "seed = 40", ["[sizes.full]", "'seed'", "`seeds`"]),
        ('negative = "constant"', 'negative = "constnt"', ['[arms."constant"]', "constnt", "constant"]),
        ("memory = 0", "memory = 3", ['[arms."batch only"]', "memory=3"]),
        ('arms = ["constant",', 'arms = ["konstant",', ["[sizes.full] arms", "did you mean 'constant'"]),
        ('["constant"], ["step', '["constnt"], ["step', ["finding F1", "did you mean 'constant'"]),
        ('["constant"], ["step', '["easy only"], ["step', ["finding F1", "twice"]),
        ('[["easy only"], ["constant"], ', "[", ["finding F1", "two groups"]),
        ('id = "F1"', 'idd = "F1"', ["findings[1]", "id"]),
    ],
)
def test_what_is_wrong_with_a_file_is_named_in_one_line(
    spec_path: Path, before: str, after: str, parts: list[str]
) -> None:
    assert EXAMPLE.count(before) == 1
    spec_path.write_text(EXAMPLE.replace(before, after))
    with pytest.raises(InputError) as caught:
        read(spec_path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(spec_path))
    for part in parts:
        assert part in message, message


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no study at .*absent\.toml"):
        read(tmp_path / "absent.toml")
    with pytest.raises(InputError, match="can't be read"):
        read(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not valid TOML"):
        read(tmp_path / "binary.toml")


def test_an_unknown_size(spec: StudySpec) -> None:
    with pytest.raises(InputError, match="unknown size 'fulll': did you mean 'full'"):
        trials(spec, "fulll")


def test_a_study_is_found_by_name_or_path(spec_path: Path) -> None:
    folder = spec_path.parent
    assert find("example", folder) == spec_path
    assert find("other/place.toml", folder).as_posix() == "other/place.toml"
    with pytest.raises(InputError, match="unknown study 'exmple': did you mean 'example'"):
        find("exmple", folder)
