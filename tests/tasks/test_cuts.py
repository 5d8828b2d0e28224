"""Cuts know nothing of what they are validated and tested on, in any unit, and are scored in the units of the first."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from evo_nas.config import configured
from evo_nas.errors import ConfigError
from evo_nas.experiment import Experiment
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.cuts.examples import ExampleCut
from evo_nas.tasks.cuts.making import with_cuts
from evo_nas.tasks.dataset import Dataset, Sequences, Windows
from evo_nas.tasks.registry import TASKS
from evo_nas.testing.cuts import CutContract, check_that_parts_are_apart

CONTRACT = CutContract()


def load(kind: str, cuts: int = 2, **options) -> Dataset:
    task = TASKS[kind]
    return with_cuts(task(task.Options.model_validate(options)).read().dataset, cuts)


@pytest.mark.parametrize("kind", list(TASKS))
def test_every_kind_of_task_has_further_cuts(kind, tmp_path) -> None:
    assert len(with_cuts(TASKS[kind].sample(tmp_path).read().dataset, 3).cuts) == 2


def test_one_cut_is_the_data_set_itself(tmp_path) -> None:
    dataset = TASKS["digits"].sample(tmp_path).read().dataset
    assert with_cuts(dataset, 1).cuts == ()
    assert with_cuts(dataset, 1).of_cut(0).train is dataset.train


def test_cuts_that_a_data_set_has_already_are_kept(tmp_path) -> None:
    dataset = with_cuts(TASKS["digits"].sample(tmp_path).read().dataset, 3)
    assert with_cuts(dataset, 3).cuts == dataset.cuts
    assert with_cuts(dataset, 2).cuts == dataset.cuts[:1]
    with pytest.raises(ConfigError, match="does not say how its examples may be drawn anew"):
        with_cuts(dataset, 4)


def test_cuts_travel_as_positions(tmp_path) -> None:
    dataset = TASKS["digits"].sample(tmp_path).read().dataset
    one, many = (len(pickle.dumps(with_cuts(dataset, cuts))) for cuts in (1, 11))
    positions = 8 * (len(dataset.train) + len(dataset.validation))
    assert many - one < 1.2 * 10 * positions


# Standardised with the statistics of their own training part.


def walks(path, *, spoilt: int = 500) -> np.ndarray:
    """Writes 500 rows of a random walk, of which those from ``spoilt`` on are far away."""
    rows = np.random.default_rng(0).normal(loc=[0.01, -0.02], size=(500, 2)).cumsum(axis=0)
    rows[spoilt:] = 50 + 3 * rows[spoilt:]
    path.write_text("a,b\n" + "\n".join(f"{a},{b}" for a, b in rows))
    return rows


def test_the_training_part_of_a_forecast_is_standardised_with_the_rows_before_its_block(tmp_path) -> None:
    rows = walks(tmp_path / "series.csv")
    dataset = load("forecast", 3, path=tmp_path / "series.csv", targets=["b"], window=10, horizon=4)
    for number, end in ((1, 300), (2, 250)):
        cut = dataset.of_cut(number)
        assert isinstance(cut.train, Windows)
        learnt = rows[:end]
        expected = (rows - learnt.mean(axis=0)) / learnt.std(axis=0)
        assert np.allclose(cut.train.inputs, expected, atol=1e-4)
        assert np.allclose(cut.train.targets, expected[:, 1:], atol=1e-4)
        assert cut.validation.origins.min() == end
        assert cut.train.origins.max() + 4 == end


def test_later_rows_change_nothing_that_a_cut_of_a_forecast_learns(tmp_path) -> None:
    trains = []
    for spoilt in (500, 300):
        walks(tmp_path / "series.csv", spoilt=spoilt)
        options = {"path": tmp_path / "series.csv", "targets": ["b"], "window": 10, "horizon": 4}
        trains.append(load("forecast", **options).of_cut(1).train.cut())
    assert np.allclose(trains[0].inputs, trains[1].inputs, atol=1e-4)
    assert np.allclose(trains[0].targets, trains[1].targets, atol=1e-4)


@pytest.mark.parametrize("metric", ["mse", "mae", "rmse", "mase", "wql"])
@pytest.mark.parametrize("units", ["original", "deviations"])
def test_a_cut_of_a_forecast_is_scored_in_the_units_of_the_first(tmp_path, metric, units) -> None:
    walks(tmp_path / "series.csv")
    options = {"path": tmp_path / "series.csv", "targets": ["a", "b"], "metric": metric, "units": units}
    options |= {"window": 10, "horizon": 4}
    dataset = load("forecast", **options, quantiles=[0.1, 0.5, 0.9])
    cut = dataset.of_cut(1)
    # The same forecast of the same rows, once in the units of each cut: that nothing changes.
    figures = []
    for each in (dataset, cut):
        windows = replace(each.validation, origins=cut.validation.origins)
        outputs = np.tile(windows.last_targets(), 4).repeat(3, axis=1)
        figures.append(each.metric.score(outputs, windows.cut().targets))
    assert figures[0] == pytest.approx(figures[1], rel=1e-4)


def test_last_values_have_the_unit_of_targets_in_every_cut(tmp_path) -> None:
    walks(tmp_path / "series.csv")
    lines = (tmp_path / "series.csv").read_text().splitlines()
    lines[120] = "1.5,"
    (tmp_path / "series.csv").write_text("\n".join(lines))
    for missing in ("mask", "interpolate", "previous"):
        options = {"path": tmp_path / "series.csv", "targets": ["b"], "window": 10, "horizon": 4}
        cut = load("forecast", **options, missing=missing).of_cut(1)
        at = cut.signature.last_values[0]
        known = ~np.isnan(cut.train.targets[:, 0])
        assert np.allclose(cut.train.inputs[known, at], cut.train.targets[known, 0], atol=1e-5)


def regression_rows(path, *, far: frozenset[int] = frozenset()) -> np.ndarray:
    """Writes 60 rows of 12 persons; values and targets of those in ``far`` are large."""
    rng = np.random.default_rng(1)
    person = np.arange(60) % 12
    values = rng.normal(5, 2, size=(60, 2)) + 30 * np.isin(person, list(far))[:, None]
    lines = [f"{a},{b},{10 * a + b},p{who}" for (a, b), who in zip(values, person, strict=True)]
    path.write_text("\n".join(["a,b,target,who", *lines]))
    return values


def test_persons_that_are_asked_change_nothing_that_is_learnt(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    regression_rows(path)
    options = {"path": path, "targets": ["target"], "features": 2, "group": "who"}
    first = load("regression", **options)
    chosen = first.cuts[0]
    assert isinstance(chosen, ExampleCut)
    asked = {int(name[1:]) for name in chosen.said.split("validation has ")[1].split(", ")}
    assert asked
    regression_rows(path, far=frozenset(asked))
    again = load("regression", **options)
    one, other = first.of_cut(1), again.of_cut(1)
    assert np.allclose(one.train.inputs, other.train.inputs, atol=1e-4)
    assert np.allclose(one.train.targets, other.train.targets, atol=1e-4)
    assert not np.allclose(one.validation.inputs, other.validation.inputs, atol=1e-1)
    assert np.allclose(one.train.targets.mean(), 0.0, atol=1e-5)
    assert one.train.targets.std() == pytest.approx(1.0, abs=1e-5)


def test_numbers_are_scored_in_the_units_of_the_file_in_every_cut(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    regression_rows(path)
    dataset = load("regression", 3, path=path, targets=["target"], features=2, metric="mae")
    for number in range(3):
        cut = dataset.of_cut(number)
        # Off by one deviation of the file's targets: the error of a mean of training tells the unit.
        outputs = np.zeros_like(cut.validation.targets)
        error = cut.metric.score(outputs, cut.validation.targets)
        assert 5 < error < 40  # targets deviate by about 20


def test_words_that_only_a_validation_part_has_are_unknown_there(tmp_path) -> None:
    path = tmp_path / "lines.txt"
    lines = [f"{'wet' if n % 2 else 'dry'} cloud w{n}" for n in range(60)]
    path.write_text("\n".join(lines))
    dataset = load("text_classification", path=path, split={"by": "time", "test": 10, "validation": 10})
    first = dataset.of_cut(0)
    assert (first.train.inputs > 0).all()
    cut = dataset.of_cut(1)
    assert (cut.train.inputs > 0).all()
    assert (cut.validation.inputs[:, 1] == 0).all()
    assert (cut.validation.inputs[:, 0] == dataset.vocabulary.index("cloud")).all()


def test_a_piece_of_a_text_is_asked_and_all_the_rest_is_learnt(tmp_path) -> None:
    path = tmp_path / "book.txt"
    letters = np.random.default_rng(0).integers(0, 26, 1000)
    letters[620:640] = 26  # a sign that only the piece of the second cut has
    path.write_text("".join(chr(ord("a") + number) for number in letters))
    dataset = load("language_model", 3, path=path, steps=8, split=[0.8, 0.1, 0.1])
    sign = dataset.vocabulary.index("{")
    assert sign in dataset.train.tokens
    cut = dataset.of_cut(2)
    text = np.concatenate([dataset.train.tokens, dataset.validation.tokens])
    assert np.array_equal(cut.train.tokens, np.concatenate([text[:600], text[700:]]))
    assert sign not in cut.train.tokens
    assert (cut.validation.tokens[20:40] == 0).all()


def test_weights_of_classes_make_up_for_the_shares_of_their_own_training_part(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal()},{'up' if row > 42 else 'down'},p{row // 5}" for row in range(60)]
    path.write_text("\n".join(["x,label,who", *lines]))
    options = {"path": path, "group": "who", "split": {"test": 6, "validation": 6}}
    dataset = load("classification", 4, **options, class_weights="balanced")
    for number in range(4):
        cut = dataset.of_cut(number)
        counts = np.bincount(cut.train.targets, minlength=2)
        assert cut.class_weights is not None
        assert np.allclose(cut.class_weights * counts, len(cut.train) / 2)


def test_holes_stay_the_mean_of_training(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    rng = np.random.default_rng(0)
    lines = [
        f"{'' if row % 7 == 3 else 5 + row + rng.normal()},{rng.normal()},{'up' if row % 2 else 'down'}"
        for row in range(60)
    ]
    path.write_text("\n".join(["x,y,label", *lines]))
    cut = load("classification", path=path, missing="mask").of_cut(1)
    values = cut.train.inputs.reshape(-1, cut.train.inputs.shape[-1])
    is_known = values[:, 1] > 0
    assert 0 < is_known.sum() < len(is_known)
    assert (values[~is_known, 0] == 0).all()
    assert values[is_known, 0].mean() == pytest.approx(0, abs=1e-5)
    assert values[is_known, 0].std() == pytest.approx(1, abs=1e-5)


# Panels and groups.


def test_the_unit_of_a_panel_is_what_was_known_when_a_cut_forecasts(tmp_path) -> None:
    rng = np.random.default_rng(0)
    values = {f"s{number}": 10 + rng.normal(size=40).cumsum() for number in range(6)}
    path = tmp_path / "panel.csv"
    lines = [f"{name},{value}" for name, series in values.items() for value in series]
    path.write_text("\n".join(["id,sales", *lines]))
    dataset = load("panel", path=path, series="id", window=8, horizon=3)
    cut = dataset.of_cut(1)
    assert isinstance(cut.validation, Sequences)
    for row, series in enumerate(values.values()):
        known = series[
            : 40 - 9
        ]  # the test part, the first validation part and this one have three steps each
        unit = np.abs(np.diff(known)).mean()
        assert np.allclose(cut.validation.targets[row], series[31:34] / unit, rtol=1e-4)


def test_whole_groups_are_asked_of_arrays_in_memory() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 6)
    inputs = rng.normal(size=(60, 4, 1)) + 100 * groups[:, None, None]
    dataset = with_cuts(
        dataset_from_arrays(inputs, np.tile(["a", "b"], 30), kind="classification", groups=groups), 4
    )
    mean, scale = 0.0, 1.0
    for number in range(4):
        cut = dataset.of_cut(number)
        levels = [np.unique(np.round(20 * part.inputs.mean(axis=(1, 2)))) for part in cut.parts.values()]
        assert not set(levels[0]) & set(levels[1])
        assert mean < scale


# Leaks that are planted are found.


class Leaky(ExampleCut):
    """Standardises with the validation part, too."""

    def applied(self, dataset: Dataset) -> Dataset:
        cut = super().applied(dataset)
        everything = np.concatenate([cut.train.inputs, cut.validation.inputs])
        moved = [replace(part, inputs=part.inputs - everything.mean()) for part in cut.parts.values()]
        return cut.with_parts(*moved)


def test_statistics_of_the_validation_part_are_found(tmp_path) -> None:
    dataset = with_cuts(TASKS["classification"].sample(tmp_path).read().dataset, 3)
    CONTRACT.test_only_its_training_rows_decide_what_a_cut_learns_from(dataset)
    leaky = replace(dataset, cuts=tuple(Leaky(cut.train, cut.validation, cut.said) for cut in dataset.cuts))
    with pytest.raises(AssertionError):
        CONTRACT.test_only_its_training_rows_decide_what_a_cut_learns_from(leaky)


def test_a_row_that_is_learnt_and_asked_is_found(tmp_path) -> None:
    dataset = with_cuts(TASKS["classification"].sample(tmp_path).read().dataset, 3)
    CONTRACT.test_a_cut_asks_nothing_that_it_learnt_and_leaves_the_test_part_alone(dataset)
    first = dataset.cuts[0]
    torn = replace(first, train=np.sort(np.append(first.train, first.validation[0])))
    with pytest.raises(AssertionError):
        CONTRACT.test_a_cut_asks_nothing_that_it_learnt_and_leaves_the_test_part_alone(
            replace(dataset, cuts=(torn, *dataset.cuts[1:]))
        )


def test_a_forecast_of_training_that_reaches_into_the_block_is_found(tmp_path) -> None:
    dataset = with_cuts(TASKS["forecast"].sample(tmp_path).read().dataset, 2)
    check_that_parts_are_apart(dataset.of_cut(1))
    late = replace(dataset.cuts[0], train=np.append(dataset.cuts[0].train, dataset.cuts[0].train[-1] + 1))
    with pytest.raises(AssertionError):
        check_that_parts_are_apart(replace(dataset, cuts=(late,)).of_cut(1))


# What cannot be cut.


def test_more_cuts_than_there_are_blocks_are_refused_with_how_many_there_are(tmp_path) -> None:
    walks(tmp_path / "series.csv")
    options = {"path": tmp_path / "series.csv", "targets": ["a"], "window": 10, "horizon": 4}
    options["split"] = [300, 100, 50]
    assert len(load("forecast", 3, **options).cuts) == 2
    with pytest.raises(
        ConfigError,
        match=r"^validation\.cuts is 9, but forecast of a can give 3, the first included, since",
    ):
        load("forecast", 9, **options)


def test_more_cuts_than_groups_are_refused(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{row * row / 7},{'up' if row % 3 else 'down'},p{row % 4}" for row in range(40)]
    path.write_text("\n".join(["x,label,who", *lines]))
    with pytest.raises(ConfigError, match=r"can give 3, .* have 3 groups, which stay whole, .*; lower it"):
        load("classification", 4, path=path, group="who", split={"test": 10, "validation": 10})


def test_a_text_without_further_pieces_is_refused(tmp_path) -> None:
    (tmp_path / "book.txt").write_text("abcdefgh " * 100)
    with pytest.raises(ConfigError, match=r"validation\.cuts is 3.* can give 2, .* no further piece"):
        load("language_model", 3, path=tmp_path / "book.txt", steps=8, split=[0.4, 0.3, 0.3])


def test_series_with_validation_files_of_their_own_are_refused(tmp_path) -> None:
    walks(tmp_path / "one.csv")
    walks(tmp_path / "two.csv", spoilt=0)
    options = {"path": tmp_path / "one.csv", "validation_path": tmp_path / "two.csv", "targets": ["a"]}
    with pytest.raises(
        ConfigError, match=r"can give 1, .* since no series has a training and a validation part"
    ):
        load("forecast", **options, window=10, horizon=4)


def test_a_data_set_that_does_not_say_how_it_was_drawn_is_refused() -> None:
    rng = np.random.default_rng(0)
    dataset = dataset_from_arrays(rng.normal(size=(60, 4, 1)), rng.integers(0, 2, 60), kind="classification")
    with pytest.raises(ConfigError, match=r"does not say how its examples may be drawn anew.*; set it to 1"):
        with_cuts(replace(dataset, resampling=None), 2)


def test_a_configuration_that_asks_for_too_many_cuts_is_refused_when_the_data_are_read(tmp_path) -> None:
    walks(tmp_path / "series.csv")
    task = {"kind": "forecast", "path": str(tmp_path / "series.csv"), "targets": ["a"]}
    settings = {"name": "walks", "task": task | {"window": 10, "horizon": 4}, "budget": {"evaluations": 1}}
    config = configured({**settings, "validation": {"cuts": 50}})
    with pytest.raises(ConfigError, match=r"validation\.cuts is 50"):
        _ = Experiment.of(config).prepared
    few = configured({**settings, "validation": {"cuts": 2}})
    assert len(Experiment.of(few).dataset.cuts) == 1
