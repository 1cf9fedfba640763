import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from weightlab.errors import InputError
from weightlab.plot.plain import in_markdown
from weightlab.plot.tables import markdown
from weightlab.study.report import Report, write, write_tables
from weightlab.study.spec import StudySpec, read
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


def test_the_page_of_a_size_has_its_settings_and_its_arms(spec: StudySpec, tmp_path: Path) -> None:
    Storage.of(tmp_path, spec, "full").save(trials(spec, "full")[0], TrainResult({"R@1": 0.5}, 1.0))
    write_tables(Report.load(spec, "full", tmp_path), tmp_path)
    page = (tmp_path / "example-full" / "table.md").read_text()
    assert "`steps=40`" in page
    assert "Seeds: 5, 7." in page
    assert "easy only" not in page.split("## Settings")[1]


NAMES = ("$x^{$", "*a* <b>", "a|b_c_", "`tick`")


def test_names_are_written_as_given(spec_path: Path, tmp_path: Path) -> None:
    """Each shows in Markdown as it is, in the table, in the paragraph, among the findings and the settings."""
    arms = "".join(f"[arms.'{name}']\nmemory = 0\nlearning_rate = 0.{rate}\n" for rate, name in enumerate(NAMES, 1))
    groups = ", ".join(f"['{name}']" for name in NAMES)
    spec_path.write_text(
        f"name = 'example'\nquestion = '*Which* negatives matter?'\n{arms}"
        f"[[findings]]\nid = 'F1'\nclaim = 'the <last> is best'\norder = [{groups}]\n"
    )
    spec = read(spec_path)
    assert tuple(spec.arms) == NAMES
    storage = Storage.of(tmp_path, spec, "quick")
    for trial in trials(spec, "quick"):
        storage.save(trial, TrainResult({"R@1": trial.config.learning_rate + 0.001 * trial.seed}, 1.0))
    report = Report.load(spec, "quick", tmp_path)
    write_tables(report, tmp_path)
    page = (tmp_path / "example" / "table.md").read_text()
    for name in NAMES:
        assert name in report.paragraph
        written = in_markdown(name)
        assert written != name
        assert page.count(written) >= 4
    assert in_markdown("*Which* negatives matter?") in page
    assert in_markdown("the <last> is best") in page


def test_results_without_the_studys_metric(spec: StudySpec, tmp_path: Path) -> None:
    Storage.of(tmp_path, spec, "quick").save(trials(spec, "quick")[0], TrainResult({"MAP@R": 0.5}, 1.0))
    with pytest.raises(InputError, match=r"no finished trial of example in .* has R@1"):
        Report.load(spec, "quick", tmp_path)


def test_the_paragraph_and_the_tables_never_disagree(spec: StudySpec, runs: Path, tmp_path: Path) -> None:
    """Every number that the paragraph gives of an arm or a comparison stands in the tables with the same digits."""
    report = Report.load(spec, "quick", runs)
    write_tables(report, tmp_path)
    table, findings = (tmp_path / "example" / "table.md").read_text().split("## Findings")
    means = {row["arm"]: row["R@1"].split(" ")[0] for row in report.summary}
    said = re.findall(r"(batch only|easy only|constant|step 0.5) \(([\d.]+) %\)", report.paragraph)
    assert {arm for arm, _ in said} == set(means)
    assert all(means[arm] == number for arm, number in said)
    for interval in re.findall(r"\(([+−][\d.]+ \[[−\d.]+, [−\d.]+\]) points\)", report.paragraph):
        assert interval in findings
    assert report.paragraph in table


def test_markdown() -> None:
    table = markdown(["arm", "n"], [["a|b", "10"], ["c", "9"]], right=["n"])
    assert table == "| arm  |   n |\n| ---- | --: |\n| a\\|b |  10 |\n| c    |   9 |"
