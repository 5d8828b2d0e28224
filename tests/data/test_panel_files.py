from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from evo_nas.data.panel_files import PanelColumns, read_panel
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(*paths: Path, **columns) -> dict[str, list[float]]:
    return {each.name: each.values.tolist() for each in read_panel(paths, PanelColumns(**columns))[0]}


def test_a_long_table_has_the_values_of_each_name_in_the_order_of_the_file(tmp_path) -> None:
    path = written(tmp_path, "sales.csv", "shop,sales\nb,1\na,5\nb,2\na,6\nb,3\n")
    assert read(path, series="shop") == {"b": [1, 2, 3], "a": [5, 6]}


def test_numbers_may_name_the_series_of_a_long_table(tmp_path) -> None:
    path = written(tmp_path, "sales.csv", "id,sales\n10,1\n10,2\n9,3\n9,4\n")
    assert read(path, series="id") == {"10": [1, 2], "9": [3, 4]}


def test_each_column_of_numbers_is_a_series_without_the_holes_at_its_ends(tmp_path) -> None:
    path = written(tmp_path, "wide.csv", "a,b\n1,\n2,7\n3,8\n,9\n")
    assert read(path) == {"a": [1, 2, 3], "b": [7, 8, 9]}


def test_each_row_with_a_name_of_its_own_is_a_series(tmp_path) -> None:
    path = written(tmp_path, "m4.csv", "V1,V2,V3,V4\nY1,1,2,3\nY2,4,5,\n")
    assert read(path, series="V1") == {"Y1": [1, 2, 3], "Y2": [4, 5]}


def test_each_file_is_a_series(tmp_path) -> None:
    paths = [written(tmp_path, f"{name}.csv", f"sales\n{value}\n2\n") for name, value in (("x", 1), ("y", 5))]
    assert read(*paths) == {"x.csv": [1, 2], "y.csv": [5, 2]}


def test_each_row_of_json_lines_holds_a_list(tmp_path) -> None:
    path = written(tmp_path, "panel.jsonl", '{"id": "a", "values": [1, 2.5]}\n{"id": "b", "values": [3]}\n')
    assert read(path, series="id") == {"a": [1, 2.5], "b": [3]}
    assert read(path) == {"row 1": [1, 2.5], "row 2": [3]}


@pytest.mark.parametrize(
    ("text", "columns", "why"),
    [
        ("shop,sales\na,1\na,2\nb,3\n", {}, "column 'shop' may name the series"),
        ("store_id,sales\n1,1\n1,2\n2,3\n2,4\n", {}, "column 'store_id' may name the series"),
        (
            "shop,sales,price\na,1,2\na,2,2\n",
            {"series": "shop"},
            "has 'sales', 'price' to forecast; name the one",
        ),
        ("shop,sales\na,1\n", {"series": "stor"}, "has no column 'stor'; did you mean"),
        ("shop,sales\na,one\nb,two\n", {"series": "shop"}, "has no column of numbers to forecast"),
        ("when,sales\nsoon,1\nlater,2\n", {}, "'when' may name the series, and no option says so"),
        ("a,b,sales\n2020-01-01,2020-01-02,2\n", {}, "columns 'a', 'b' all hold dates or times"),
        (
            "shop,day,sales\na,2020-01-01,1\na,2020-01-01,2\n",
            {"series": "shop"},
            "rows 2 and 3 have the same time",
        ),
        (
            "shop,day,sales\na,2020-01-01,1\n\n\na,2020-01-02,2\na,2020-01-02,3\n",
            {"series": "shop"},
            "rows 5 and 6 have the same time",
        ),
        (
            "day,sales\n2020-01-01,1\n\n2020-01-02,2\n2020-01-02,3\n",
            {},
            "rows 4 and 5 have the same time",
        ),
        (
            "shop,day,sales\na,2020-01-01,1\na,2020-01-02,2\na,2020-01-05,3\n",
            {"series": "shop"},
            r"series 'a': 2 rows are missing between 2020-01-02 \(row 3\)",
        ),
        (
            "shop,day,sales\na,2020-01-01,1\na,2020-01-02,2\nb,2020-01-01,3\nb,2020-02-01,3\n",
            {"series": "shop"},
            "one network needs series with one step|rows are missing",
        ),
        (
            "shop,time,sales\na,2020-01-01 00:00,1\na,2020-01-01 00:07,2\na,2020-01-01 00:31,3\n",
            {"series": "shop", "gaps": "mask"},
            "the values have no regular step in time; set gaps to keep",
        ),
    ],
)
def test_a_table_whose_series_are_not_clear_is_refused(tmp_path, text, columns, why) -> None:
    with pytest.raises(DataError, match=why):
        read(written(tmp_path, "panel.csv", text), **columns)


def test_lists_cannot_name_the_series_of_a_long_table(tmp_path) -> None:
    path = written(tmp_path, "panel.jsonl", '{"id": [1], "sales": 1}\n{"id": [2], "sales": 2}\n')
    with pytest.raises(DataError, match="column 'id' holds lists or records"):
        read(path, series="id")


def test_a_series_in_two_files_is_refused(tmp_path) -> None:
    paths = [written(tmp_path, f"{name}.csv", "shop,sales\na,1\na,2\n") for name in "xy"]
    with pytest.raises(DataError, match=r"series 'a' is in .*x\.csv and again in .*y\.csv"):
        read(*paths, series="shop")


@pytest.mark.parametrize("values", ['["a", "b"]', "[[1], [2]]", "[1, null]"])
def test_a_list_that_holds_no_numbers_is_refused_with_its_row(tmp_path, values) -> None:
    path = written(tmp_path, "panel.jsonl", f'{{"id": "a", "values": {values}}}\n')
    with pytest.raises(DataError, match="row 1, column 'values'"):
        read(path, series="id")


def test_a_value_that_is_no_number_is_named_with_its_row(tmp_path) -> None:
    path = written(tmp_path, "panel.csv", "shop,sales\na,1\na,2\na,x\n")
    with pytest.raises(DataError, match=r"row 4, column 'sales' is 'x'"):
        read(path, series="shop", value="sales")


def test_values_are_in_the_order_of_time_in_each_series(tmp_path) -> None:
    rows = ["b,2020-03-01,3", "a,2020-02-01,8", "b,2020-01-01,1", "a,2020-01-01,7", "b,2020-02-01,2"]
    path = written(tmp_path, "sales.csv", "\n".join(["shop,month,sales", *rows]) + "\n")
    series, remarks = read_panel([path], PanelColumns(series="shop"))
    assert {each.name: each.values.tolist() for each in series} == {"b": [1, 2, 3], "a": [7, 8]}
    assert "2 series are not in the order of month and were sorted" in remarks


def test_times_order_the_columns_of_a_wide_table(tmp_path) -> None:
    path = written(tmp_path, "wide.csv", "day,a,b\n2020-01-02,2,\n2020-01-01,1,\n2020-01-03,3,9\n")
    assert read(path) == {"a": [1, 2, 3], "b": [9]}


def test_a_gap_becomes_missing_values_if_asked_for(tmp_path) -> None:
    rows = [f"a,2020-01-0{day},{day}" for day in (1, 2, 3, 4, 7, 8)]
    path = written(tmp_path, "sales.csv", "\n".join(["shop,day,sales", *rows]) + "\n")
    series, remarks = read_panel([path], PanelColumns(series="shop", gaps="mask"))
    np.testing.assert_array_equal(series[0].values, [1, 2, 3, 4, np.nan, np.nan, 7, 8])
    assert "2 steps have no row and are missing values" in remarks
    assert read(path, series="shop", gaps="keep") == {"a": [1, 2, 3, 4, 7, 8]}


def test_every_file_is_asked_for_the_columns_of_the_first_one(tmp_path) -> None:
    one = written(tmp_path, "x.csv", "shop,sales\na,1\na,2\n")
    turned = written(tmp_path, "y.csv", "price,sales,shop\n7,3,b\n8,4,b\n")
    series, remarks = read_panel([one, turned], PanelColumns(series="shop"))
    assert {each.name: each.values.tolist() for each in series} == {"a": [1, 2], "b": [3, 4]}
    assert f"{turned}: not read: price" in remarks
    other = written(tmp_path, "z.csv", "shop,turnover\nc,1\n")
    with pytest.raises(DataError, match="has no column 'sales'; did you mean"):
        read(one, other, series="shop")


def test_how_each_table_was_read_is_said(tmp_path) -> None:
    paths = [written(tmp_path, f"{shop}.csv", f"shop;sales\n{shop};1\n\n{shop};2\n") for shop in ("a", "b")]
    remarks = read_panel(paths, PanelColumns(series="shop"))[1]
    for path in paths:
        assert f"{path.name}: columns are separated by ';'" in remarks
        assert f"{path.name}: 1 blank lines are not read, the first is row 3" in remarks


def test_missing_values_at_the_ends_of_a_series_are_no_part_of_it_and_said(tmp_path) -> None:
    path = written(tmp_path, "sales.csv", "shop,sales\na,\na,1\na,2\na,\nb,3\nb,4\n")
    series, remarks = read_panel([path], PanelColumns(series="shop"))
    assert {each.name: each.values.tolist() for each in series} == {"a": [1, 2], "b": [3, 4]}
    assert remarks[1:] == ("1 series begin or end with missing values, which are no part of them",)


STACKED = "".join(f"{shop},{shop + step / 8}\n" for shop in range(5) for step in range(20))
DAYS = [f"2020-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 21)]


@pytest.mark.parametrize("header", ["shop,v", "k,v", "store_id,v"])
def test_numbers_in_long_runs_may_name_the_series(tmp_path, header) -> None:
    path = written(tmp_path, "long.csv", f"{header}\n{STACKED}")
    name = header.split(",")[0]
    with pytest.raises(DataError, match=f"column '{name}' may name the series, and no option says so"):
        read(path)
    assert {len(values) for values in read(path, series=name).values()} == {20}
    assert {len(values) for values in read(path, value="v").values()} == {100}


def test_a_series_that_changes_seldom_names_none_where_every_row_has_its_time(tmp_path) -> None:
    rows = "".join(f"{day},{at // 20},{at / 8}\n" for at, day in enumerate(DAYS))
    path = written(tmp_path, "wide.csv", f"day,tier,v\n{rows}")
    assert list(read(path, gaps="keep")) == ["tier", "v"]
    path = written(tmp_path, "ids.csv", f"day,item_id,v\n{rows}")
    with pytest.raises(DataError, match="column 'item_id' may name the series"):
        read(path, gaps="keep")


@pytest.mark.parametrize("name", ["row_id", "id", "index", "n"])
def test_what_names_or_counts_the_rows_is_no_series(tmp_path, name) -> None:
    rows = "".join(f"{at},{at / 8},{at % 7}\n" for at in range(12))
    path = written(tmp_path, "wide.csv", f"{name},a,b\n{rows}")
    series, remarks = read_panel([path], PanelColumns())
    assert [each.name for each in series] == ["a", "b"]
    assert remarks == ("every column of numbers is a series: a, b", f"{path}: not read: {name}")


@pytest.mark.parametrize("name", ["store_nbr", "N", "Starting Year", "price_1"])
def test_a_number_beside_the_values_of_a_row_is_refused(tmp_path, name) -> None:
    path = written(tmp_path, "wide.csv", f"id,{name},d_1,d_2,d_3\na,7,1,2,3\nb,8,4,5,6\n")
    with pytest.raises(DataError, match=f"'d_1' to 'd_3' hold the values .* but '{name}' holds numbers, too"):
        read(path, series="id")


@pytest.mark.parametrize("names", ["d_1,d_2", "2020-01,2020-02", "Jan 20,Feb 20", "1,10"])
def test_which_columns_are_the_values_of_a_row_is_said(tmp_path, names) -> None:
    path = written(tmp_path, "wide.csv", f"id,{names}\na,1,2\nb,4,5\n")
    series, remarks = read_panel([path], PanelColumns(series="id"))
    assert [each.values.tolist() for each in series] == [[1, 2], [4, 5]]
    first, last = names.split(",")
    assert (
        remarks[0] == f"every row is a series, which id names, with its values in columns {first} to {last}"
    )
