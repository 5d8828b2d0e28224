from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from evo_nas.cli.app import main
from evo_nas.cli.cell import FORMATS
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell_text import CellFormat, read_cell
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.description_length import cell_bits

RECIPES = Path(__file__).parents[2] / "../shared/nas_bench_nlp/wikitext2_runs.parquet"
ELMAN = '{"h_new_0": {"op": "activation_tanh", "input": ["f"]}, "f": {"op": "linear", "input": ["x", "h_prev_0"]}}'
DEAD = '{"h_new_0": {"op": "linear", "input": ["x"]}}'


def run(*arguments: str):
    return CliRunner().invoke(main, ["cell", *arguments])


def test_cell_is_shown_with_equations_size_and_formats() -> None:
    result = run(ELMAN, "--inputs", "3", "--width", "4")
    bits = cell_bits(NAMED_CELLS["rnn_tanh"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "tanh-RNN: 1 state, 2 nodes",
        "  h' = tanh(W_h·x + U_h·h + b_h)",
        "32 parameters with 3 inputs and 4 units",
        f"{2 * 28 + 4 + 4} FLOPs a step, 28 multiply-accumulates among them; written down in {bits:.0f} bits",
        "can be written as json, recipe",
    ]


def test_cell_that_cannot_learn_is_shown_as_such() -> None:
    assert "cannot learn: no output depends on the input of an earlier step" in run(DEAD).output
    assert "cannot learn" not in run("lstm").output


def test_facts_of_a_cell_come_as_one_json_object() -> None:
    facts = json.loads(run("lstm", "--json").output)
    assert (facts["name"], facts["states"], facts["nodes"], facts["learns"]) == ("LSTM", 2, 13, True)
    assert facts["parameters"] == 4 * 128 * (64 + 128 + 1)
    assert facts["macs"] == 4 * 128 * (64 + 128)
    biases, products_and_sum, functions = 4, 4, 5
    assert facts["flops"] == 2 * facts["macs"] + 128 * (biases + products_and_sum + functions)
    assert facts["formats"] == ["json", "recipe"]


@pytest.mark.parametrize(
    ("name", "form"),
    [("gru", "recipe"), ("mingru", "json"), ("darts_v2", "genotype"), ("0 0 1", "arc")],
)
def test_converted_cell_is_printed_alone_and_reads_back(tmp_path, name, form) -> None:
    text = run(name, "--to", form).output
    assert text.count("\n") == 1
    (tmp_path / "cell.txt").write_text(text)
    again = read_cell("cell.txt", base=tmp_path)
    assert canonical(again) == canonical(read_cell(name, base=tmp_path))
    assert run(str(tmp_path / "cell.txt"), "--to", "json").exit_code == 0


def test_formats_of_the_command_are_those_of_the_product() -> None:
    assert list(FORMATS) == list(CellFormat)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lstmm"], "did you mean lstm?"),
        (["{"], "the cell is not JSON"),
        (['{"h_new_0": {"op": "linear", "input": ["y"]}}'], "recipe.h_new_0 reads y; must read x, h_prev_0"),
        (["gru", "--to", "genotype"], "not of the ENAS and DARTS kind"),
        (["enas", "--to", "recipe"], "linear without bias"),
        (["."], "Is a directory"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    [line] = result.output.splitlines()
    assert line.startswith("error: ")
    assert message in line


@pytest.mark.skipif(
    not RECIPES.exists(), reason="the published NAS-Bench-NLP runs are not beside the repository"
)
def test_published_recipes_are_shown_and_converted() -> None:
    recipes = sorted(set(pq.read_table(RECIPES, columns=["recipe"])["recipe"].to_pylist()))
    for recipe in recipes[:: len(recipes) // 30]:
        facts = json.loads(run(recipe, "--json").output)
        assert facts["formats"][0] == "json"
        assert facts["equations"][-1].split(" = ")[0] in {"h'", "c'", "d'"}
        converted = run(recipe, "--to", "json").output
        assert canonical(read_cell(converted, base=Path())) == canonical(read_cell(recipe, base=Path()))


def test_names_of_published_cells_are_all_accepted() -> None:
    assert all(run(name).exit_code == 0 for name in NAMED_CELLS)
