import hashlib
from pathlib import Path

import pandas as pd
import pytest

from weightlab.errors import InputError
from weightlab.plot.tables import markdown
from weightlab.study.report import Report, write, write_tables
from weightlab.study.spec import StudySpec
from weightlab.study.storage import Storage
from weightlab.study.trial import trials
from weightlab.train.result import TrainResult


@pytest.fixture
def runs(tmp_path: Path, spec: StudySpec) -> Path:
    """All trials at size quick; R@1 of an arm is its learning rate and its place's share of the seed."""
    storage = Storage.of(tmp_path / "runs", spec, "quick")
    for index, trial in enumerate(trials(spec, "quick")):
        recall = trial.config.learning_rate + 0.001 * (1 + index % 4) * trial.seed
        storage.save(trial, TrainResult({"R@1": recall, "MAP@R": recall / 2}, 1.0))
    return tmp_path / "runs"


def test_the_report_is_four_files(spec: StudySpec, runs: Path, tmp_path: Path) -> None:
    files = write(Report.load(spec, "quick", runs), tmp_path / "figures")
    names = ["table.md", "table.csv", "figure.png", "figure.svg"]
    assert files == [tmp_path / "figures" / "example" / name for name in names]
    assert sorted(path.name for path in (tmp_path / "figures" / "example").iterdir()) == sorted(names)
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_the_table_as_csv(spec: StudySpec, runs: Path, tmp_path: Path) -> None:
    write_tables(Report.load(spec, "quick", runs), tmp_path)
    table = pd.read_csv(tmp_path / "example" / "table.csv")
    assert list(table.columns) == ["arm", "metric", "seeds", "mean", "std", "low", "high"]
    assert table["arm"].tolist()[::2] == ["batch only", "easy only", "constant", "step 0.5"]
    row = table.iloc[2]  # 10.0, 10.2, 10.4 percent
    assert (row["metric"], row["seeds"]) == ("R@1", 3)
    assert row["mean"] == pytest.approx(10.2)
    assert row["std"] == pytest.approx(0.2)
    assert row["high"] == pytest.approx(10.2 + 4.3027 * 0.2 / 3**0.5, abs=1e-3)


def test_the_page(spec: StudySpec, runs: Path, tmp_path: Path) -> None:
    report = Report.load(spec, "quick", runs)
    write_tables(report, tmp_path)
    page = (tmp_path / "example" / "table.md").read_text()
    assert "# example\n\n*Which negatives matter?* Size: quick, 3 seeds." in page
    assert "| easy only  | 10.20 ± 0.50 |  5.10 ± 0.25 |     3 |" in page
    assert report.paragraph in page
    assert "| F1      | holds   | constant over easy only" in page
    assert "`steps=4`" in page
    assert "`memory=128`" in page
    assert "`batch=64`" in page  # a default, for the page must do without the code
    assert "Seeds: 0, 1, 2." in page
    assert "| step 0.5   | `negative=step(0.5)`, `learning_rate=0.4`" in page


def test_the_same_results_give_the_same_figure(spec: StudySpec, runs: Path, tmp_path: Path) -> None:
    digests = set()
    for folder in ("one", "two"):
        write(Report.load(spec, "quick", runs), tmp_path / folder)
        digests.add(hashlib.sha256((tmp_path / folder / "example" / "figure.svg").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_another_size_has_a_folder_of_its_own_and_its_own_trials(spec: StudySpec, runs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no finished trials of example in .*full"):
        Report.load(spec, "full", runs)
    trial = trials(spec, "full")[0]
    Storage.of(runs, spec, "full").save(trial, TrainResult({"R@1": 0.5}, 1.0))
    report = Report.load(spec, "full", runs)
    assert report.summary == [{"arm": "batch only", "R@1": "50.00", "seeds": "1"}]
    write(report, tmp_path)
    assert (tmp_path / "example-full" / "figure.png").exists()


def test_markdown() -> None:
    table = markdown(["arm", "n"], [["a|b", "10"], ["c", "9"]], right=["n"])
    assert table == "| arm  |   n |\n| ---- | --: |\n| a\\|b |  10 |\n| c    |   9 |"
