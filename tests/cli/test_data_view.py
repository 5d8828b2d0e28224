"""A data set in words: what networks read and predict, its classes and a few samples."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from evo_nas.cli.data_view import data_view
from evo_nas.cli.encoding import BARS
from evo_nas.cli.sparklines import sparklines
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.baselines.fitting import BaselineResult
from evo_nas.tasks.cuts.making import with_cuts
from evo_nas.tasks.dataset import Dataset, Sequences
from evo_nas.tasks.registry import TASKS
from evo_nas.views.data import data_fields

WAVES = np.random.default_rng(0).normal(size=(60, 5, 1))
DATA = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)) > 0, kind="classification")


def shown(dataset: Dataset, **baselines: float) -> str:
    console = Console(width=120, highlight=False)
    with console.capture() as capture:
        console.print(
            data_view(dataset, {name: BaselineResult(score, 0.25) for name, score in baselines.items()})
        )
    return capture.get()


def test_one_value_is_not_one_values() -> None:
    regression = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)), kind="regression")
    assert "networks read 1 value per step and predict 1 value at the end" in shown(regression)
    assert f"search optimises {regression.metric.name}, lower is better" in shown(regression)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("tagging", "networks read 6 kinds of tokens and predict one of 3 classes at every step"),
        ("language_model", "networks read 29 kinds of tokens and predict a token at every step"),
        ("multi_label", "networks read 4 values per step and predict yes or no for 4 keys at every step"),
        ("forecast", "networks read 2 values per step and predict 3 values at the end"),
        (
            "panel",
            "networks read 4 values per step and predict the quantiles 0.1, 0.5, 0.9 of 3 values at the end",
        ),
    ],
)
def test_every_objective_is_a_sentence(kind, sentence, tmp_path) -> None:
    assert sentence in shown(TASKS[kind].sample(tmp_path).read().dataset)


def test_every_further_cut_is_a_line_with_its_sizes_and_what_it_is_validated_on(tmp_path) -> None:
    assert "cut 1" not in shown(DATA)
    assert data_fields(DATA, {})["cuts"] == []
    groups = np.repeat([f"p{number}" for number in range(10)], 6)
    grouped = dataset_from_arrays(WAVES, np.tile(["a", "b"], 30), kind="classification", groups=groups)
    lines = data_fields(with_cuts(grouped, 3), {})["cuts"]
    assert len(lines) == 2
    for number, line in enumerate(lines, start=1):
        assert re.fullmatch(rf"cut {number}: 42 training and 6 validation examples, validation has p\d", line)
        assert line in shown(with_cuts(grouped, 3))
    forecast = with_cuts(TASKS["forecast"].sample(tmp_path).read().dataset, 2)
    assert (
        "cut 1: 108 training and 18 validation forecasts, validation of rows 121 to 140, training before"
        in shown(forecast)
    )


def test_targets_that_are_missing_are_said_not_to_count() -> None:
    regression = dataset_from_arrays(WAVES, WAVES.sum(axis=(1, 2)), kind="regression")
    assert "does not count" not in shown(regression)
    assert "a target that is missing does not count" in shown(replace(regression, has_target_holes=True))


def test_classes_are_counted_in_each_part() -> None:
    assert data_fields(DATA, {})["classes"] == {
        name: [int((part.targets == index).sum()) for part in DATA.parts.values()]
        for index, name in enumerate(DATA.classes)
    }


def test_steps_beyond_a_sequence_are_no_class() -> None:
    part = Sequences(
        np.zeros((2, 3, 1), np.float32), np.array([[0, 1, 0], [1, 0, 0]]), lengths=np.array([3, 1])
    )
    steps = replace(DATA, signature=Signature(1, 2, per_step=True), train=part, validation=part, test=part)
    assert data_fields(steps, {})["classes"] == {"False": [2, 2, 2], "True": [2, 2, 2]}


def test_many_classes_are_cut_short() -> None:
    labels = np.repeat(np.arange(30), 10)
    many = dataset_from_arrays(
        np.random.default_rng(0).normal(size=(300, 2, 1)), labels, kind="classification"
    )
    assert "and 10 more" in shown(many)


def test_baselines_are_shown_with_the_metric() -> None:
    output = shown(DATA, majority=0.5)
    assert "test accuracy" in output
    assert "0.5000" in output
    assert "baseline" not in shown(DATA)


def test_the_reason_why_a_baseline_has_no_score_is_shown_whole() -> None:
    reason = "needs statsforecast; run pip install 'evo-nas[baselines]', which is a long way to say so"
    console = Console(width=80, highlight=False)
    with console.capture() as capture:
        console.print(data_view(DATA, {"[red]AutoETS": BaselineResult(None, 1.25, reason)}))
    words = " ".join(capture.get().split())
    assert "[red]AutoETS" in words
    assert "1.2" in words
    assert all(word in words for word in reason.split())


def test_machines_read_plain_values() -> None:
    fields = data_fields(DATA, {"majority": BaselineResult(0.5, 0.25, validation=0.75)})
    assert fields["parts"]["test"] == {"examples": 12, "shortest": 5, "longest": 5}
    assert (fields["features"], fields["outputs"], fields["per_step"]) == (1, 2, False)
    assert fields["baselines"] == {"majority": {"score": 0.5, "cpu_s": 0.25, "note": "", "validation": 0.75}}


def test_a_forecast_shows_the_course_of_every_column_in_every_part(tmp_path) -> None:
    dataset = TASKS["forecast"].sample(tmp_path).read().dataset
    lines = shown(dataset).split("\n")
    heading = next(at for at, line in enumerate(lines) if line.startswith("column"))
    assert lines[heading].split() == ["column", "least", "most", "train", "validation", "test"]
    assert [line.split()[0] for line in lines[heading + 1 : heading + 3]] == ["a", "b"]
    assert set(lines[heading + 1].split()[3]) <= set(BARS)


def test_sparklines_share_their_scale_and_leave_holes_blank() -> None:
    pieces = [np.arange(10.0), np.array([np.nan] * 5), np.arange(10.0, 20.0)]
    first, hole, last = sparklines(pieces, 25)
    assert (first[0], last[-1]) == (BARS[0], BARS[-1])
    assert set(hole) == {" "}
    assert sparklines([np.ones(9), np.ones(3)], 12) == [BARS[0] * 9, BARS[0] * 3]


def test_machines_read_all_that_people_read(tmp_path) -> None:
    fields = data_fields(DATA, {})
    said = shown(DATA).replace("\n", " ")
    assert all(" ".join(sentence.split()) in " ".join(said.split()) for sentence in fields["facts"])
    assert all(" ".join(sample.split()) in " ".join(said.split()) for sample in fields["samples"])
