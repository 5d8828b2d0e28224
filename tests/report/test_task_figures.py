import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from evo_nas.champion.champion import Champion
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.space import SearchSpace
from evo_nas.models.network import Network
from evo_nas.report.class_figures import class_rows, confusion, confusion_figure
from evo_nas.report.figures import NEEDS
from evo_nas.report.task_figures import task_figures
from evo_nas.tasks.dataset import Windows
from evo_nas.tasks.registry import TASKS
from evo_nas.training.forward import predictions_of

pytest.importorskip("vl_convert", reason="vl-convert-python draws the figures")
FIGURES = {
    "forecast": {"forecasts", "error-by-step"},
    "multi_label": {"roll"},
    "panel": {"forecasts", "error-by-step"},
    "regression": {"predictions"},
}
"""What a person of the task would look at."""


def sampled(kind, folder):
    dataset = TASKS[kind].sample(folder).read().dataset
    return untrained(dataset), dataset


def untrained(dataset):
    space = SearchSpace(SpaceOptions(), dataset.signature, epochs=1)
    torch.manual_seed(0)
    return Champion(Network(space.decode(space.seeds()[0][1]), dataset.signature).eval())


@pytest.mark.parametrize("kind", FIGURES)
def test_a_task_has_the_figures_that_a_person_of_it_would_look_at(kind, tmp_path):
    figures = list(task_figures(*sampled(kind, tmp_path)))
    assert {figure.name for figure in figures} == FIGURES[kind] <= NEEDS.keys()
    for figure in figures:
        ElementTree.fromstring(figure.svg())
        assert "NaN" not in figure.svg()


@pytest.mark.parametrize("kind", ["classification", "tagging"])
def test_a_confusion_matrix_counts_every_answer_on_the_test_part(kind, tmp_path):
    champion, dataset = sampled(kind, tmp_path)
    counts = confusion(champion.model, dataset)
    shown = confusion_figure(counts, dataset.classes).spec["data"]["values"]
    parts = list(predictions_of(champion.model, dataset, "test"))
    assert sum(each["count"] for each in shown) == sum(len(part.targets) for part in parts)
    assert sum(row.examples for row in class_rows(counts, dataset.classes)) == counts.sum()
    right = sum(each["count"] for each in shown if each["truth"] == each["answer"])
    assert right == sum(int((part.outputs.argmax(1) == part.targets).sum()) for part in parts)


def test_forecasts_are_drawn_in_the_units_of_the_file(tmp_path):
    champion, dataset = sampled("forecast", tmp_path)
    figure, _ = task_figures(champion, dataset)
    answers, part = dataset.preparation.answers, dataset.test
    assert isinstance(part, Windows)
    truth = [each["value"] for each in figure.spec["data"]["values"] if each["what"] == "truth"]
    origin = int(part.origins[0])
    expected = part.targets[origin, 0] * answers.scale[0] + answers.mean[0]
    assert any(np.isclose(value, expected, rtol=1e-4) for value in truth)


def test_a_forecast_of_quantiles_has_an_unbroken_band_over_its_horizon(tmp_path):
    task = TASKS["forecast"].sample(tmp_path)
    quantiles = {"quantiles": (0.1, 0.5, 0.9), "metric": "wql"}
    dataset = type(task)(task.options.model_copy(update=quantiles)).read().dataset
    figure, _ = task_figures(untrained(dataset), dataset)
    bands = re.findall(r'class="mark-area.*?<path d="([^"]*)"', figure.svg(), re.DOTALL)
    places = {each["place"] for each in figure.spec["data"]["values"]}
    assert len(bands) == len(places)
    # Along its upper bound and back along the lower one without a break.
    assert all((band.count("M"), band.count("L")) == (1, 2 * dataset.test.horizon - 1) for band in bands)


@pytest.mark.parametrize("quantiles", [None, (0.1, 0.5, 0.9)])
def test_series_of_a_panel_are_drawn_beside_what_came(tmp_path, quantiles):
    task = TASKS["panel"].sample(tmp_path)
    dataset = type(task)(task.options.model_copy(update={"quantiles": quantiles})).read().dataset
    champion, part = untrained(dataset), dataset.test
    beside, growing = task_figures(champion, dataset)
    shown = beside.spec["data"]["values"]
    assert next(reversed(shown))["place"] == "series 12 of 12"
    last = [each for each in shown if each["place"] == "series 12 of 12"]
    truth = [each["value"] for each in last if each["what"] == "truth"]
    assert truth[-3:] == pytest.approx(part.targets[-1].tolist(), rel=1e-4)
    assert truth[:-3] == pytest.approx(part.inputs[-1, -6:, -1].tolist(), rel=1e-4)
    assert sum("low" in each for each in last) == (3 if quantiles else 0)
    # A champion whose error is the metric: the mean over the steps is the MASE.
    errors = [each["error"] for each in growing.spec["data"]["values"] if each["what"] == "champion"]
    outputs = champion.outputs(part.inputs, part.lengths)
    assert np.mean(errors) == pytest.approx(dataset.metric.score(outputs, part.targets), rel=1e-4)


def test_numbers_have_no_confusion_of_classes(tmp_path):
    champion, dataset = sampled("regression", tmp_path)
    assert confusion(champion.model, dataset) is None
