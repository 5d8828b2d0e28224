from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS, darts_cell
from evo_nas.genome.ops import Op
from evo_nas.genome.published import (
    read_arc,
    read_genotype,
    read_recipe,
    write_arc,
    write_genotype,
    write_recipe,
)

RECIPES = Path(__file__).parents[2] / "../shared/nas_bench_nlp/wikitext2_runs.parquet"
DARTS_V2 = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5),"
    " ('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
ENAS_ARC = "0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1"


def test_the_published_darts_genotype_is_the_named_cell() -> None:
    assert read_genotype(DARTS_V2) == NAMED_CELLS["darts_v2"]


@pytest.mark.parametrize("name", ["enas", "darts_v2"])
def test_a_genotype_that_was_written_reads_back_as_the_same_cell(name) -> None:
    assert read_genotype(write_genotype(NAMED_CELLS[name])) == NAMED_CELLS[name]


def test_a_genotype_is_recognised_in_canonical_form() -> None:
    cell = canonical(NAMED_CELLS["enas"])
    assert cell != NAMED_CELLS["enas"]
    assert canonical(read_genotype(write_genotype(cell))) == cell


def test_the_published_enas_arc_averages_its_loose_ends() -> None:
    recurrent = [
        *((Op.TANH, 0), (Op.RELU, 1), (Op.RELU, 2), (Op.TANH, 2), (Op.TANH, 2), (Op.RELU, 5)),
        *((Op.TANH, 1), (Op.RELU, 6), (Op.RELU, 8), (Op.RELU, 8), (Op.RELU, 8)),
    ]
    assert read_arc(ENAS_ARC) == darts_cell(recurrent, concat=(3, 4, 7, 9, 10, 11))


@pytest.mark.parametrize("arc", [ENAS_ARC, "3", "2 0 1"])
def test_an_arc_that_was_read_is_written_alike(arc) -> None:
    assert write_arc(read_arc(arc)) == arc


def test_an_arc_cannot_say_that_an_inner_step_is_averaged() -> None:
    with pytest.raises(GenomeError, match="no other reads"):
        write_arc(darts_cell([(Op.TANH, 0)], concat=(0, 1)))


@pytest.mark.parametrize("write", [write_genotype, write_arc])
@pytest.mark.parametrize("name", ["lstm", "gru", "ugrnn", "rnn_tanh"])
def test_a_cell_of_another_kind_has_no_genotype(write, name) -> None:
    with pytest.raises(GenomeError, match="not of the ENAS and DARTS kind"):
        write(NAMED_CELLS[name])


@given(...)
def test_any_cell_is_written_as_a_genotype_with_the_same_meaning_or_refused(cell: CellGraph) -> None:
    try:
        text = write_genotype(cell)
    except GenomeError:
        return
    assert canonical(read_genotype(text)) == canonical(cell)


@given(...)
def test_any_cell_is_written_as_a_recipe_with_the_same_meaning_or_refused(cell: CellGraph) -> None:
    try:
        text = write_recipe(cell)
    except GenomeError:
        return
    assert canonical(read_recipe(text)) == canonical(cell)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "cannot be read"),
        ("Genotype(recurrent=[('tanh', 0)])", "recurrent and concat"),
        ("Genotype(recurrent=[('gelu', 0)], concat=[1])", "gelu"),
        ("Genotype(recurrent=[('tanh', 1)], concat=[1])", "step 1 of the genotype reads 1"),
        ("Genotype(recurrent=[('tanh', True)], concat=[1])", "reads True"),
        ("Genotype(recurrent=[('tanh', 0)], concat=[])", "averages"),
        ("Genotype(recurrent=[('tanh', 0)], concat=range(0, 10**9))", "cannot be read"),
        ("Genotype(recurrent=[('tanh', 0)], concat=range(0, 1000000000))", "at most 50"),
        ("Genotype(recurrent=[('tanh', 0)], concat=range(-1000000000, 1))", "at most 50"),
        ("__import__('os').abort()", "cannot be read"),
        ("(" * 5000, "cannot be read"),
        ("x" * 20_000, "at most 10000"),
    ],
)
def test_a_broken_genotype_is_refused(text, complaint) -> None:
    with pytest.raises(GenomeError, match=complaint):
        read_genotype(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "small numbers"),
        ("0 0", "two for each further step"),
        ("4", "activation 4"),
        ("0 1 0", "reads 1"),
        ("0" + " 0 0" * 60, "at most 50"),
    ],
)
def test_a_broken_arc_is_refused(text, complaint) -> None:
    with pytest.raises(GenomeError, match=complaint):
        read_arc(text)


def node(op, *sources):
    return {"op": op, "input": list(sources)}


def test_a_recipe_may_name_its_nodes_in_any_order() -> None:
    recipe = {"h_new_0": node("activation_tanh", "f"), "f": node("linear", "x", "h_prev_0")}
    assert canonical(read_recipe(json.dumps(recipe))) == canonical(NAMED_CELLS["rnn_tanh"])


@pytest.mark.parametrize("name", ["lstm", "gru", "mgu", "ugrnn", "rnn_sigmoid"])
def test_named_cells_are_recipes_too(name) -> None:
    assert canonical(read_recipe(write_recipe(NAMED_CELLS[name]))) == canonical(NAMED_CELLS[name])


@pytest.mark.parametrize(
    ("recipe", "complaint"),
    [
        ({"h_new_0": node("linear", "x", "f")}, "reads f"),
        ({"h_new_0": node("linear", "x", "h_prev_1")}, "reads h_prev_1"),
        ({"h_new_0": node("activation_tanh", "a"), "a": node("activation_tanh", "h_new_0")}, "cycle"),
        ({"h_new_1": node("linear", "x", "h_prev_0")}, "no node h_new_0"),
        ({"h_new_0": node("conv", "x")}, "conv"),
        ({"h_new_0": node("activation_tanh", "x")}, "only linear"),
        ({"h_new_0": {**node("linear", "x"), "bias": False}}, "unknown key"),
        ({"h_new_0": {"op": "linear", "input": [0]}}, "must be a string"),
        ({}, "states"),
        ({f"n{i}": node("linear", "x") for i in range(300)}, "at most 256"),
    ],
)
def test_a_broken_recipe_is_refused(recipe, complaint) -> None:
    with pytest.raises(GenomeError, match=complaint):
        read_recipe(json.dumps(recipe))


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        (NAMED_CELLS["enas"], "without bias"),
        (CellGraph(1, (Node(Op.LINEAR, (0, 1), bias=True), Node(Op.RELU, (2,))), (3,)), "relu"),
        (CellGraph(2, (Node(Op.LINEAR, (0, 1, 2), bias=True),), (3, 3)), "a node of its own"),
        (CellGraph(2, (Node(Op.LINEAR, (0, 1, 2), bias=True),), (3, 1)), "a node of its own"),
    ],
)
def test_what_a_recipe_cannot_express_is_refused(cell, complaint) -> None:
    with pytest.raises(GenomeError, match=complaint):
        write_recipe(cell)


@pytest.mark.skipif(
    not RECIPES.exists(), reason="the published NAS-Bench-NLP runs are not beside the repository"
)
def test_every_published_recipe_survives_a_round_trip() -> None:
    recipes = set(pq.read_table(RECIPES, columns=["recipe"])["recipe"].to_pylist())
    cells = {recipe: read_recipe(recipe) for recipe in recipes}

    assert all(len(cell.nodes) == len(json.loads(recipe)) for recipe, cell in cells.items())
    assert all(canonical(read_recipe(write_recipe(cell))) == canonical(cell) for cell in cells.values())
