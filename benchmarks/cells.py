"""The recurrent cells that are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome import options
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.published import read_arc, read_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.genome.cell import CellGraph

# The first eight nodes of the cell that ENAS published for Penn Treebank.
ENAS_8 = read_arc("0 0 0 1 1 2 1 2 0 2 0 5 1 1 0")
# The best recipe of more than ten nodes but LSTM among the NAS-Bench-NLP runs on WikiText-2.
RECIPE = read_recipe(
    '{"node_0": {"op": "linear", "input": ["h_prev_0", "h_prev_1"]},'
    ' "node_1": {"op": "activation_leaky_relu", "input": ["node_0"]},'
    ' "node_4": {"op": "linear", "input": ["node_1", "h_prev_1", "h_prev_0"]},'
    ' "node_5": {"op": "activation_tanh", "input": ["node_4"]},'
    ' "node_6": {"op": "linear", "input": ["x", "h_prev_1"]},'
    ' "node_7": {"op": "activation_leaky_relu", "input": ["node_6"]},'
    ' "node_8": {"op": "linear", "input": ["node_7", "node_5"]},'
    ' "node_10": {"op": "linear", "input": ["node_5", "x"]},'
    ' "node_11": {"op": "activation_sigm", "input": ["node_10"]},'
    ' "h_new_0": {"op": "blend", "input": ["node_6", "node_11", "node_1"]},'
    ' "h_new_1": {"op": "activation_leaky_relu", "input": ["node_8"]}}'
)
CELLS: Mapping[str, CellGraph] = {
    "LSTM": NAMED_CELLS["lstm"],
    "GRU": NAMED_CELLS["gru"],
    "ENAS, 8 nodes": ENAS_8,
    "NAS-Bench-NLP, 11 nodes": RECIPE,
}
LINEAR_CELLS: Mapping[str, CellGraph] = {name: NAMED_CELLS[name] for name in options.LINEAR_CELLS}
"""The published linear recurrences."""
