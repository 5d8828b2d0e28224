"""An explanation says what a network computes, where it comes from and what it hangs on, in plain values."""

from __future__ import annotations

import json
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from evo_nas.champion import importance
from evo_nas.champion.explanation import explained
from evo_nas.champion.importance import gene_importance
from evo_nas.champion.kinship import closest_published
from evo_nas.champion.probing import probed
from evo_nas.errors import ChampionError
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.ledger.contents import concatenate
from evo_nas.models.network import Network
from evo_nas.tasks.arrays import dataset_from_arrays

RNG = np.random.default_rng(0)
WAVES = RNG.normal(size=(60, 8, 2))
CLASSES = np.where(WAVES[:, -1, 0] > 0, "high", "low")
DATASET = dataset_from_arrays(WAVES, CLASSES, kind="classification")


def test_a_published_cell_is_the_same_as_itself() -> None:
    kin = closest_published(NAMED_CELLS["lstm"])
    assert (kin.name, kin.differences) == ("LSTM", ())
    assert kin.likeness == pytest.approx(1)


def test_a_changed_cell_is_closest_to_what_it_was_made_of() -> None:
    lstm = NAMED_CELLS["lstm"]
    nodes = tuple(Node(Op.RELU, node.inputs) if node.op is Op.TANH else node for node in lstm.nodes)
    kin = closest_published(CellGraph(2, nodes, lstm.outputs))
    assert kin.name == "LSTM"
    assert 0.3 < kin.likeness < 1
    assert kin.differences == ("more ops: 2 relu", "fewer ops: 2 tanh")


def constant_gate(value: float) -> Network:
    """A network whose only gate ``z``, that of the old state, is always ``value``."""
    network = Network(Architecture((Layer(NAMED_CELLS["gilr"], 3),)), DATASET.signature).eval()
    recurrence = network.layers[0].recurrence
    with torch.no_grad():
        for node in recurrence.cell.nodes:
            if node.op is Op.SIGMOID:
                source = node.inputs[0] - recurrence.cell.first_node
                getattr(recurrence, f"weight_{source}").zero_()
                getattr(recurrence, f"bias_{source}").fill_(float(np.log(value / (1 - value))))
    return network


def test_gates_and_memory_are_those_of_the_equations() -> None:
    # What is left of a state after n steps is 0.5**n, of which the first is seen after one step.
    probe = probed(constant_gate(0.5), DATASET)
    (gate,) = probe.gates
    assert (gate.gate, gate.mean, gate.spread) == ("z", pytest.approx(0.5), pytest.approx(0, abs=1e-6))
    assert (gate.shut, gate.open) == (0, 0)
    assert probe.timescales[0].steps == 2
    assert probed(constant_gate(0.97), DATASET).gates[0].open == 1
    assert probed(constant_gate(0.97), DATASET).timescales[0].steps is None


def test_the_whole_history_gives_the_metric_of_the_sample() -> None:
    probe = probed(constant_gate(0.5), DATASET)
    assert list(probe.history) == [1, 2, 4, 8]
    assert probe.history[8] == pytest.approx(probe.value)
    assert len(probe.inputs) == 2


def scores_of_widths(space: SearchSpace, count: int) -> pa.Table:
    """Trainings whose scores hang on the width, while three other genes vary as well."""
    rng = Random(0)
    decisive = next(at for at, gene in enumerate(space.genes) if gene.name == "layer1.width")
    others = [at for at, gene in enumerate(space.genes) if gene.size in (2, 3) and at != decisive][:3]
    first = list(space.random(rng))
    genomes = [list(first) for _ in range(count)]
    for genome in genomes:
        for at in (decisive, *others):
            genome[at] = rng.randrange(space.genes[at].size)
    return pa.table(
        {
            "genome": genomes,
            "fitness": [float(genome[decisive]) + 0.01 * rng.random() for genome in genomes],
            "starts_from": [""] * count,
            "id": range(count),
            "seq": range(count),
        }
    )


def run_of(table: pa.Table) -> Any:
    return SimpleNamespace(columns=lambda names: concatenate([SimpleNamespace(table=table.select(names))]))


def test_the_gene_that_decides_is_the_most_important() -> None:
    space = SearchSpace(SpaceOptions(widths=(4, 8, 16)), DATASET.signature, epochs=4)
    table = scores_of_widths(space, 120)
    found = gene_importance(run_of(table), space)
    assert next(iter(found)) == "layer1.width"
    assert sum(found.values()) == pytest.approx(1)
    with pytest.raises(ChampionError, match="has 19 scores; .* at least 20"):
        gene_importance(run_of(table.slice(0, 19)), space)


def test_of_many_trainings_the_same_few_tell_the_genes_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SearchSpace(SpaceOptions(widths=(4, 8, 16)), DATASET.signature, epochs=4)
    table = scores_of_widths(space, 400)
    whole = gene_importance(run_of(table), space)
    monkeypatch.setattr(importance, "MOST", 100)
    some = gene_importance(run_of(table), space)
    assert some != whole
    assert next(iter(some)) == "layer1.width"
    assert gene_importance(run_of(table), space) == some


def test_an_explanation_is_plain_values() -> None:
    values = explained(Architecture((Layer(NAMED_CELLS["gru"], 4),))).to_values()
    assert json.loads(json.dumps(values))["cells"][0]["kin"]["name"] == "GRU"
