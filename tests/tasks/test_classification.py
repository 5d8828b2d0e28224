"""Sequences from files of numbers; whatever is wrong with them is one error that says where, and what to do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from evo_nas.errors import DataError
from evo_nas.tasks.classification import ClassificationTask, SequenceOptions


def load(**options):
    return ClassificationTask(SequenceOptions.model_validate(options)).read().dataset


def table(folder, rows: list[str], header: str = "a,b,label", name: str = "rows.csv"):
    path = folder / name
    path.write_text("\n".join([header, *rows]))
    return path


def rows(count: int = 40, label=lambda row: "up" if row % 2 else "down") -> list[str]:
    return [f"{row / 2},{row * row},{label(row)}" for row in range(count)]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ([*rows(), ",1,up"], {}, r"row 42, column 'a': the value is missing"),
        ([*rows(), "x,1,up"], {}, r"row 42, column 'a' is 'x'; must be a finite number"),
        ([*rows(), "inf,1,up"], {}, r"row 42, column 'a' is 'inf'"),
        ([*rows(), "1,7,"], {}, r"row 42, column 'label': the value is missing"),
        (rows(label=lambda row: "up"), {}, "one class only, 'up'; there is nothing to tell apart"),
        (rows(label=lambda row: "up" if row < 30 else "down"), {"split": {"by": "time"}}, "one class only"),
        (
            rows(label=lambda row: "abc"[row % 2 if row < 38 else 2]),
            {"split": {"by": "time"}},
            "class 'c' is in the test part, but not in the training part",
        ),
        ([*rows(), "3,9,down"] * 3, {}, "are the same, but in two parts"),
        ([], {}, "rows.csv has no row of values; must hold at least one"),
        (rows(), {"features": 3}, "2 input columns; features is 3: must divide them evenly"),
        (rows(), {"label": "labl"}, "no column 'labl'; did you mean 'label'"),
        (
            rows(),
            {"sequence": "a", "inputs": ["b"], "split": {"test": 39}},
            "40 of the examples are left|a part of",
        ),
        (
            rows(),
            {"sequence": "label", "label": "b"},
            "sequence 'down' has several labels; it must have one: choose the task labelling",
        ),
    ],
)
def test_tables_of_sequences(content, options, message, tmp_path) -> None:
    with pytest.raises(DataError, match=message):
        load(path=table(tmp_path, content), **options)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.csv", "is empty; must hold a row of column names and rows of values"),
        ("a.tsv", "is empty; must hold a row of column names and rows of values"),
        ("a.jsonl", "cannot be read as JSONL: Empty JSON file|has no row of values"),
        ("a.parquet", "cannot be read as PARQUET"),
        ("a.arff", "has no @attribute or no row after @data"),
        ("a.npz", "cannot be read: .*; must be an .npz of plain arrays"),
        ("a.mat", "cannot be read: .*; must be an .npz of plain arrays, .* or a .mat of version 7 or older"),
        ("a.ts", "is empty; must hold one sequence in each line"),
    ],
)
@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_file_of_any_format_is_one_clear_error(name, message, content, tmp_path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        load(path=tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": np.full((8, 3), np.nan)},
            "sequence 1 has a missing value; mend it, leave the sequence out, or set",
        ),
        ({"x": np.full((8, 3), np.inf)}, "sequence 1 has an infinite value; mend it"),
        ({"y": np.full(8, np.nan)}, "y, sequence 1: the label is missing"),
        ({"y": np.zeros(7)}, "y has 7 labels for 8 sequences; the numbers must be equal"),
        ({"y": np.zeros(8)}, "one class only, '0.0'"),
        ({"lengths": np.full(8, 4)}, "lengths of sequence 1 is 4; must be 1 to 3"),
        ({"lengths": np.zeros(8)}, "lengths of sequence 1 is 0; must be 1 to 3"),
        ({"lengths": np.full(3, 1)}, "lengths has 3 numbers; must be 8"),
        ({"x": np.full((8, 3), "a")}, "a sequence is not an array of numbers"),
        ({"x": np.zeros((8, 3, 2, 2))}, r"a sequence has shape \(3, 2, 2\); must be \(time, features\)"),
        ({"x": np.zeros((0, 3))}, "x has no sequence; must have at least one"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(arrays, message, tmp_path) -> None:
    plain = {"x": np.random.default_rng(0).normal(size=(8, 3)), "y": np.arange(8) % 2}
    np.savez(tmp_path / "a.npz", **{**plain, **arrays})
    with pytest.raises(DataError, match=message):
        load(path=tmp_path / "a.npz")


def test_a_table_in_another_encoding_is_refused(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("größe,label\n1,up\n2,down\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8 text; save it in UTF-8"):
        load(path=path)


def test_a_label_that_is_no_number_in_a_column_of_numbers_is_missing(tmp_path) -> None:
    parquet.write_table(
        pa.table({"x": [1.0, 2.0, 3.0], "label": [0.0, 1.0, float("nan")]}), tmp_path / "a.parquet"
    )
    with pytest.raises(DataError, match="row 3, column 'label': the value is missing"):
        load(path=tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("rows_of", "message"),
    [
        ([[1.0, 2.0], None], "row 2, column 'x': the value is missing"),
        ([[1.0, None], [2.0]], "row 1, column 'x': the value is missing"),
        ([[1.0, float("inf")], [2.0]], "row 1 has an infinite value"),
        ([[[1.0], [2.0, 3.0]], [[2.0]]], "row 1: a sequence is not an array of numbers"),
    ],
)
def test_holes_in_lists_of_steps_are_pointed_at(rows_of, message, tmp_path) -> None:
    parquet.write_table(pa.table({"x": rows_of, "label": ["up", "down"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=message):
        load(path=tmp_path / "a.parquet")


def test_a_list_of_labels_is_no_class_of_a_sequence(tmp_path) -> None:
    columns = {"x": [[1.0, 2.0], [3.0, 4.0]], "labels": [["up", "down"], ["up", "up"]]}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(
        DataError, match="column 'labels' holds a list of labels in every row; .* choose the task labelling"
    ):
        load(path=tmp_path / "a.parquet")


def test_a_constant_column_divides_by_nothing(tmp_path) -> None:
    path = table(tmp_path, [f"{row * row},5,{'up' if row % 2 else 'down'}" for row in range(40)])
    inputs = load(path=path, features=2).train.inputs
    assert np.isfinite(inputs).all()
    assert not inputs[..., 1].any()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2:3:up", "line 2 has dimensions of different lengths"),
        ("1,?:3,4:up", "line 2 has a missing value; mend it, .* or set missing"),
        ("1,nan:3,4:up", "line 2 has a missing value; mend it, .* or set missing"),
    ],
)
def test_a_malformed_line_of_ts_is_pointed_at(line, message, tmp_path) -> None:
    (tmp_path / "a.ts").write_text(f"@data\n{line}\n")
    with pytest.raises(DataError, match=message):
        load(path=tmp_path / "a.ts")


def test_sequences_of_different_widths_are_refused(tmp_path) -> None:
    (tmp_path / "a.ts").write_text("@data\n1,2:3,4:up\n1,2:down\n")
    with pytest.raises(DataError, match=r"line 3 has shape \(2, 1\); .* of 2 values"):
        load(path=tmp_path / "a.ts")


def test_a_folder_without_files_is_refused(tmp_path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="has no file; give a file, a folder"):
        load(path=tmp_path / "nothing")


def step_rows(folder, name: str, first: int, count: int):
    lines = [
        f"s{number},{np.sin(number * step):.3f},{'ab'[number % 2]}"
        for number in range(first, first + count)
        for step in range(1, 5)
    ]
    return table(folder, lines, header="who,x,label", name=name)


def test_a_sequence_in_two_parts_is_refused_unless_it_is_said_that_names_repeat(tmp_path) -> None:
    paths = {
        "path": step_rows(tmp_path, "train.csv", 0, 30),
        "test_path": step_rows(tmp_path, "test.csv", 29, 9),
    }
    with pytest.raises(
        DataError,
        match="sequence 's29' is in the test files and in the train files; put all of it into one part",
    ):
        load(**paths, sequence="who")
    assert len(load(**paths, sequence="who", split={"duplicates": "keep"}).test) == 9


@pytest.mark.parametrize(("missing", "width"), [("mask", 3), ("interpolate", 1), ("previous", 1)])
def test_holes_become_inputs_as_chosen(missing, width, tmp_path) -> None:
    path = step_rows(tmp_path, "a.csv", 0, 30)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "s0,,a", *lines[2:]]))
    with pytest.raises(DataError, match="row 2, column 'x': the value is missing"):
        load(path=path, sequence="who")
    dataset = load(path=path, sequence="who", missing=missing)
    assert dataset.signature.features == dataset.train.inputs.shape[2] == width
    assert np.isfinite(dataset.train.inputs).all()
    assert any(remark.startswith("1 missing values (x 1)") for remark in dataset.remarks)


def test_words_become_inputs_where_they_are_asked_for(tmp_path) -> None:
    rows = [f"s{row // 2},{row % 7},{'xyz'[row % 3]},{'ab'[row // 2 % 2]}" for row in range(80)]
    path = table(tmp_path, rows, header="who,v,mode,label")
    dataset = load(path=path, sequence="who", categorical=["mode"], split={"duplicates": "keep"})
    assert dataset.signature.features == 4
    assert set(np.unique(dataset.train.inputs[..., 1:])) == {0, 1}
