"""The example of every task is one that its champion answers."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from evo_nas.champion.champion import Champion
from evo_nas.data.paths import without_paths
from evo_nas.errors import EvoNasError
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.server.predicting import PredictRequest, answered
from evo_nas.tasks.preparation import Recipe
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.task import Task
from evo_nas.views.examples import example_inputs, first_sequence

WITHOUT_RAW_DATA = {"in_memory", "few_shot"}
"""They say nothing of raw data, or what a network adapts to comes with them."""


def untrained(task: Task) -> Champion:
    dataset = task.read().dataset
    with SeededInit(torch.Generator().manual_seed(1)):
        embedding = 4 if dataset.signature.vocabulary else None
        layers = (Layer(NAMED_CELLS["gru"], 4),)
        network = Network(Architecture(layers=layers, embedding=embedding), dataset.signature)
    recipe = Recipe(task.kind, without_paths(task.options), {})
    return Champion(network.eval(), dataset.preparation and dataset.preparation.with_recipe(recipe))


@pytest.mark.parametrize("kind", sorted(set(TASKS) - WITHOUT_RAW_DATA))
def test_the_example_of_a_task_is_answered(kind: str, tmp_path: Path) -> None:
    champion = untrained(TASKS[kind].sample(tmp_path))
    example = example_inputs(champion.prepared, champion.model.signature)
    answer = answered(champion, PredictRequest(**example))
    assert answer.rows or answer.text


@pytest.mark.parametrize("kind", sorted(set(TASKS) - WITHOUT_RAW_DATA - {"panel", "multi_label"}))
def test_an_example_of_the_data_is_what_the_network_has_read(kind: str, tmp_path: Path) -> None:
    task = TASKS[kind].sample(tmp_path)
    champion, dataset = untrained(task), task.read().dataset
    seen = first_sequence(dataset.test)
    assert seen is not None
    example = example_inputs(champion.prepared, champion.model.signature, seen=seen)
    assert answered(champion, PredictRequest(**example)).columns is not None
    if "inputs" in example and champion.model.signature.features:
        read, _ = champion.prepared.inputs.raw([np.array(example["inputs"][0])])
        assert read[0] == pytest.approx(seen, rel=1e-2, abs=1e-2)


NESTED: list = []
for _ in range(100):
    NESTED = [NESTED]
ODD = [None, 1, "\ud800", "", [], [[]], NESTED, [10**400], [1e300], [[0, 1]], [True], ["0", None], {"a": 1}]


@pytest.mark.parametrize("kind", ["parity", "digits", "language_model", "multi_label", "forecast", "panel"])
def test_whatever_is_posted_is_answered_or_refused_with_a_reason(kind: str, tmp_path: Path) -> None:
    champion = untrained(TASKS[kind].sample(tmp_path))
    posted = [{"inputs": [each]} for each in ODD] + [{"inputs": [each], "length": 2} for each in ODD]
    posted += [{"rows": [{"a": each}]} for each in ODD] + [{"text": "a", "temperature": 1e-300}]
    for body in posted:
        with suppress(EvoNasError):
            assert answered(champion, PredictRequest(**body)).columns is not None
