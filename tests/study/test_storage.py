import dataclasses
import json
from pathlib import Path

import pytest

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
