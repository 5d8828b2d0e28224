from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.options import SpaceOptions, cells_under
from evo_nas.genome.published import write_recipe

LINEAR = {"op": "linear", "input": ["x", "h_prev_0"]}
LSTM = write_recipe(NAMED_CELLS["lstm"])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"widhts": [8]}, "Extra inputs are not permitted"),
        ({"widths": []}, "at least 1 item"),
        ({"widths": [0]}, "greater than or equal to 1"),
        ({"widths": [10**9]}, "less than or equal to 65536"),
        ({"widths": [True]}, "valid integer"),
        ({"widths": [8, 8]}, "must name each choice once"),
        ({"cells": ["lstmm"]}, "must be one of rnn_tanh, rnn_sigmoid, gru, lstm"),
        ({"seeds": ["perceptron"]}, "must be one of rnn_tanh"),
        ({"ops": ["sin"]}, "must be one of linear, linear_no_bias, blend"),
        ({"cells": [], "evolve_cell": False}, "cells is empty and evolve_cell is false"),
        ({"ops": ["tanh", "add"]}, "must contain linear or linear_no_bias"),
        ({"layers": {"min": 3, "max": 2}}, "min is 3 and max is 2; min must not be above max"),
        ({"learning_rates": {"min": 1e-2, "max": 1e-3}}, "min must not be above max"),
        ({"learning_rates": {"min": 1e-2, "max": 1e-2}}, "set count to 1"),
        ({"learning_rates": {"min": float("nan")}}, "learning_rates.min"),
        ({"regularisation": {"dropouts": [1.0]}}, "less than 1"),
        (
            {"regularisation": {"frozen_dropout": 0.15}},
            "frozen_dropout is 0.15; must be one of",
        ),
        ({"max_parameters": 0}, "greater than or equal to 1"),
        (
            {"linear_only": True, "cells": ["lstm", "mingru"]},
            "cells has lstm, which are no linear recurrences",
        ),
        ({"linear_only": True, "seeds": ["gru", LSTM]}, "seeds has gru, lstm, .* name some of mingru"),
        ({"linear_only": 1}, "valid boolean"),
        ({"cells": [3]}, "must be the name, the text or the file of a cell"),
        ({"cells": ["lstm", LSTM]}, "must name each choice once"),
        (
            {"seeds": ['{"h_new_0": {"op": "linear", "input": ["x"]}}']},
            "output can depend on the input of an",
        ),
        ({"seeds": [{"h_new_0": {"op": "conv", "input": ["x"]}}]}, "recipe.h_new_0.op is 'conv'"),
    ],
)
def test_impossible_space_is_refused_with_its_reason(section, message):
    with pytest.raises(ValidationError, match=message):
        SpaceOptions.model_validate(section)


def test_section_of_a_configuration_file_is_read_from_plain_values():
    options = SpaceOptions.model_validate({"widths": [64, 16], "poolings": ["mean"], "layers": {"max": 3}})
    assert (options.widths, options.poolings, options.layers.max) == ((16, 64), ("mean",), 3)


def test_learning_rates_lie_on_a_logarithmic_grid():
    rates = {"min": 1e-3, "max": 1e-1, "count": 5}
    grid = SpaceOptions.model_validate({"learning_rates": rates}).learning_rates.values
    assert grid == (0.001, 0.00316, 0.01, 0.0316, 0.1)
    rates["count"] = 1
    assert SpaceOptions.model_validate({"learning_rates": rates}).learning_rates.values == (0.01,)


CELL_OF_A_FILE = {"h_new_0": {"op": "activation_leaky_relu", "input": ["f"]}, "f": LINEAR}


def test_cells_and_seeds_are_names_recipes_genotypes_and_files(tmp_path):
    (tmp_path / "cell.json").write_text(json.dumps(CELL_OF_A_FILE))
    genotype = "Genotype(recurrent=[('tanh', 0)], concat=[1])"
    section = {"cells": ["gru", LSTM, CELL_OF_A_FILE], "seeds": ["cell.json", genotype, "0 0 1"]}
    options = SpaceOptions.model_validate(cells_under(section, tmp_path))
    assert options.cells[:2] == ("gru", "lstm")
    assert options.seeds[0] == options.cells[2]


def test_settled_options_need_no_file_and_settle_to_themselves(tmp_path):
    (tmp_path / "cell.json").write_text(json.dumps(CELL_OF_A_FILE))
    options = SpaceOptions.model_validate(cells_under({"seeds": ["cell.json"]}, tmp_path))
    (tmp_path / "cell.json").unlink()
    assert SpaceOptions.model_validate(options.model_dump(mode="json")) == options


def test_space_of_linear_recurrences_permits_the_published_ones_unless_others_are_named():
    assert "mingru" in SpaceOptions(linear_only=True).cells
    assert "lstm" not in SpaceOptions(linear_only=True).cells
    assert SpaceOptions(linear_only=True, cells=()).cells == ()
    assert SpaceOptions(linear_only=False).cells == SpaceOptions().cells


def test_delays_are_ascending_and_none_by_default():
    assert SpaceOptions().delays == ()
    assert SpaceOptions(delays=(9, 2)).delays == (2, 9)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"delays": [1]}, "greater than or equal to 2"),
        ({"delays": [17]}, "less than or equal to 16"),
        ({"delays": [2, 2]}, "must name each choice once"),
        ({"ops": ["linear", "delay_2"]}, "ops.1\n  Value error, must be one of linear, linear_no_bias"),
    ],
)
def test_impossible_delay_is_refused_with_what_is_permitted(section, message):
    with pytest.raises(ValidationError, match=message):
        SpaceOptions.model_validate(section)
