"""Columns of one row that are other quantities than the rest."""

import numpy as np
import pytest

from evo_nas.data.columns import Roles
from evo_nas.data.sequence_files import read_sequences
from evo_nas.errors import DataError


def table(folder, factor, *, constant=False):
    rows = np.random.default_rng(0).normal(size=(30, 3)) * [1.0, 1.0, 0.0 if constant else factor]
    path = folder / "rows.csv"
    lines = [",".join(map(str, row)) + f",{'ab'[number % 2]}" for number, row in enumerate(rows)]
    path.write_text("\n".join(["x,y,z,label", *lines]), encoding="utf-8")
    return path


def remarks(path, **roles):
    return " ".join(read_sequences(path, Roles(**roles)).remarks)


@pytest.mark.parametrize("factor", [1.0, 1e2, 1e-2])
def test_steps_of_one_quantity_need_no_word(tmp_path, factor):
    assert "varies" not in remarks(table(tmp_path, factor))


@pytest.mark.parametrize("factor", [1e4, 3e-4 / 4])
def test_a_step_that_hardly_varies_beside_the_others_is_said(tmp_path, factor):
    assert "features" in remarks(table(tmp_path, factor))


@pytest.mark.parametrize("factor", [1e9, 1e-7])
def test_a_step_whose_values_would_be_lost_is_refused(tmp_path, factor):
    with pytest.raises(DataError, match="would be lost"):
        read_sequences(table(tmp_path, factor), Roles())


def test_quantities_of_their_own_scale_are_features(tmp_path):
    assert "varies" not in remarks(table(tmp_path, 1e9), features=3)


def test_a_constant_step_has_nothing_to_lose(tmp_path):
    assert "varies" not in remarks(table(tmp_path, 1.0, constant=True))
