import dataclasses
import json
from pathlib import Path

import pytest

from weightlab.errors import InputError
from weightlab.study import storage as module
from weightlab.study.spec import StudySpec
from weightlab.study.storage import Storage, results
from weightlab.study.trial import Trial, trials
from weightlab.train.result import TrainResult

RESULT = TrainResult({"R@1": 0.25, "MAP@R": 0.125}, 3.5)


@pytest.fixture
def storage(tmp_path: Path, spec: StudySpec) -> Storage:
    return Storage.of(tmp_path / "runs", spec, "quick")


@pytest.fixture
def trial(spec: StudySpec) -> Trial:
    return trials(spec, "quick")[0]


def test_a_trial_comes_back_as_it_was_saved(storage: Storage, trial: Trial, tmp_path: Path) -> None:
    assert storage.load(trial) is None
    storage.save(trial, RESULT)
    assert storage.load(trial) == RESULT
    (file,) = (tmp_path / "runs/studies/example/quick").iterdir()  # and nothing temporary beside it
    assert file.name.startswith("batch-only-seed0-")
    assert json.loads(file.read_text())["config"]["memory"] == 0


def test_changed_settings_are_another_trial(storage: Storage, trial: Trial) -> None:
    storage.save(trial, RESULT)
    assert storage.load(dataclasses.replace(trial, seed=1)) is None
    longer = trial.config.model_copy(update={"steps": 5})
    assert storage.load(Trial(trial.arm, trial.seed, longer)) is None


def test_results_of_another_version_are_not_read(
    storage: Storage, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.save(trial, RESULT)
    monkeypatch.setattr(module, "version", lambda _: "99.0")
    assert storage.load(trial) is None


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"metrics": {}, "seconds": 1}',
        '{"metrics": {"R@1": NaN}, "seconds": 1}',
        '{"metrics": {"R@1": null}, "seconds": 1}',
        '{"metrics": {"R@1": 0.5}}',
        '{"metrics": 3, "seconds": 1}',
        "[" * 100_000,
        "1" * 5000,
    ],
)
def test_a_damaged_file_is_as_good_as_none(storage: Storage, trial: Trial, damage: str) -> None:
    storage.save(trial, RESULT)
    storage.path(trial).write_text(damage)
    assert storage.load(trial) is None
    storage.path(trial).write_bytes(b"\xff\x00")
    assert storage.load(trial) is None
    storage.save(trial, RESULT)
    assert storage.load(trial) == RESULT


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("metrics", {}, "metrics must not be empty"),
        ("metrics", {"R@1": None}, "metrics.R@1 must be a number, not None"),
        ("metrics", {"R@1": "0.5"}, "metrics.R@1 must be a number, not '0.5'"),
        ("metrics", {"R@1": True}, "metrics.R@1 must be a number, not True"),
        ("metrics", {"R@1": float("nan")}, "metrics.R@1 must be"),
        ("metrics", {"R@1": 57.6}, "metrics.R@1 must be at most 1, not 57.6"),  # percent
        ("metrics", {"R@1": -0.1}, "metrics.R@1 must be at least 0, not -0.1"),
        ("seconds", float("inf"), "seconds must be"),
        ("seconds", "fast", "seconds must be a number, not 'fast'"),
        ("more", 1, "more is no key of this table"),
        ("seed", 1, "it is of another trial"),
        ("arm", "constant", "it is of another trial"),
        ("config", {"steps": 5}, "it is of another trial"),
    ],
)
def test_a_file_of_another_shape_is_damaged_and_does_not_count(
    storage: Storage, trial: Trial, key: str, value: object, why: str
) -> None:
    storage.save(trial, RESULT)
    path = storage.path(trial)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert storage.load(trial) is None
    (note,) = storage.notes([trial])
    assert note.startswith(f"{path} is damaged and does not count: {why}")
    assert len(results([trial], storage, [trial.arm])) == 0


def test_a_file_that_can_not_be_read_is_not_trained_over(storage: Storage, trial: Trial) -> None:
    storage.path(trial).mkdir(parents=True)
    with pytest.raises(InputError, match="can't be read: Is a directory"):
        storage.load(trial)


def test_results_that_are_none_of_these_trials_are_counted(storage: Storage, spec: StudySpec) -> None:
    all_trials = trials(spec, "quick")
    assert storage.notes(all_trials) == []
    for trial in all_trials[:3]:
        storage.save(trial, RESULT)
    assert storage.notes(all_trials) == []
    assert storage.notes(all_trials[1:]) == [
        f"1 other result lies in {storage.folder}, of other settings, seeds, data or versions: it does not count"
    ]
    assert storage.notes([])[0].startswith("3 other results lie in ")


def test_a_trials_key(storage: Storage, trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same each time, and another for another arm, setting, seed, version of the package and of the data."""
    keys = [storage.path(trial).name, storage.path(dataclasses.replace(trial)).name]
    assert keys[0] == keys[1]
    keys.append(storage.path(dataclasses.replace(trial, arm="Batch Only")).name)  # the same slug
    keys.append(storage.path(dataclasses.replace(trial, seed=1)).name)
    keys += [
        storage.path(dataclasses.replace(trial, config=trial.config.model_copy(update={name: value}))).name
        for name, value in {"seed": 1, "learning_rate": 0.01, "validation": True, "loss": "infonce"}.items()
    ]
    with monkeypatch.context() as patch:
        patch.setattr("weightlab.data.version", lambda name: f"{name} of tomorrow")
        keys.append(storage.path(trial).name)
    with monkeypatch.context() as patch:
        patch.setattr(module, "version", lambda _: "99.0")
        keys.append(storage.path(trial).name)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_FORMAT", module._FORMAT + 1)
        keys.append(storage.path(trial).name)
    assert len(set(keys)) == len(keys) - 1
    assert storage.path(trial).name == keys[0]


@pytest.mark.parametrize("name", ["../../up", "a/b", "C:\\x", "x" * 80, "数据", "..", "-rf", "con"])
def test_no_name_of_an_arm_leaves_the_folder(storage: Storage, trial: Trial, name: str) -> None:
    renamed = dataclasses.replace(trial, arm=name)
    storage.save(renamed, RESULT)
    assert storage.load(renamed) == RESULT
    assert [path.parent for path in storage.folder.parents[3].rglob("*.json")] == [storage.folder]
    assert len(storage.path(renamed).name) < 90


def test_arms_whose_names_differ_in_signs_only_are_kept_apart(storage: Storage, trial: Trial) -> None:
    other = Trial("batch/only!", 0, trial.config.model_copy(update={"steps": 9}))
    storage.save(trial, RESULT)
    storage.save(other, TrainResult({"R@1": 0.5}, 1.0))
    assert storage.load(trial) == RESULT
    assert storage.path(Trial("±", 0, trial.config)).name.startswith("arm-seed0-")


def test_results_are_percent_in_the_order_of_the_arms(storage: Storage, spec: StudySpec) -> None:
    wanted = trials(spec, "quick")
    for index in (6, 2, 4):  # constant at seed 1 and 0, batch only at seed 1
        storage.save(wanted[index], TrainResult({"R@1": index / 10}, 1.0))
    frame = results(wanted, storage, spec.arms)
    assert frame.values.tolist() == [
        ["batch only", 1, "R@1", 40.0],
        ["constant", 0, "R@1", 20.0],
        ["constant", 1, "R@1", 60.0],
    ]
    assert list(frame.columns) == ["arm", "seed", "metric", "value"]
