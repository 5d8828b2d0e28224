"""Which columns play which role: a guess is what a person would choose, and what is not read is said."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from evo_nas.data.columns import Roles
from evo_nas.data.settled_columns import settled
from evo_nas.data.table import Table
from evo_nas.errors import DataError

ROWS = 12
RNG = np.random.default_rng(0)
X, Y, Z = (RNG.normal(size=ROWS).round(3).tolist() for _ in range(3))
WORDS = ["walk", "run"] * (ROWS // 2)
CITIES = ["Rome", "Oslo", "Bonn"] * (ROWS // 3)
CODES = [0, 1, 2, 1] * (ROWS // 4)
NAMES = [f"n{row}" for row in range(ROWS)]
DAYS = [f"2024-01-{row % 6 + 1:02}" for row in range(ROWS)]


def table(**columns) -> Table:
    """A table as CSV gives it: all columns are texts."""
    texts = {
        name: [None if value is None else str(value) for value in values] for name, values in columns.items()
    }
    return Table("a.csv", {name: pa.chunked_array([pa.array(texts[name], pa.string())]) for name in texts}, 2)


def label(**columns) -> str:
    return settled([table(**columns)], Roles()).outputs[0]


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"label": CODES, "a": X, "b": WORDS}, "label"),
        ({"a": X, "Class": CODES, "b": CODES}, "Class"),
        ({"species": CODES, "a": X, "b": CODES}, "species"),
        ({"species": CITIES, "target": CODES, "a": X}, "target"),
        ({"x": X, "y": CODES, "z": Z, "move": WORDS}, "move"),
        ({"move": WORDS, "x": X, "y": Y, "z": Z}, "move"),
        ({"x": X, "y": CODES, "z": Z, "kind": CODES}, "kind"),
        ({"y": CODES, "a": X, "b": Z}, "y"),
        ({"a": X, "b": Z, "y": CODES}, "y"),
        ({"name": NAMES, "a": X, "b": CODES}, "b"),
        ({"day": DAYS, "a": X, "b": CODES}, "b"),
        ({"city": CITIES, "a": X, "move": WORDS}, "move"),
        ({"city": CITIES, "a": X, "b": Z}, "city"),
        ({"a": X, "b": [*CODES[:-1], None]}, "b"),
    ],
)
def test_the_label_is_the_column_that_a_person_would_choose(columns, wanted) -> None:
    assert label(**columns) == wanted


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"label": CODES, "class": WORDS, "a": X},
            "the label may be column 'label' or 'class'; name it in `label`",
        ),
        ({"city": CITIES, "a": X, "b": CODES}, "the label may be column 'city' or 'b'"),
        ({"city": CITIES, "move": WORDS, "a": X}, "the label may be column 'city' or 'move'"),
        ({"a": X, "b": Z}, "no column is likely to be the label"),
        ({"name": NAMES, "a": X, "b": Z}, "no column is likely to be the label"),
        ({"x": X, "y": CODES, "z": Z}, "no column is likely to be the label"),
    ],
)
def test_where_two_labels_are_equally_likely_or_none_is_the_user_is_asked(columns, message) -> None:
    with pytest.raises(DataError, match=message):
        label(**columns)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"day": DAYS}, "day (dates or times)"),
        ({"clock": [f"{row}:30" for row in range(ROWS)]}, "clock (dates or times)"),
        ({"note": CITIES}, "note (words)"),
        ({"void": [None] * ROWS}, "void (empty)"),
        ({"count": range(5, ROWS + 5)}, "count (it counts the rows)"),
        ({"patient_id": RNG.permutation(ROWS)}, "patient_id (an id)"),
        ({"userId": RNG.permutation(ROWS)}, "userId (an id)"),
        ({"b": Y}, "b (excluded)"),
    ],
)
def test_what_is_not_read_is_said_with_the_reason(columns, reason) -> None:
    roles = Roles(label="label", exclude=("b",) if "b" in columns else ())
    columns = settled([table(**columns, a=X, label=WORDS)], roles)
    assert columns.inputs == ("a",)
    assert columns.remarks == ("column label is the label", f"not read: {reason}")


@pytest.mark.parametrize(
    ("codes", "is_read"),
    [
        ([3, 7] * 20, False),
        ([7.0, 3.0] * 20, False),
        ([3, 7, 3, 8] * 10, True),
        ([3, 7] * 19 + [3, 3], True),
        ([3.5, 7.5] * 20, True),
    ],
)
def test_a_number_for_each_label_is_no_input(codes, is_read) -> None:
    columns = settled([table(a=X + X + X + X[:4], code=codes, label=["u", "v"] * 20)], Roles())
    assert ("code" in columns.inputs) == is_read
    assert ("not read: code (it tells the label)" in columns.remarks) == (not is_read)


@pytest.mark.parametrize("name", ["grid", "humid", "a"])
def test_a_name_that_ends_like_id_is_read(name) -> None:
    values = [3, 1, 2] * (ROWS // 3)
    assert settled([table(**{name: values, "label": WORDS})], Roles()).inputs == (name,)


def test_a_time_in_parquet_is_no_label_and_not_read() -> None:
    times = pa.chunked_array([pa.array([datetime.datetime(2024, 1, 1 + row % 3) for row in range(ROWS)])])
    columns = {**table(a=X, b=CODES).columns, "time": times}
    assert (
        settled([Table("a.parquet", columns)], Roles(label="b")).remarks[1]
        == "not read: time (dates or times)"
    )


def test_an_index_is_read_only_if_it_is_named() -> None:
    rows = table(**{"": RNG.permutation(ROWS), "a": X, "label": WORDS})
    indexed = Table(rows.source, rows.columns, rows.first_row, index_columns=("",))
    columns = settled([indexed], Roles())
    assert columns.inputs == ("a",)
    assert "not read: a column without a name (an index of the rows)" in columns.remarks
    assert settled([indexed], Roles(inputs=("", "a"))).inputs == ("", "a")


@pytest.mark.parametrize("row", [0, 5, ROWS - 1])
def test_a_column_with_some_words_among_its_numbers_is_refused_wherever_they_are(row) -> None:
    values = [*X[:row], "n/d", *X[row + 1 :]]
    with pytest.raises(DataError, match=rf"row {row + 2}, column 'a' is 'n/d'; must be a finite number"):
        settled([table(a=values, b=Y, label=WORDS)], Roles())
    assert settled([table(a=values, b=Y, label=WORDS)], Roles(exclude=("a",))).inputs == ("b",)


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"exclude": ("c",)}, "has no column 'c'"),
        ({"exclude": ("a",), "inputs": ("a",)}, "'a' is excluded, but has another role"),
        ({"exclude": ("label",), "label": "label"}, "'label' is excluded, but has another role"),
        ({"label": "a", "inputs": ("a", "b")}, "'a' is predicted, but has another role as well"),
        ({"categorical": ("label",), "label": "label"}, "'label' is predicted, but has another role as well"),
        (
            {"categorical": ("note",)},
            "categorical column 'note' has 101 different values; must have 1 to 100",
        ),
    ],
)
def test_roles_that_do_not_fit_the_table_are_refused(roles, message) -> None:
    values = list(range(101))
    rows = table(
        a=[each % 7 for each in values],
        b=[each % 9 for each in values],
        note=map(str, values),
        label=["u"] * 101,
    )
    with pytest.raises(DataError, match=message):
        settled([rows], Roles(**roles))


def test_each_word_of_a_categorical_column_is_an_input() -> None:
    columns = settled([table(a=X, move=WORDS, label=CODES)], Roles(label="label", categorical=("move",)))
    assert columns.names == ("a", "move=run", "move=walk")
    assert columns.indicators == (1, 2)
    other = table(a=[1, 2, 3], move=["walk", "swim", "run"], label=[0, 0, 0])
    assert columns.values(other, holes=False).tolist() == [[1, 0, 1], [2, 0, 0], [3, 1, 0]]
    assert columns.remarks_on(other) == (
        "a.csv: move has 'swim', unknown in training, read as none of its words",
    )


def test_every_table_of_training_tells_the_words_of_a_column() -> None:
    tables = [
        table(a=X[:3], move=["run"] * 3, label=[0, 1, 0]),
        table(a=X[:3], move=["walk"] * 3, label=[0, 1, 0]),
    ]
    assert settled(tables, Roles(categorical=("move",))).categories == {"move": ("run", "walk")}


@pytest.mark.parametrize("name", ["target", "RUL", "y"])
def test_a_number_to_predict_is_guessed_by_its_name_only(name) -> None:
    assert settled([table(a=X, **{name: Y}, b=Z)], Roles(targets=())).outputs == (name,)
    with pytest.raises(DataError, match="no column has a name such as target; name it in `targets`"):
        settled([table(a=X, b=Z)], Roles(targets=()))


def test_of_many_columns_with_the_same_reason_some_are_named_and_all_are_counted() -> None:
    words = {f"w{number}": WORDS for number in range(14)}
    columns = settled([table(a=X, **words, day=DAYS, label=CODES)], Roles())
    assert columns.remarks[1].endswith("w8, w9 and 4 more (words); day (dates or times)")


@pytest.mark.parametrize("name", ["person id", "subject", "userId", "Patient_No", "speaker"])
@pytest.mark.parametrize("values", [CODES, CITIES])
def test_an_id_that_several_rows_share_is_not_read_and_may_be_a_group_or_a_sequence(name, values) -> None:
    rows = table(**{name: values, "a": X, "label": WORDS})
    remarks = settled([rows], Roles()).remarks
    assert f"not read: {name} ({'an id' if values is CODES else 'words'})" in remarks
    assert f"several rows have the same {name}: name it in `group`" in remarks[-1]
    assert remarks[-1].endswith("or in `sequence` if they are its steps")
    for roles in ({"group": name}, {"exclude": (name,)}):
        assert not any("several rows" in remark for remark in settled([rows], Roles(**roles)).remarks)
