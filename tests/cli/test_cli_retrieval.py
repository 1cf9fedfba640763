"""weightlab evaluate, embed and neighbours, on one run of a few steps and on files of embeddings."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from weightlab import InputError, data, retrieval
from weightlab.cli import main
from weightlab.data import Dataset, Split
from weightlab.data.draw import Draw
from weightlab.data.features import read_features
from weightlab.train import TrainConfig, embedded, train

FEW = dict(steps=2, size=8, width=2, dimensions=4, memory=0, batch=8, per_class=2)  # noqa: C408


class Pictures:
    """Made-up pictures [N, 1, 8, 8]."""

    slow = False

    def __init__(self, count: int, seed: int) -> None:
        self.pixels = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        self.shape = (1, 8, 8)

    def __call__(self, index: torch.Tensor, draw: Draw | None = None) -> torch.Tensor:
        return self.pixels[index]


def split(classes: int, first: int) -> Split:
    labels = torch.arange(classes).repeat_interleave(4)
    return Split(
        labels,
        Pictures(len(labels), first),
        categories=labels % 2,
        is_query=torch.arange(len(labels)) % 4 < 2 if first else None,
        is_gallery=torch.arange(len(labels)) % 4 > 0 if first else None,
        paths=[f"{first}/{row}.png" for row in range(len(labels))],
        class_names=[f"${first + number}$" for number in range(classes)],
        category_names=["even", "odd"] if first % 2 == 0 else ["odd", "even"],
    )


PICTURES = Dataset("pictures", split(5, 0), split(6, 1), ks=(1, 3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on these."""
    out = tmp_path_factory.mktemp("runs") / "a"
    train(TrainConfig(**FEW), out=out, dataset=PICTURES)
    config = json.loads((out / "config.json").read_text()) | {"data": "glyphs"}
    (out / "config.json").write_text(json.dumps(config))  # one that can be loaded by name
    return out


@pytest.fixture(autouse=True)
def pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is asked for is these."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lambda text, **_: PICTURES)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_run_is_measured_in_each_format(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its data's protocol, queries apart from gallery, as `retrieval.measure` does of its embeddings."""
    whole = embedded.embed_rows(folder)
    rows = whole.rows
    found = retrieval.measure(
        whole.embeddings, rows.labels, ks=(1, 3), is_query=rows.is_query, is_gallery=rows.is_gallery
    )
    code, out, err = run(capsys, "evaluate", folder, "--format", "json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert [name for name in said if name not in ("intervals", "queries", "eligible", "classes", "gallery")] == [
        "R@1", "R@3", "MAP@R", "R-precision", "nDCG", "MRR",
    ]  # fmt: skip
    for row in found.table.itertuples():
        assert said[row.metric] == row.value
        assert said["intervals"][row.metric] == [row.low, row.high]
    assert [said[name] for name in ("queries", "eligible", "classes", "gallery")] == [12, 12, 6, 18]
    table = pd.read_csv(io.StringIO(run(capsys, "evaluate", folder, "--format", "csv")[1]))
    assert list(table.columns) == ["metric", "value", "low", "high"]
    assert table["value"].tolist() == pytest.approx(found.table["value"].tolist(), abs=1e-15)
    _, out, _ = run(capsys, "evaluate", folder, "--ks", "2", "--queries", "5", "--seed", "3", "--by", "category")
    assert "pictures: 5 queries of " in out
    assert "a random sample (seed 3) of 12, in a gallery of 18" in out
    assert "| R@2 " in out
    assert "R@1" not in out
    assert "| even " in out
    named = json.loads(run(capsys, "evaluate", folder, "--by", "class", "--clusters", "--format", "json")[1])
    assert [row["class"] for row in named["by"]] == [f"${number}$" for number in range(1, 7)]
    assert 0 <= named["NMI"] <= 1
    assert named["intervals"]["NMI"] == [None, None]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_what_embed_writes_is_read_and_measured_alike(
    suffix: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path(f"sub/x{suffix}")
    code, printed, err = run(capsys, "embed", folder, "--out", out)
    assert (code, printed) == (0, "")
    assert err == f"wrote {out}: 24 rows of pictures, 4 dimensions\n"
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    whole = embedded.embed_rows(folder)
    embeddings, labels = read_features(out)
    assert torch.allclose(embeddings, whole.embeddings, atol=1e-6)
    assert torch.equal(labels, PICTURES.test.labels)
    texts = {"class_names": [f"${n}$" for n in range(1, 7)], "split": ["test"] * 24, "path": PICTURES.test.paths}
    if suffix == ".npz":
        with np.load(out) as file:
            assert {name: file[name].tolist() for name in texts} == texts
            assert file["labels"].dtype == np.int64
            assert file["is_query"].tolist() == PICTURES.test.is_query.tolist()
    else:
        with safe_open(out, "pt") as file:
            assert {name: json.loads(file.metadata()[name]) for name in texts} == texts
            assert torch.equal(file.get_tensor("is_gallery"), PICTURES.test.is_gallery)
    of_run = json.loads(run(capsys, "evaluate", folder, "--format", "json")[1])
    of_file = json.loads(run(capsys, "evaluate", out, "--ks", "1,3", "--format", "json")[1])
    assert of_file.pop("intervals")["MRR"] == pytest.approx(of_run.pop("intervals")["MRR"])
    assert of_file == pytest.approx(of_run)


def test_more_texts_than_a_file_takes_are_refused(tmp_path: Path) -> None:
    """safetensors has at most 100 MB of them."""
    rows = Split(torch.tensor([0, 0]), Pictures(2, 0), class_names=["a" * 10**8])
    whole = embedded.Embedded("long", torch.eye(2), rows, (1,), ("test", "test"))
    with pytest.raises(InputError, match=r"x\.safetensors: the 2 rows can't be written \(.*\): write a \.npz file"):
        embedded.write(whole, tmp_path / "x.safetensors")
    assert not list(tmp_path.iterdir())


def test_all_rows_have_classes_and_categories_of_both_parts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "embed", folder, "--part", "all", "--out", "x.npz")[0] == 0
    with np.load("x.npz") as file:
        assert file["labels"].tolist() == [*PICTURES.train.labels.tolist(), *(PICTURES.test.labels + 5).tolist()]
        assert file["split"].tolist() == ["train"] * 20 + ["test"] * 24
        assert not file["is_query"][:20].any()
        names = file["category_names"][file["category"]]
        # class n of training is number n, class n of test number 1 + n; numbers are even and odd by turns
        numbers = [*PICTURES.train.labels.tolist(), *(PICTURES.test.labels + 1).tolist()]
        assert [name == "even" for name in names.tolist()] == [number % 2 == 0 for number in numbers]
    of_file = json.loads(run(capsys, "evaluate", "x.npz", "--format", "json")[1])  # those for test
    assert (of_file["queries"], of_file["gallery"]) == (12, 18)


def test_neighbours_draws_half_failures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "neighbours", folder, "--queries", "4", "--k", "3", "--out", "page.svg")
    assert (code, out, err) == (0, "", "wrote page.svg\n")
    page = Path("page.svg").read_text()
    assert page.startswith("<?xml")
    assert page.count("<image") == 4 * (1 + 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "x.npz"], "there is no file x.npz"),
        (["evaluate", "nothing"], "nothing holds no run: it has no config.json"),
        (["evaluate", "RUN", "--ks", "1;2"], "--ks must be whole numbers with commas between them"),
        (["evaluate", "RUN", "--ks", "0"], "--ks must be a whole number of at least 1, not 0"),
        (["evaluate", "x.npz", "--data", "glyphs"], "x.npz is a file of embeddings, and there is no encoder"),
        (["embed", "RUN", "--out", "x.csv"], "--out x.csv: embeddings are written to .safetensors or .npz files"),
        (["embed", "nothing", "--out", "x.npz"], "nothing holds no run"),
        (["neighbours", "RUN", "--out", "page.txt"], "--out page.txt: pictures are written to .png, .svg, .pdf files"),
        (["neighbours", "RUN", "--k", "18", "--out", "x.png"], "k must be a whole number of 1 to 17"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, out, err = run(capsys, *(folder if each == "RUN" else each for each in arguments))
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line
    assert not list(Path().iterdir())


def test_other_inputs_than_the_encoders_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Coloured(Pictures):
        def __init__(self) -> None:
            super().__init__(24, 0)
            self.shape = (3, 8, 8)

    other = Dataset("coloured", PICTURES.train, Split(PICTURES.test.labels, Coloured()))
    monkeypatch.setattr(data, "load", lambda text, **_: other)
    code, _, err = run(capsys, "evaluate", folder, "--data", "folder:x")
    assert code == 2
    assert "the inputs of coloured are (3, 8, 8)" in err
    assert run(capsys, "evaluate", folder, "--by", "category")[0] == 2


def test_features_have_no_pictures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weightlab.train import neighbours

    rows = Split(torch.tensor([0, 0]), Pictures(2, 0))
    rows.inputs.shape = (4,)
    whole = embedded.Embedded("features:x.npz", torch.eye(2), rows, (1,), ("test", "test"))
    monkeypatch.setattr(neighbours, "embed_rows", lambda *_: whole)
    with pytest.raises(ValueError, match=r"features:x\.npz has no images to draw: weightlab evaluate"):
        neighbours.page(folder)
