"""A study on other data than its own: what it is called, what it refuses, and that nothing is mixed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from study_example import EXAMPLE

from weightlab import data
from weightlab.data import Dataset
from weightlab.errors import InputError
from weightlab.study.checks import check_trials
from weightlab.study.names import data_name, data_slug
from weightlab.study.report import Report, folder, write_tables
from weightlab.study.run import missing, status
from weightlab.study.spec import StudySpec, read
from weightlab.study.storage import Storage
from weightlab.study.trial import trials
from weightlab.train.result import TrainResult


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Data sets of any path, whose version is that path's; how often it was asked for."""
    asked = Counter[str]()

    def version(text: str) -> str:
        asked[text] += 1
        return f"version of {text}"

    whole = data.load("glyphs", size=8)
    few = [replace(whole.train, labels=torch.arange(count).repeat(4), class_names=None) for count in (30, 20)]
    monkeypatch.setattr(data, "version", version)
    monkeypatch.setattr(data, "load", lambda text, **_: Dataset(text, few[0], few[1], ks=(1, 5)))
    return asked


def test_a_data_set_for_people_has_no_folder() -> None:
    assert data_name("folder:/home/me/my photos/") == "folder:my photos"
    assert data_name("glyphs") == "glyphs"
    assert data_name("table:/a/b.csv(images='/a/c', test=0.25)") == "table:b.csv(images=c, test=0.25)"
    assert data_name("folder:.") == f"folder:{Path().resolve().name}"
    assert data_slug("folder:/home/me/My Photos").startswith("folder-my-photos-")
    assert len(data_slug("folder:" + "x" * 200)) < 60


def test_results_and_figures_of_other_data_have_folders_of_their_own(spec: StudySpec, tmp_path: Path) -> None:
    texts = ["folder:/a/icons", "folder:/b/icons", "folder:/a/fonts", "folder:/a/icons(test=0.3)"]
    studies = [spec, *(spec.on(text) for text in texts)]
    for size in ("quick", "full"):
        assert len({folder("figures", each, size) for each in studies}) == len(studies)
        assert len({Storage.of("runs", each, size).folder for each in studies}) == len(studies)
    assert folder("figures", studies[1], "full").name == f"example-{data_slug(texts[0])}-full"
    assert {each.config("constant", "quick", 0).data for each in studies} == {"glyphs", *texts}
    assert spec.on("glyphs") is spec


def test_what_an_arm_or_a_size_says_of_data_is_not_overruled(spec_path: Path) -> None:
    for header, section in (("[arms.constant]", '[arms."constant"]'), ("[sizes.full]", "[sizes.full]")):
        spec_path.write_text(EXAMPLE.replace(header, f'{header}\ndata = "glyphs"'))
        with pytest.raises(InputError, match="data of its own") as caught:
            read(spec_path).on("folder:/a")
        assert f"--data 'folder:/a': {section} of example" in str(caught.value)
    with pytest.raises(InputError, match=r"unknown data set 'foldr': did you mean 'folder'\?"):
        read(spec_path).on("foldr:/a")


def test_data_are_looked_through_once_for_all_trials(spec: StudySpec, tmp_path: Path, known: Counter[str]) -> None:
    study = spec.on("folder:/a/icons")
    wanted = trials(study, "quick")
    storage = Storage.of(tmp_path, study, "quick")
    for operation in (
        lambda: storage.notes(wanted),
        lambda: storage.finished(wanted),
        lambda: missing(study, "quick", tmp_path),
        lambda: status(study, "quick", tmp_path),
        lambda: storage.keeper(wanted)(wanted[0], TrainResult({"R@1": 0.5}, 1.0)),
    ):
        known.clear()
        operation()
        assert known == {"folder:/a/icons": 1}
    assert list(storage.finished(wanted)) == [wanted[0]]


def test_a_result_is_kept_under_the_data_that_it_was_trained_on(
    spec: StudySpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures that are added while a study runs don't make its results theirs."""
    wanted, storage = trials(spec, "quick"), Storage.of(tmp_path, spec, "quick")
    keep = storage.keeper(wanted)
    with monkeypatch.context() as changed:
        changed.setattr(data, "version", lambda text: "changed")
        keep(wanted[0], TrainResult({"R@1": 0.5}, 1.0))
        assert not storage.finished(wanted)
    assert storage.finished(wanted)


def test_the_page_says_which_data_without_a_path(spec: StudySpec, tmp_path: Path) -> None:
    study = spec.on("folder:/home/me/icons")
    storage = Storage.of(tmp_path, study, "quick")
    for trial in trials(study, "quick"):
        storage.save(trial, TrainResult({"R@1": 0.5}, 1.0))
    page = write_tables(Report.load(study, "quick", tmp_path), tmp_path)[0].read_text()
    assert "Data: `folder:icons`, 120 rows of 30 classes to train on and 80 rows of 20 classes to test on." in page
    assert "`data=folder:icons`" in page
    assert "/home" not in page


def test_the_metric_must_be_one_that_the_data_are_measured_by(spec: StudySpec) -> None:
    few = [trial for trial in trials(spec, "quick") if trial.seed == 0][:1]
    with pytest.raises(InputError, match=r"metric is R@10; glyphs is measured by R@1, R@5, MAP@R"):
        check_trials(few, "R@10")
    check_trials(few, "R@5")
