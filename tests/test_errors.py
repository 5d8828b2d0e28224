"""Messages of errors."""

from __future__ import annotations

import pickle

import pytest

from evo_nas.errors import DataError


@pytest.mark.parametrize("name", ["two\nlines", "two\r\nlines", "two\u2028lines"])
def test_an_error_of_data_is_one_line_whatever_names_are_in_it(name: str) -> None:
    error = DataError(f"column {name} is missing; name another")
    assert str(error) == "column two\\nlines is missing; name another"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
