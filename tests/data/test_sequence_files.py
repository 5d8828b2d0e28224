"""The same sequences, whatever format they come in."""

from __future__ import annotations

import bz2
import gzip
import json
from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy.io import savemat

from evo_nas.data.columns import Roles
from evo_nas.data.labelled_parts import split_files
from evo_nas.data.sequence_files import SequenceReader, read_sequences
from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import DataError

NAN = float("nan")
VALUES = np.arange(12.0).reshape(3, 4) / 4
LABELS = ["up", "down", "up"]
NAMES = ["x1", "y1", "x2", "y2"]
EXAMPLES = list(zip(VALUES, LABELS, strict=True))
COMMA = "\n".join(["x1,y1,x2,y2,label", *(",".join([*map(str, row), label]) for row, label in EXAMPLES)])
RECORDS = [{**dict(zip(NAMES, row.tolist(), strict=True)), "label": label} for row, label in EXAMPLES]


def write_ts(path) -> None:
    lines = [
        f"{','.join(map(str, row[::2]))}:{','.join(map(str, row[1::2]))}:{label}" for row, label in EXAMPLES
    ]
    path.write_text("\n".join(["#comment", "@timeStamps false", "@classLabel true up down", "@data", *lines]))


def write_arff(path) -> None:
    head = ["% comment", "@relation shapes", *(f"@ATTRIBUTE '{name}' numeric" for name in NAMES)]
    rows = [", ".join([*map(str, row), f" {label}"]) for row, label in EXAMPLES]
    path.write_text("\n".join([*head, "@attribute label {up,down}", "@DATA", *rows]))


WRITERS = {
    "a.csv": lambda path: path.write_text(COMMA),
    "a.csv.gz": lambda path: path.write_bytes(gzip.compress(COMMA.encode())),
    "a.csv.bz2": lambda path: path.write_bytes(bz2.compress(COMMA.encode())),
    "a.tsv": lambda path: path.write_text(COMMA.replace(",", "\t")),
    "a.parquet": lambda path: parquet.write_table(pa.Table.from_pylist(RECORDS), path),
    "a.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, RECORDS))),
    "a.arff": write_arff,
    "a.npz": lambda path: np.savez(path, x=VALUES.reshape(3, 2, 2), y=np.array(LABELS)),
    "a.mat": lambda path: savemat(path, {"x": VALUES.reshape(3, 2, 2), "y": np.array(LABELS, dtype=object)}),
    "a.ts": write_ts,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_sequences(name, tmp_path) -> None:
    WRITERS[name](tmp_path / name)
    examples = read_sequences(tmp_path / name, Roles(features=2))
    assert np.array_equal(np.stack(examples.items), VALUES.reshape(3, 2, 2))
    assert list(examples.labels) == LABELS
    assert examples.remarks


def test_rows_of_a_sequence_may_lie_anywhere_and_differ_in_number(tmp_path) -> None:
    path = tmp_path / "steps.csv"
    path.write_text("who,x,label\nb,1,up\na,2,down\nb,3,up\nb,4,up\n")
    examples = read_sequences(path, Roles(sequence="who"))
    assert [item.ravel().tolist() for item in examples.items] == [[1, 3, 4], [2]]
    assert examples.labels == ["up", "down"]


def test_cells_of_matlab_may_differ_in_length(tmp_path) -> None:
    cells = np.empty(2, dtype=object)
    cells[0], cells[1] = np.ones((3, 2)), np.zeros((5, 2))
    savemat(tmp_path / "a.mat", {"x": cells, "y": [0, 1]})
    examples = read_sequences(tmp_path / "a.mat", Roles(label="y"))
    assert [item.shape for item in examples.items] == [(3, 2), (5, 2)]


def test_arrays_may_be_padded_to_their_lengths(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((2, 4)), y=[0, 1], lengths=[4, 2])
    assert [len(item) for item in read_sequences(tmp_path / "a.npz", Roles()).items] == [4, 2]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", np.ones((2, 4)) * 1j),
        ("x", np.full((2, 4), np.datetime64("2020-01-01"))),
        ("x", np.full((2, 4), "1.5")),
        ("y", np.array([1j, 2j])),
        ("y", np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")),
        ("y", np.array(["1.5", "2"])),
        ("lengths", np.array([2.5, 3])),
        ("lengths", np.array([np.nan, 3])),
        ("lengths", np.array(["2", "3"])),
    ],
)
def test_an_array_becomes_no_numbers_without_a_word(name, values, tmp_path) -> None:
    arrays = {"x": np.ones((2, 4)), "y": np.array([0.5, 1]), "lengths": np.array([2.0, 3])}
    np.savez(tmp_path / "a.npz", **arrays)
    assert [len(item) for item in read_sequences(tmp_path / "a.npz", Roles(targets=("y",))).items] == [2, 3]
    np.savez(tmp_path / "a.npz", **arrays | {name: values})
    with pytest.raises(DataError, match="not an array of numbers|targets that are no numbers|must be whole"):
        read_sequences(tmp_path / "a.npz", Roles(targets=("y",)))


@pytest.mark.parametrize(
    ("values", "is_refused"), [([[1, None]], False), ([["1", None]], True), ([["1", "2"]], True)]
)
def test_texts_in_lists_are_no_numbers_but_holes_are_holes(values, is_refused, tmp_path) -> None:
    parquet.write_table(pa.table({"x": values, "label": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 1: .*not an array of numbers") if is_refused else nullcontext():
        read_sequences(tmp_path / "a.parquet", Roles(inputs=("x",), holes=True))


@pytest.mark.parametrize("name", ["x", "y", "who"])
def test_an_array_of_a_single_value_is_refused_with_its_shape(name, tmp_path) -> None:
    arrays = {"x": np.ones((2, 4)), "y": np.array([0, 1]), "who": np.array(["a", "b"])}
    np.savez(tmp_path / "a.npz", **arrays | {name: np.float64(3)})
    with pytest.raises(DataError, match=rf"{name} has shape \(\), a single value"):
        read_sequences(tmp_path / "a.npz", Roles(label="y", group="who"))


def test_pickled_objects_are_never_loaded(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([[1], [1, 2]], dtype=object), y=[0, 1])
    with pytest.raises(DataError, match="must be an .npz of plain arrays"):
        read_sequences(tmp_path / "a.npz", Roles())


def steps(folder, name: str, rows: list[str], header: str = "who,x,label"):
    (folder / name).write_text("\n".join([header, *rows]))
    return folder / name


def test_columns_of_further_files_are_taken_by_name(tmp_path) -> None:
    train = steps(tmp_path, "train.csv", ["1,2,up", "3,5,down"], header="a,b,label")
    other = steps(tmp_path, "other.csv", ["down,9,4,z", "up,8,7,z"], header="label,b,a,note")
    reader = SequenceReader(Roles())
    reader.read([train])
    examples = reader.read([other])
    assert [item.ravel().tolist() for item in examples.items] == [[4, 9], [7, 8]]
    assert examples.labels == ["down", "up"]
    assert any("other.csv also has note, not read" in remark for remark in examples.remarks)


@pytest.mark.parametrize(
    ("header", "message"), [("a,c,label", "has no column 'b'"), ("a,b,c", "has no column 'label'")]
)
def test_a_column_that_a_further_file_lacks_is_refused(header, message, tmp_path) -> None:
    train = steps(tmp_path, "train.csv", ["1,2,up", "3,5,down"], header="a,b,label")
    reader = SequenceReader(Roles())
    reader.read([train])
    with pytest.raises(DataError, match=rf"other.csv {message}"):
        reader.read([steps(tmp_path, "other.csv", ["1,2,up"], header=header)])


def test_a_sequence_that_goes_on_in_a_further_file_is_one_sequence(tmp_path) -> None:
    files = [
        steps(tmp_path, "1.csv", ["b,1,up", "a,2,down", "b,3,up"]),
        steps(tmp_path, "2.csv", ["a,4,down", "c,5,up"]),
        steps(tmp_path, "3.csv", ["b,6,up"]),
    ]
    examples = SequenceReader(Roles(sequence="who")).read(files)
    assert [item.ravel().tolist() for item in examples.items] == [[1, 3, 6], [2, 4], [5]]
    assert any("2 sequences, such as 'a', go on in a further file" in remark for remark in examples.remarks)


@pytest.mark.parametrize(
    ("rows", "roles", "message"),
    [
        (["a,1,up", "a,2,down"], {}, "sequence 'a' has several labels; .* choose the task labelling"),
        (["a,1,up", "a,2,up"], {"group": "x"}, "sequence 'a' has several groups; it must have one"),
    ],
)
def test_a_sequence_with_two_labels_or_groups_is_refused(rows, roles, message, tmp_path) -> None:
    with pytest.raises(DataError, match=message):
        read_sequences(steps(tmp_path, "a.csv", rows), Roles(sequence="who", inputs=("x",), **roles))


def test_a_hole_is_no_number_where_holes_are_allowed(tmp_path) -> None:
    path = steps(tmp_path, "a.csv", ["a,1,up", "a,,up", "b,NA,down", "b,2,down"])
    examples = read_sequences(path, Roles(sequence="who", holes=True))
    assert [np.isnan(item.ravel()).tolist() for item in examples.items] == [[False, True], [True, False]]
    (tmp_path / "b.jsonl").write_text('{"x": [1, null, 3], "label": "up"}\n{"x": [4, 5], "label": "down"}\n')
    items = read_sequences(tmp_path / "b.jsonl", Roles(holes=True)).items
    assert np.isnan(items[0].ravel()).tolist() == [False, True, False]


def test_padding_in_lists_of_labels_is_kept_for_the_split(tmp_path) -> None:
    (tmp_path / "b.jsonl").write_text(
        '{"x": [1, 2, 3], "tags": ["u", null, "v"]}\n{"x": [4, 5], "tags": ["", "u"]}\n'
    )
    examples = read_sequences(tmp_path / "b.jsonl", Roles(label_per_step=True))
    assert [label.tolist() for label in examples.labels] == [["u", "", "v"], ["", "u"]]


def test_categorical_columns_need_steps(tmp_path) -> None:
    path = steps(tmp_path, "a.csv", ["u,1,up", "v,2,down"])
    with pytest.raises(DataError, match="a categorical column needs rows that are steps"):
        read_sequences(path, Roles(categorical=("who",)))


@pytest.mark.parametrize(
    ("times", "named"),
    [
        (["2024-03-01", "2024-03-03", "2024-03-02"], None),
        (["2024-03-01T10:00", "2024-03-01T12:00", "2024-03-01T11:00"], None),
        (["2024-03-01", "2024-03-03", "2024-03-02"], "t"),
        (["1", "30", "2"], "t"),
    ],
)
def test_a_column_of_times_orders_the_steps_of_a_sequence(times, named, tmp_path) -> None:
    rows = [f"{who},{time},{value},up" for who in "ab" for value, time in enumerate(times)]
    path = steps(tmp_path, "a.csv", rows, header="who,t,x,label")
    examples = read_sequences(path, Roles(sequence="who", time=named))
    assert [item.ravel().tolist() for item in examples.items] == [[0, 2, 1]] * 2
    assert "column t orders the steps of a sequence" in examples.remarks
    assert "the steps of 2 sequences were put into the order of t" in examples.remarks


def test_steps_of_several_files_are_put_into_the_order_of_their_times(tmp_path) -> None:
    files = [
        steps(tmp_path, "1.csv", ["a,2024-01-03,3,up", "b,2024-01-01,1,up"], header="who,t,x,label"),
        steps(tmp_path, "2.csv", ["a,2024-01-02,2,up", "a,2024-01-01,1,up"], header="who,t,x,label"),
    ]
    examples = SequenceReader(Roles(sequence="who")).read(files)
    assert [item.ravel().tolist() for item in examples.items] == [[1, 2, 3], [1]]


@pytest.mark.parametrize(
    ("time", "last"),
    [
        (lambda day, step: f"2020-01-{day + 1:02}T{step:02}:00", [17, 18, 19]),  # dates
        (lambda day, step: 1_600_000_000 + 86400 * day + step, [17, 18, 19]),  # seconds
        (lambda day, step: step, None),  # counts the steps
    ],
)
def test_sequences_that_end_last_are_split_off_where_times_are_known(time, last, tmp_path) -> None:
    days = np.random.default_rng(0).permutation(20).tolist()
    rows = [f"s{day},{time(day, step)},{day},{'ab'[day % 2]}" for day in days for step in (1, 0)]
    steps(tmp_path, "a.csv", rows, header="who,t,x,label")
    examples = read_sequences(
        tmp_path / "a.csv", Roles(sequence="who", time="t", inputs=("x",), label="label")
    )
    assert [item[0, 0] for item in examples.items] == days
    test = split_files({"train": examples}, SplitOptions(by="time", test=3, validation=2)).parts["test"]
    assert sorted(item[0, 0] for item in test.items) == (last or sorted(days[-3:]))


@pytest.mark.parametrize(
    ("times", "remark"),
    [
        (
            ["01", "02", "03", "13"],
            "steps of t are up to 10.0 times as long as usual; all count as equally long",
        ),
        (["01", "02", "02", "03"], "1 steps have the same t as the step before them"),
    ],
)
def test_irregular_and_equal_times_are_said(times, remark, tmp_path) -> None:
    rows = [f"a,2024-01-{time},{value},up" for value, time in enumerate(times)]
    examples = read_sequences(steps(tmp_path, "a.csv", rows, header="who,t,x,label"), Roles(sequence="who"))
    assert remark in examples.remarks


def test_dates_that_can_be_read_in_two_ways_order_nothing(tmp_path) -> None:
    rows = ["a,02/01/2024,1,up", "a,01/02/2024,2,up"]
    examples = read_sequences(steps(tmp_path, "a.csv", rows, header="who,t,x,label"), Roles(sequence="who"))
    assert examples.items[0].ravel().tolist() == [1, 2]
    assert "not read: t (dates or times)" in examples.remarks


def lists(folder, **columns):
    parquet.write_table(pa.table(columns), folder / "lists.parquet")
    return folder / "lists.parquet"


@pytest.mark.parametrize("inputs", [None, ("ax", "ay")])
def test_lists_of_several_columns_lie_side_by_side(inputs, tmp_path) -> None:
    path = lists(tmp_path, ax=[[1, 2], [3]], ay=[[5.0, 6.0], [7.0]], tags=[["u"], ["v"]], label=["a", "b"])
    examples = read_sequences(path, Roles(inputs=inputs))
    assert [item.tolist() for item in examples.items] == [[[1, 5], [2, 6]], [[3, 7]]]
    assert examples.features == ("ax", "ay")
    assert "every row is a sequence, with a list of its steps in ax, ay" in examples.remarks
    assert "not read: tags" in examples.remarks


@pytest.mark.parametrize(
    ("columns", "roles", "message"),
    [
        (
            {"ay": [[1], [2]]},
            {},
            "row 1: lists have different numbers of steps, 'ax' 2, 'ay' 1; name in `inputs`",
        ),
        (
            {"w": [1.0, 2.0]},
            {"inputs": ("ax", "w")},
            "'ax' holds a list of steps in every row, so that 'w' cannot",
        ),
        ({"who": ["s", "t"]}, {"sequence": "who"}, "so that 'who' cannot be read beside it"),
        ({}, {"features": 2}, "features is 2, but only says how the columns of a row"),
    ],
)
def test_lists_that_do_not_fit_their_roles_are_refused(columns, roles, message, tmp_path) -> None:
    path = lists(tmp_path, ax=[[1, 2], [3]], label=["a", "b"], **columns)
    with pytest.raises(DataError, match=message):
        read_sequences(path, Roles(**roles))


def test_steps_without_any_value_at_the_end_of_an_array_are_padding(tmp_path) -> None:
    values = np.ones((3, 4, 2))
    values[0, 2:], values[1, 1, 0], values[2, 3, 1] = NAN, NAN, NAN
    np.savez(tmp_path / "a.npz", x=values, y=np.zeros((3, 4)), more=[1])
    examples = read_sequences(tmp_path / "a.npz", Roles(label_per_step=True, holes=True))
    assert [len(item) for item in examples.items] == list(map(len, examples.labels)) == [2, 4, 4]
    assert "1 sequences end before the array does; what comes after is not read" in examples.remarks
    assert "not read: more" in examples.remarks
