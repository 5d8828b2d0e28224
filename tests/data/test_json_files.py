"""JSON in the shapes that people have it in: what the file holds is what is read."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError

RECORDS = [
    {"text": "2020-01-10", "n": 1, "x": [1.5, 2]},
    {"text": "2021-02-11 10:00:00", "n": None, "x": [3]},
]
FRAME = pd.DataFrame(RECORDS)
WRITERS = {
    "lines.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, RECORDS))),
    "lines.json": lambda path: path.write_text("\n".join(map(json.dumps, RECORDS)) + "\n"),
    "array.json": lambda path: path.write_text(json.dumps(RECORDS, indent=2)),
    "array.jsonl": lambda path: path.write_text(json.dumps(RECORDS)),
    "mark.json": lambda path: path.write_text("\ufeff" + json.dumps(RECORDS), encoding="utf-8"),
    "columns.json": lambda path: path.write_text(json.dumps(FRAME.to_dict("list")).replace("NaN", "null")),
    "pandas.json": FRAME.to_json,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_shape_gives_the_same_table(name, tmp_path) -> None:
    WRITERS[name](tmp_path / name)
    table = read_table(tmp_path / name)
    assert table.texts("text") == [record["text"] for record in RECORDS]
    assert table.numbers("n", holes=True)[0] == 1
    assert table.missing()["n"] == 1
    assert table.lists("x") == [[1.5, 2], [3]]


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@pytest.mark.parametrize(
    "dates", [["2020-01-10"] * 2, ["2020-01-10T00:00:00Z", "2020-01-11"], ["2020-01-10", "never"]]
)
def test_dates_stay_as_they_are_written(dates, suffix, tmp_path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("\n".join(json.dumps({"day": day, "days": [day]}) for day in dates))
    assert read_table(path).texts("day") == dates
    assert read_table(path).lists("days") == [[day] for day in dates]


def test_a_line_may_be_longer_than_a_block(tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        "\n".join(json.dumps({"x": [0.25] * steps, "day": "2020-01-10"}) for steps in (3, 400_000, 2))
    )
    table = read_table(path)
    assert [len(steps) for steps in table.lists("x")] == [3, 400_000, 2]
    assert table.texts("day") == ["2020-01-10"] * 3


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
@pytest.mark.parametrize("largest", [2**63, 2**64 - 1, 10**30, -(2**63) - 1])
def test_ids_of_any_length_stay_different(suffix, largest, tmp_path) -> None:
    path = tmp_path / f"a{suffix}"
    ids = [7, largest, largest - 1]
    path.write_text("\n".join(json.dumps({"a": each}) for each in ids))
    assert read_table(path).texts("a") == list(map(str, ids))
    assert read_table(path).numbers("a").tolist() == list(map(float, ids))


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_words_among_numbers_are_kept_and_found(suffix, tmp_path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text('{"a": 1}\n{"a": "n/d"}\n{"a": 2.5}\n')
    table = read_table(path)
    assert table.texts("a") == ["1", "n/d", "2.5"]
    with pytest.raises(DataError, match="row 2, column 'a' is 'n/d'"):
        table.numbers("a")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "", "cannot be read as JSON: Expecting value"),
        ("a.json", '{"a": [1, 2]', "cannot be read as JSON"),
        ("a.json", '{"a": [1, 2], "b": [1]}', "columns have different lengths"),
        ("a.json", '{"a": 1, "b": 2}', "is no table; must be a list of records"),
        ("a.json", "3", "is no table"),
        ("a.json", "[1, 2]", "record 1 is 1; must be an object"),
        ("a.json", "[]", "has no row of values"),
        ("a.json", '[{"a": [1]}, {"a": 2}]', "column 'a' holds lists, records or values of several kinds"),
        ("a.jsonl", '{"a": 1}\n{"a": 2\n', "line 2 cannot be read as JSON"),
        ("a.jsonl", '{"a": 1}\n7\n', "record 2 is 7; must be an object"),
        ("a.jsonl", "", "has no row of values"),
        ("a.json", "[" * 99_999, "cannot be read as JSON: lists or records are nested too deeply"),
        ("a.json", '{"a": 1}\n{"a": ' + "[" * 99_999, "line 2 cannot be read as JSON: .* nested too deeply"),
        ("a.jsonl", "[" * 99_999, "nested too deeply"),
        ("a.jsonl", '{"a": 1}\n{"a": ' + '{"b":' * 99_999, "line 2 .* nested too deeply"),
        ("a.json", '[{"a": [9223372036854775808]}, {"a": [1]}]', "column 'a' holds lists"),
    ],
)
def test_what_is_no_table_is_one_clear_line(name, content, message, tmp_path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)
