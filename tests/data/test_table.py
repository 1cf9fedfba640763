from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pictures import draw

from weightlab import InputError, data
from weightlab.data.listing import Listings
from weightlab.data.source import Source
from weightlab.data.table import listings


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images 0.png to 7.png."""
    monkeypatch.setenv("WEIGHTLAB_CACHE", str(tmp_path / "cache"))
    for row in range(8):
        draw(tmp_path / "x" / f"{row}.png", row)
    return tmp_path / "x"


HEADER = "path,label,split,category,is_query,is_gallery"
ROWS = (
    "0.png,a,train,k,,",
    "1.png,a,train,k,,",
    "2.png,b,train,l,,",
    "3.png,b,train,l,,",
    "4.png,c,test,k,True,False",
    "5.png,c,test,k,False,True",
    "6.png,d,test,m,True,True",
    "7.png,d,test,m,False,True",
)


def written(root: Path, *lines: str, name: str = "list.csv", end: str = "\n", encoding: str = "utf-8") -> Path:
    (root / name).write_bytes("".join(line + end for line in lines).encode(encoding))
    return root / name


def of(file: Path, options: str = "") -> Listings:
    return listings(Source.parse(f"table:{file}{options}"))


def refusal(file: Path, options: str = "") -> str:
    with pytest.raises(InputError) as caught:
        data.load(f"table:{file}{options}", size=16)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def check(both: Listings) -> None:
    """That it is ROWS."""
    assert both.train.paths == ["0.png", "1.png", "2.png", "3.png"]
    assert both.train.classes == ["a", "a", "b", "b"]
    assert both.train.categories == ["k", "k", "l", "l"]
    assert both.train.is_query is both.train.is_gallery is None
    assert both.test.paths == ["4.png", "5.png", "6.png", "7.png"]
    assert both.test.classes == ["c", "c", "d", "d"]
    assert both.test.categories == ["k", "k", "m", "m"]
    assert both.test.is_query is not None
    assert both.test.is_gallery is not None
    assert both.test.is_query.tolist() == [True, False, True, False]
    assert both.test.is_gallery.tolist() == [False, True, True, True]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("spaced", [False, True])
def test_however_it_is_written(end: str, encoding: str, quoted: bool, spaced: bool, root: Path) -> None:
    lines = [HEADER, *ROWS]
    if quoted:
        lines = [",".join(f'"{cell}"' for cell in line.split(",")) for line in lines]
    if spaced:
        lines = [line.replace(",", " , " if not quoted else ", ") for line in lines]
    check(of(written(root, *lines, end=end, encoding=encoding)))


@pytest.mark.parametrize(
    ("written_so", "instead"),
    [
        (("True", "False"), ("1", "0")),
        (("True", "False"), ("true", "FALSE")),
        (("True", "False"), ("1.0", "0.0")),
        (("train", "test"), ("Train", "TEST")),
        ((",test,",), (",validation,",)),
        ((",train,k,,", ",train,l,,"), (",train,k,0,0", ",train,l,False,False")),
    ],
)
def test_values_may_be_written_in_several_ways(written_so: Sequence[str], instead: Sequence[str], root: Path) -> None:
    text = "|".join(ROWS)
    for old, new in zip(written_so, instead, strict=True):
        text = text.replace(old, new)
    check(of(written(root, HEADER, *text.split("|"))))


def test_columns_in_another_order_and_others_beside_them(root: Path) -> None:
    """As OML's lists are: with pandas' index and boxes."""
    turned = [",".join([str(row), *reversed(line.split(",")), "0"]) for row, line in enumerate(ROWS)]
    both = of(written(root, "," + ",".join(reversed(HEADER.upper().split(","))) + ",x_1", *turned))
    check(both)
    assert both.notes == ("columns that are not used: (without a name), x_1",)


def test_a_list_without_header(root: Path) -> None:
    file = written(root, *(f"{row}.png,{row // 2}" for row in range(8)), name="train.txt")
    both = of(file)
    assert sorted([*both.train.paths, *both.test.paths]) == [f"{row}.png" for row in range(8)]
    rows = {path: name for part in (both.train, both.test) for path, name in zip(part.paths, part.classes, strict=True)}
    assert rows == {f"{row}.png": str(row // 2) for row in range(8)}
    assert both.train.where is not None
    number = int(both.train.paths[0][0])
    assert both.train.where[0] == f"train.txt, line {number + 1}"


def test_a_list_without_header_of_files_without_suffix(root: Path) -> None:
    for row in range(4):
        (root / f"{row}.png").rename(root / f"file{row}")
    both = of(written(root, *(f"file{row},{row // 2}" for row in range(4))))
    assert len(both.train) == len(both.test) == 2


def test_without_a_split_classes_are_split_as_in_a_folder(root: Path) -> None:
    lines = [f"{row % 8}.png,c{row}" for row in range(60)]
    file = written(root, "path,label", *lines)
    both = of(file)
    assert not {*both.train.classes} & {*both.test.classes}
    assert 15 < len({*both.test.classes}) < 45
    assert {*of(file, "(seed=1)").test.classes} != {*both.test.classes}
    more = of(written(root, "path,label", "0.png,another", *lines))
    assert {*more.test.classes} - {"another"} == {*both.test.classes}
    file = written(root, HEADER, *ROWS)
    assert "the column split says which rows are for test; seed can't split them again" in refusal(file, "(seed=1)")


def test_roles_without_a_split(root: Path) -> None:
    lines = [f"{row}.png,c{row // 2},{int(row % 2 == 0)},{row % 2}" for row in range(8)]
    both = of(written(root, "path,label,is_query,is_gallery", *lines))
    assert both.train.is_query is None
    assert both.test.is_query is not None
    assert both.test.is_gallery is not None
    assert both.test.is_query.tolist() == [int(path[0]) % 2 == 0 for path in both.test.paths]
    assert both.test.is_gallery.tolist() == [int(path[0]) % 2 == 1 for path in both.test.paths]


def test_validation_beside_test_is_left_out_and_said(root: Path) -> None:
    lines = [*ROWS[:3], ROWS[3].replace("train", "validation").replace(",b,", ",e,"), *ROWS[4:]]
    both = of(written(root, HEADER, *lines))
    assert (len(both.train), len(both.test)) == (3, 4)
    assert both.notes == ("1 rows of the split validation are left out: there is a test split",)


def test_whole_numbers_are_one_class_however_written(root: Path) -> None:
    labels = ["1", "1.0", " 1 ", "01", "1.5", "-1.00", "-1", "0.0"]
    both = of(written(root, "path,label,split", *(f"{row}.png,{each},train" for row, each in enumerate(labels))))
    assert both.train.classes == ["1", "1", "1", "01", "1.5", "-1", "-1", "0"]


def test_fields_with_commas_quotes_and_line_ends(root: Path) -> None:
    file = written(
        root, "path,label,split", '"a, b.png","x ""y""",train', '"c.png","two', 'lines",test', "d.png,e,train"
    )
    both = of(file)
    assert both.train.paths == ["a, b.png", "d.png"]
    assert both.train.classes == ['x "y"', "e"]
    assert both.test.classes == ["two\nlines"]
    assert both.train.where == ["list.csv, line 2", "list.csv, line 5"]


def test_paths_are_relative_to_the_file_or_to_root(root: Path) -> None:
    lines = [HEADER, *ROWS]
    inside = data.load(f"table:{written(root, *lines)}", size=16)
    (root.parent / "lists").mkdir()
    outside = written(root.parent / "lists", *lines)
    assert "8 of 8 images can't be read" in refusal(outside)
    other = data.load(f'table:{outside}(root="{root}")', size=16)
    assert other.test.paths == inside.test.paths
    assert np.array_equal(other.test.inputs(other.test.labels), inside.test.inputs(inside.test.labels))
    absolute = [line.replace(f"{row}.png", str(root / f"{row}.png")) for row, line in enumerate(ROWS)]
    assert len(data.load(f'table:{written(outside.parent, HEADER, *absolute)}(root="{root}")', size=16).test) == 4
    assert f"paths and links that leave the folder {outside.parent}: list.csv, line 2: {root}" in refusal(outside)


@pytest.mark.parametrize(
    ("row", "instead", "said"),
    [
        (1, "1.png,,train,k,,", "list.csv, line 3: there is no label"),
        (1, "1.png,nan,train,k,,", "list.csv, line 3: there is no label (nan)"),
        (1, "1.png,NaN,train,k,,", "list.csv, line 3: there is no label (NaN)"),
        (1, ",a,train,k,,", "list.csv, line 3: there is no path"),
        (1, "nan,a,train,k,,", "list.csv, line 3: there is no path"),
        (1, "1.png,a,train,,,", "list.csv, line 3: there is no category"),
        (1, "1.png,a,trian,k,,", "list.csv, line 3: unknown split 'trian': did you mean 'train'?"),
        (1, "1.png,a,dev,k,,", "list.csv, line 3: unknown split 'dev': known are test, train, validation"),
        (1, "1.png,a,,k,,", "list.csv, line 3: there is no split: it must be train, test or validation"),
        (1, "1.png,a,train,k,", "list.csv, line 3: it has 5 fields where there are 6 columns"),
        (1, "a,b.png,a,train,k,,", "list.csv, line 3: it has 7 fields where there are 6 columns"),
        (4, "4.png,c,test,k,,0", "list.csv, line 6: is_query of a test row must be True or False, 1 or 0, not ''"),
        (4, "4.png,c,test,k,1,yes", "line 6: is_gallery of a test row must be True or False, 1 or 0, not 'yes'"),
        (4, "4.png,c,test,k,2,1", "list.csv, line 6: is_query of a test row must be True or False, 1 or 0, not '2'"),
        (4, "4.png,a,test,k,1,1", "'a' (list.csv, line 2; list.csv, line 6)"),
        (4, "5.png,c,test,k,1,1", "5.png (test: list.csv, line 6; test: list.csv, line 7)"),
        (4, "1.png,c,test,k,1,1", "1.png (train: list.csv, line 3; test: list.csv, line 6)"),
        (4, "../x/4.png/../../../4.png,c,test,k,1,1", "leave the folder"),
        (4, "4.PNG,c,test,k,1,1", "list.csv, line 6: {root}/4.PNG is missing"),
        (4, "a\0b.png,c,test,k,1,1", "list.csv, line 6: 'a\\x00b.png' is no path"),
        (4, f"{'a' * 300}.png,c,test,k,1,1", "list.csv, line 6: "),
        (4, '4.png,"c,test,k,1,1', "it is no CSV"),
    ],
)
def test_a_wrong_row_is_named(row: int, instead: str, said: str, root: Path) -> None:
    lines = [HEADER, *ROWS]
    lines[row + 1] = instead
    assert said.format(root=root) in refusal(written(root, *lines))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "{file} is empty: it needs a line for each image"),
        (["", " , "], "{file} is empty: it needs a line for each image"),
        ([HEADER], "{file} has no rows"),
        (["path,lable", "0.png,a"], "unknown column of list.csv 'lable': did you mean 'label'?"),
        (["paths,label", "0.png,a"], "unknown column of list.csv 'paths': did you mean 'path'?"),
        (["path,label,spilt", "0.png,a,train"], "unknown column of list.csv 'spilt': did you mean 'split'?"),
        (["path,label,is_qurey", "0.png,a,1"], "unknown column of list.csv 'is_qurey': did you mean 'is_query'?"),
        (["path,class", "0.png,a"], "{file} has no column label: it has path, class; without a header"),
        (["image,class,x", "0.png,a,1"], "{file} has no column path and no label: it has image, class, x; without"),
        (["path;label", "0.png;a"], "{file}: its columns are separated by ';': separate them by commas"),
        (["path\tlabel", "0.png\ta"], "{file}: its columns are separated by '\\t': separate them by commas"),
        (["path,label,path", "0.png,a,b"], "{file} has two columns path"),
        (["path,label,split", "0.png,a,train"], "the test part of"),
        (["path,label,split", "0.png,a,test"], "the train part of"),
        (["path,label", "0.png,a"], "takes at least 2; there is 1"),
        (["0.png", "1.png"], "{file} has no column path and no label: it has 0.png"),
    ],
)
def test_a_wrong_table_is_refused(lines: list[str], said: str, root: Path) -> None:
    file = written(root, *lines)
    assert said.format(file=file) in refusal(file)


def test_what_is_no_table(root: Path) -> None:
    assert refusal(root / "no.csv") == f"there is no file {root / 'no.csv'}"
    assert refusal(root) == f"{root} is a folder, not a file"
    assert "is not UTF-8 text: byte 0x89" in refusal(root / "0.png")
    (root / "x.parquet").write_text("no parquet")
    assert f"{root / 'x.parquet'} can't be read: ArrowInvalid" in refusal(root / "x.parquet")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("(sed=1)", "unknown option of table 'sed': did you mean 'seed'?"),
        ("(root=3)", "root of table must be a text, not 3"),
        ("(test=2)", "test of table must be at least 0.01 and at most 0.99, not 2"),
    ],
)
def test_other_options_are_refused(options: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        data.check(f"table:nowhere.csv{options}")
    assert str(caught.value) == said


def frame() -> pd.DataFrame:
    cells = pd.DataFrame([line.split(",") for line in ROWS], columns=HEADER.split(","))
    for name in ("is_query", "is_gallery"):
        cells[name] = cells[name].map({"": None, "True": True, "False": False})
    return cells


@pytest.mark.parametrize("types", ["object", "category", "float"])
def test_parquet_is_read(types: str, root: Path) -> None:
    cells = frame()
    if types == "category":
        cells = cells.astype({"label": "category", "split": "category", "category": "category"})
    elif types == "float":
        cells = cells.astype({"is_query": "float64", "is_gallery": "float64"})
    cells.to_parquet(root / "list.parquet")
    check(of(root / "list.parquet"))
    assert len(data.load(f"table:{root / 'list.parquet'}", size=16).test) == 4


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 1, 2, 2, 3, 3, 4, 4], [*"11223344"]),
        (np.array([1, 1, 2, 2, 3, 3, 4, 4], np.uint8), [*"11223344"]),
        ([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], [*"11223344"]),
        (["1", "1.0", "01", "x", "3", "3", "4", "4"], ["1", "1", "01", "x", "3", "3", "4", "4"]),
    ],
)
def test_labels_of_any_type(labels: Any, expected: list[str], root: Path) -> None:  # noqa: ANN401
    frame().assign(label=labels).to_parquet(root / "list.parquet")
    both = of(root / "list.parquet")
    assert [*both.train.classes, *both.test.classes] == expected


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("label", np.nan, "list.parquet, row 3: there is no label"),
        ("label", 1.5, "list.parquet, row 3: label must be a text or a whole number, not 1.5"),
        ("label", np.inf, "list.parquet, row 3: label must be a text or a whole number, not inf"),
        ("label", None, "list.parquet, row 3: there is no label"),
        ("path", None, "list.parquet, row 3: there is no path"),
        ("split", "dev", "list.parquet, row 3: unknown split 'dev'"),
    ],
)
def test_a_wrong_row_of_parquet_is_named(column: str, value: Any, said: str, root: Path) -> None:  # noqa: ANN401
    cells = frame()
    if column == "label":
        cells["label"] = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]
    cells.loc[2, column] = value
    cells.to_parquet(root / "list.parquet")
    assert said in refusal(root / "list.parquet")


def test_the_version_is_of_the_table_and_its_files(root: Path) -> None:
    file = written(root, HEADER, *ROWS)
    versions = [data.version(f"table:{file}")]
    draw(root / "0.png", 50, (9, 9))
    versions.append(data.version(f"table:{file}"))
    written(root, HEADER, *(line.replace(",m,", ",n,") for line in ROWS))
    versions.append(data.version(f"table:{file}"))
    assert len({*versions}) == 3
    draw(root / "another.png")
    assert data.version(f"table:{file}") == versions[2]


def test_a_check_says_what_is_there(root: Path) -> None:
    file = written(root, HEADER, *ROWS)
    found = data.inspect(f"table:{file}")
    assert found.faults == ()
    assert found.facts[:2] == (
        "train: 4 images of 2 classes in 2 categories; 2 (a) to 2 (a) a class",
        "test: 4 images of 2 classes in 2 categories, 2 query, 3 gallery; 2 (c) to 2 (c) a class",
    )
    (root / "6.png").unlink()
    assert data.inspect(f"table:{file}").faults == (f"list.csv, line 8: {root / '6.png'} is missing",)


def test_queries_that_find_nothing_are_noted(root: Path) -> None:
    lines = [*ROWS[:4], "4.png,c,test,k,1,0", "5.png,c,test,k,0,1", "6.png,d,test,m,1,0", "7.png,e,test,m,0,1"]
    notes = data.load(f"table:{written(root, HEADER, *lines)}", size=16).notes
    assert notes == ("1 of 2 test queries have no other image of their class to find",)
