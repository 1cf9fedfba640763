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
        ('name = "example"', "", ["name is missing"]),
        ("question =", "qestion =", ["unknown key 'qestion'", "did you mean 'question'"]),
        ("seeds = 3", "seeds = 0", ["seeds: a study has 1 to 1,000 seeds, not 0"]),
        ("seeds = 3", "seeds = [1, 1]", ["seeds", "twice"]),
        ("seeds = 3", "seeds = []", ["seeds: a study has 1 to 1,000 seeds; the list has 0"]),
        ("seeds = 3", "seeds = true", ["seeds", "True"]),
        ("seeds = 3", "seeds = [1, -2]", ["seeds[2]", "-2"]),
        ("seeds = 3", 'seeds = 3\nmetric = "R@0"', ["metric", "'R@0'", "R@k"]),
        ('baseline = "batch only"', 'baseline = "batch"', ["baseline", "did you mean 'batch only'"]),
        ("steps = 4\n", "steps = -4\n", ["[base] steps must be at least 1, not -4"]),
        ("steps = 4\n", 'steps = "many"\n', ["[base] steps must be a whole number, not 'many'"]),
        ("steps = 40", "steps = 0", ["[sizes.full] steps must be at least 1, not 0"]),
        ("steps = 40", "stepps = 40", ["[sizes.full]", "unknown setting 'stepps'", "did you mean 'steps'"]),
        ("steps = 40", "seed = 40", ["[sizes.full]", "'seed'", "`seeds`"]),
        (
            'negative = "constant"',
            'negative = "constnt"',
            ['[arms."constant"] negative: unknown', "constnt", "constant"],
        ),
        ("memory = 0", "memory = 3", ['[arms."batch only"]', "memory=3"]),
        ('arms = ["constant",', 'arms = ["konstant",', ["[sizes.full] arms", "did you mean 'constant'"]),
        ('["constant"], ["step', '["constnt"], ["step', ["finding F1", "did you mean 'constant'"]),
        ('["constant"], ["step', '["easy only"], ["step', ["finding F1", "twice"]),
        ('[["easy only"], ["constant"], ', "[", ["finding F1", "two groups"]),
        ("seeds = 3", "seeds = 1000000", ["seeds: a study has 1 to 1,000 seeds, not 1000000"]),
        ("seeds = 3", f"seeds = {'9' * 31}", ["seeds must be a whole number of 64 bits, not 9999"]),
        ("seeds = 3", f"seeds = {'9' * 5000}", ["not valid TOML", "too many digits"]),
        ("seeds = 3", f"seeds = 0x{'f' * 5000}", ["seeds must be a whole number of 64 bits"]),
        ("seeds = 3", "seeds = -3", ["seeds: a study has 1 to 1,000 seeds, not -3"]),
        ("seeds = 3", "seeds = [1, true]", ["seeds[2] must be a whole number, not True"]),
        ("seeds = 3", "seeds = [1.5]", ["seeds[1] must be a whole number, not 1.5"]),
        ("seeds = 3", 'seeds = "3"', ["seeds are a count or a list of whole numbers, not '3'"]),
        ("seeds = 3", f"deep = {'[' * 3000}{']' * 3000}", ["nested more than 64 deep"]),
        ("seeds = 3", f"{'.'.join('a' * 1500)} = 1", ["nested more than 64 deep"]),
        ('name = "example"', "name = 3", ["name must be a text, not 3"]),
        ('name = "example"', 'name = "nul"', ["name: must be another than 'nul'"]),
        ('name = "example"', f'name = "{"x" * 61}"', ["name: must be lower-case letters", "60 at most"]),
        ('question = "Which negatives matter?"', 'question = " "', ["question: is empty"]),
        ('question = "Which negatives matter?"', 'question = "a\\u001b[31m"', [r"can't be shown: 'a\x1b[31m'"]),
        ("steps = 4\n", "steps = true\n", ["[base] steps: must be a number or a text, not true"]),
        ("steps = 4\n", 'steps = "40"\n', ["[base] steps must be a whole number, not '40'"]),
        ("steps = 4\n", 'model = "resnet"\n', ["[base] model: unknown model 'resnet'"]),
        ("steps = 40", 'data = "sops"', ["[sizes.full] data: unknown data set 'sops'"]),
        ("memory = 0", 'scale = "men"', ["[arms.\"batch only\"] scale must be 'raw', 'mean' or 'mass', not 'men'"]),
        (
            "memory = 0",
            "memory = {a = 1}",
            ["memory must be a whole number up to 67108864, or a share such as 50%, not {'a': 1}"],
        ),
        ("[arms.constant]", '[arms.""]', ["arms: an arm's name is empty: ''"]),
        ("[arms.constant]", '[arms." a"]', ["arms: an arm's name begins or ends with a space: ' a'"]),
        ("[arms.constant]", '[arms."a\\u0000b"]', [r"has a character that can't be shown: 'a\x00b'"]),
        ("[arms.constant]", f'[arms."{"x" * 300}"]', ["80 characters at most", "…"]),
        ("[sizes.quick]", "[sizes.'a/b']", ["sizes.a/b: must be lower-case letters", "not 'a/b'"]),
        ("[sizes.quick]", "[sizes]\nquick = 3", ["sizes.quick must be a table, not 3"]),
        ('arms = ["constant", "batch only"]', "arms = []", ["[sizes.full] arms: the list is empty"]),
        ('arms = ["constant", "batch only"]', 'arms = "constant"', ["sizes.full.arms must be a list, not 'constant'"]),
        ('arms = ["constant", "batch only"]', 'arms = ["constant", "constant"]', ["names 'constant' twice"]),
        ('baseline = "batch only"', "baseline = 3", ["baseline must be a text, not 3"]),
        ('claim = "hard negatives matter"', "", ["findings[1].claim is missing"]),
        ('claim = "hard negatives matter"', "claim = 3", ["findings[1].claim must be a text, not 3"]),
        ("[[findings]]", "[findings]", ["findings must be a list"]),
        ('order = [["easy only"], ["constant"], ', "order = [3, ", ["findings[1].order[1] must be a list, not 3"]),
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
    with pytest.raises(InputError, match="is a folder, not a file"):
        read(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read(tmp_path / "binary.toml")
    for name in ("a\0b.toml", "x" * 300 + ".toml"):
        with pytest.raises(InputError, match="there can be no"):
            read(find(name, tmp_path))


def test_an_unknown_size(spec: StudySpec) -> None:
    with pytest.raises(InputError, match="unknown size 'fulll': did you mean 'full'"):
        trials(spec, "fulll")


def test_a_study_is_found_by_name_or_path(spec_path: Path) -> None:
    folder = spec_path.parent
    assert find("example", folder) == spec_path
    assert find("other/place.toml", folder).as_posix() == "other/place.toml"
    with pytest.raises(InputError, match="unknown study 'exmple': did you mean 'example'"):
        find("exmple", folder)


def test_all_that_is_wrong_is_said_at_once(spec_path: Path) -> None:
    changes = {
        'name = "example"': 'name = "Example"',
        "seeds = 3": "seeds = 0",
        'baseline = "batch only"': 'baseline = "batch"',
        "steps = 4\n": "steps = -4\nmomentum = 2\n",
        "memory = 0": 'memory = 0\nmodel = "resnet"',
        'negative = "constant"': 'negatve = "constant"',
        '["constant"], ["step': '["constnt"], ["step',
    }
    text = EXAMPLE + '[[findings]]\nid = "F2"\norder = []\nclame = "x"\n'
    for before, after in changes.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    spec_path.write_text(text)
    with pytest.raises(InputError) as caught:
        read(spec_path)
    said = str(caught.value).removeprefix(f"{spec_path}: ").split("; ")
    assert said == [
        "findings[2]: unknown key 'clame': did you mean 'claim'?",
        "name: must be lower-case letters, digits, '-' and '_', 60 at most, as it names folders, not 'Example'",
        "seeds: a study has 1 to 1,000 seeds, not 0",
        "findings[2].claim is missing",
        "baseline: unknown arm 'batch': did you mean 'batch only'?",
        "finding F1: unknown arm 'constnt': did you mean 'constant'?",
        "[arms.\"constant\"]: unknown setting 'negatve': did you mean 'negative'?",
        "[arms.\"batch only\"] model: unknown model 'resnet': known are cnn, linear, mlp, timm",
        "[base] momentum must be below 1, not 2",
        "[base] steps must be at least 1, not -4",
    ]


def test_a_setting_that_many_arms_share_is_said_once(spec_path: Path) -> None:
    spec_path.write_text(EXAMPLE.replace("steps = 4\n", "steps = -4\n"))
    with pytest.raises(InputError) as caught:
        read(spec_path)
    assert str(caught.value) == f"{spec_path}: [base] steps must be at least 1, not -4"


def test_a_seed_that_training_refuses_is_the_studys_fault(spec_path: Path) -> None:
    """Whatever range a run's seed has, the largest of a study is held to it before anything runs."""
    spec_path.write_text(EXAMPLE.replace("seeds = 3", f"seeds = [1, {10**15}, 2]"))
    with pytest.raises(InputError, match=r"seeds: a seed must be at most 4294967295, not 1000000000000000"):
        read(spec_path)


def test_a_byte_order_mark_is_taken(spec_path: Path, spec: StudySpec) -> None:
    spec_path.write_bytes(b"\xef\xbb\xbf" + spec_path.read_bytes())
    assert read(spec_path) == spec


def test_a_question_of_several_lines_is_one(spec_path: Path) -> None:
    spec_path.write_text(EXAMPLE.replace('"Which negatives matter?"', '"""\nWhich\n  matter?"""'))
    assert read(spec_path).question == "Which matter?"


def test_of_very_many_faults_as_many_are_said_as_a_line_takes(spec_path: Path) -> None:
    wrong = "".join(f"setting{number} = 1\n" for number in range(50))
    spec_path.write_text(EXAMPLE.replace("steps = 4\n", f"steps = 4\n{wrong}"))
    with pytest.raises(InputError) as caught:
        read(spec_path)
    *said, last = str(caught.value).split("; ")
    assert last == f"and {50 - len(said)} more"
    assert 1 < len(said) < 10
