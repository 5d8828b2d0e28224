"""Columns that may name series are told from states, measurements and counts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from evo_nas.data.series_names import may_name_series, names_series
from evo_nas.data.table import Table

ROWS = 300


def table(name: str, values: object) -> Table:
    return Table("x.csv", {name: pa.chunked_array([pa.array(values)])})


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("site", ["s1"] * ROWS + ["s2"] * ROWS),
        ("site", [7] * ROWS + [3] * ROWS + [5] * 20),
        ("site", np.repeat([1.0, 2.0], ROWS)),
        ("store_id", [1, 2] * ROWS),
        ("Series", ["a", "b"] * ROWS),
        ("site", ["s1"] * ROWS + ["17"] * ROWS),
    ],
)
def test_few_long_runs_or_a_telling_name_probably_name_series(name, values) -> None:
    assert names_series(table(name, values), name)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weekday", ["mon", "tue", "wed"] * ROWS),
        ("is_on", ([0] * ROWS + [1] * ROWS) * 2),
        ("level", np.repeat([0.5, 1.5], ROWS)),
        ("constant", [1] * ROWS),
        ("count", list(range(ROWS))),
        ("id", list(range(ROWS))),
        ("steps", np.repeat(np.arange(ROWS), 3)),
        ("site", [None] * ROWS + [1] * ROWS),
    ],
)
def test_states_measurements_and_counts_do_not_name_series(name, values) -> None:
    assert not names_series(table(name, values), name)


@pytest.mark.parametrize(
    ("values", "may"), [(["a", "b"] * 9, True), ([1, 2] * 9, True), ([0.5, 1] * 9, False)]
)
def test_words_and_whole_numbers_that_come_again_could_name_series(values, may) -> None:
    assert may_name_series(table("x", values), "x") is may


@pytest.mark.parametrize("values", [[[], [1.0]] * 9, [{"a": 1}, {"a": 2}] * 9])
def test_lists_and_records_name_no_series(values) -> None:
    assert not names_series(table("x", values), "x")
