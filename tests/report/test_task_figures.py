from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.models.network import Network
from evo_nas.report.task_figures import class_rows, task_figures
from evo_nas.tasks.dataset import Objective, Windows
from evo_nas.tasks.registry import TASKS
from evo_nas.training.forward import predictions_of

pytest.importorskip("vl_convert", reason="vl-convert-python draws the figures")
FIGURES = {
    "classification": {"confusion"},
    "forecast": {"forecasts", "error-by-step"},
    "multi_label": {"roll"},
    "regression": {"predictions"},
    "tagging": {"confusion"},
}
"""What a person of the task would look at."""


def sampled(kind, folder):
    dataset = TASKS[kind].sample(folder).read().dataset
    space = SearchSpace(SpaceOptions(), dataset.signature, epochs=1)
    torch.manual_seed(0)
    return Network(space.decode(space.seeds()[0][1]), dataset.signature).eval(), dataset


@pytest.mark.parametrize("kind", FIGURES)
def test_a_task_has_the_figures_that_a_person_of_it_would_look_at(kind, tmp_path):
    figures = list(task_figures(*sampled(kind, tmp_path)))
    assert {figure.name for figure in figures} == FIGURES[kind]
    for figure in figures:
        ElementTree.fromstring(figure.svg())
        assert "NaN" not in figure.svg()


def test_a_confusion_matrix_counts_every_example_of_the_test_part(tmp_path):
    network, dataset = sampled("classification", tmp_path)
    (figure,) = task_figures(network, dataset)
    counts = [each["count"] for each in figure.spec["data"]["values"]]
    assert sum(counts) == len(dataset.test)
    assert sum(row.examples for row in class_rows(network, dataset)) == len(dataset.test)
    right = sum(each["count"] for each in figure.spec["data"]["values"] if each["truth"] == each["answer"])
    (part,) = predictions_of(network, dataset, "test")
    assert right == int((part.outputs.argmax(1) == part.targets).sum())


def test_forecasts_are_drawn_in_the_units_of_the_file(tmp_path):
    network, dataset = sampled("forecast", tmp_path)
    figure, _ = task_figures(network, dataset)
    answers, part = dataset.preparation.answers, dataset.test
    assert isinstance(part, Windows)
    truth = [each["value"] for each in figure.spec["data"]["values"] if each["what"] == "truth"]
    origin = int(part.origins[0])
    expected = part.targets[origin, 0] * answers.scale[0] + answers.mean[0]
    assert any(np.isclose(value, expected, rtol=1e-4) for value in truth)


def test_numbers_without_classes_have_no_table_of_classes(tmp_path):
    network, dataset = sampled("regression", tmp_path)
    assert dataset.objective is Objective.MSE
    assert class_rows(network, dataset) == []
