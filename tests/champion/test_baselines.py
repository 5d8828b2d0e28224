"""A baseline that a verdict tells of can be taken: it answers raw files with exactly the score that was told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from evo_nas.champion.champion import load_champion
from evo_nas.champion.export import export_champion, export_network, exported_names, write_champion
from evo_nas.cli.app import main
from evo_nas.config import configured
from evo_nas.errors import ChampionError
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.baselines.fitting import FittedBaselines
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.registry import TASKS
from evo_nas.tasks.task import Prepared

HORIZON = 3


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def waves(rows: int = 200) -> pd.DataFrame:
    """Two series of a season of 12 steps, which is longer than the window."""
    rng, steps = np.random.default_rng(0), np.arange(rows)
    values = np.stack([40 * np.sin(steps / 12 * 2 * np.pi), 0.01 * steps], axis=1)
    return pd.DataFrame(1000 + values + rng.normal(size=(rows, 2)), columns=["a", "b"])


def experiment_of(folder: Path, task: dict[str, Any]) -> Experiment:
    settings = {"name": "small", "base_dir": str(folder), "task": task, "budget": {"evaluations": 2}}
    return Experiment.of(configured({**settings, "training": {"epochs": 1}, "space": {"widths": [4, 6]}}))


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, FittedBaselines]:
    """A run of a forecast that has begun, and its baselines."""
    folder = tmp_path_factory.mktemp("forecasts")
    waves().to_csv(folder / "waves.csv", index=False)
    task = {
        "kind": "forecast",
        "path": "waves.csv",
        "window": 8,
        "horizon": HORIZON,
        "season": 12,
        "targets": ["a", "b"],
    }
    experiment = experiment_of(folder, {**task, "split": [120, 40, 40]})
    run = Run.at(folder / "run")
    with experiment.open(run, executor="inline"):
        pass
    return run, run.baselines("mse", lambda: experiment.baselines)


@pytest.mark.parametrize("name", ["persistence", "seasonal-naive", "linear", "linear-on-changes"])
def test_a_forecast_of_a_raw_file_has_the_score_that_was_told(
    forecasts: tuple[Run, FittedBaselines], name: str, tmp_path: Path
) -> None:
    run, told = forecasts
    series = Path(run.location).parent / "waves.csv"
    out = tmp_path / "taken"
    assert command("export", run, "--which", f"baseline:{name}", "--out", out).exit_code == 0
    rolling = ["--rolling", "--stride", 1, "--output", tmp_path / "told.csv"]
    asked = command("predict", out, "--input", series, *rolling)
    assert asked.exit_code == 0, asked.output
    table = pd.read_csv(tmp_path / "told.csv")
    table = table[table.origin >= 160]
    errors = [(table[each] - table[f"{each}_truth"]) ** 2 for each in ("a", "b")]
    assert len(table) == (40 - HORIZON + 1) * HORIZON
    wanted = told[name.replace("-", " ")].score
    assert np.mean(errors) == pytest.approx(wanted, rel=1e-5)


def test_the_best_on_validation_is_taken_unless_one_is_named(
    forecasts: tuple[Run, FittedBaselines], tmp_path: Path
) -> None:
    run, told = forecasts
    kept = {name: result.validation for name, result in told.items() if result.validation is not None}
    best = min(kept, key=lambda name: kept[name])
    export_champion(run, tmp_path / "best", which="baseline")
    assert load_champion(tmp_path / "best").model.name == best
    assert exported_names(run)[:2] == ("baseline", f"baseline:{best.replace(' ', '-')}")
    assert len(kept) == 5


def test_a_season_that_validation_has_not_seen_is_not_kept(tmp_path: Path) -> None:
    waves(100).to_csv(tmp_path / "waves.csv", index=False)
    task = {
        "kind": "forecast",
        "path": "waves.csv",
        "window": 5,
        "horizon": 2,
        "season": 88,
        "targets": ["a"],
    }
    fitted = experiment_of(tmp_path, task).prepared.fit_baselines()
    assert fitted["seasonal naive"].score is not None
    assert fitted["seasonal naive"].validation is None
    assert set(fitted.files) == {"persistence", "linear", "linear on changes"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("persistence", "safetensors"),
        ("seasonal-naive", "c"),
        ("linear", "python"),
        ("linear-map-shared-by-columns", "onnx"),
    ],
)
def test_a_linear_forecast_leaves_in_every_format(
    forecasts: tuple[Run, FittedBaselines], name: str, kind: str, tmp_path: Path
) -> None:
    # Each is compared with the baseline itself before it is written.
    assert export_champion(forecasts[0], tmp_path / "out", kind=kind, which=f"baseline:{name}").files


def test_a_baseline_that_has_a_score_alone_is_refused_by_name(
    forecasts: tuple[Run, FittedBaselines], tmp_path: Path
) -> None:
    refused = command("export", forecasts[0], "--which", "baseline:AutoETS", "--out", tmp_path / "out")
    assert refused.exit_code == 2
    assert "baseline:AutoETS, which is not kept as a model" in refused.output
    assert "linear-on-changes" in refused.output
    assert not (tmp_path / "out").exists()


def test_a_baseline_is_no_network_to_train_on(forecasts: tuple[Run, FittedBaselines], tmp_path: Path) -> None:
    run, _ = forecasts
    export_champion(run, tmp_path / "taken", which="baseline:persistence")
    data = Path(run.location).parent / "waves.csv"
    refused = command("retrain", tmp_path / "taken", "--data", data, "--out", tmp_path / "new")
    assert refused.exit_code == 2
    assert "the baseline persistence and no network" in refused.output


def test_damaged_files_are_told_and_never_answer(
    forecasts: tuple[Run, FittedBaselines], tmp_path: Path
) -> None:
    run, _ = forecasts
    assert not list(run.damage())
    arrays = Path(run.location) / "baselines" / "linear" / "baseline.safetensors"
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        assert any("baselines/linear is damaged" in line for line in run.damage())
        with pytest.raises(ChampionError, match="the files of the baseline linear in .* are damaged"):
            export_champion(run, tmp_path / "out", which="baseline:linear")
    finally:
        arrays.write_bytes(whole)


def steps(rows: int = 60) -> pd.DataFrame:
    """Sequences of 3 to 8 steps with a large value in one column, whose sum tells the class of all of them."""
    rng, frames = np.random.default_rng(0), []
    for number in range(rows):
        values = rng.normal(size=(rng.integers(3, 9), 2))
        label = "up" if values[:, 0].sum() > 0 else "down"
        columns = {"sequence": f"s{number}", "x": 1e6 + values[:, 0], "y": values[:, 1], "label": label}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Prepared, FittedBaselines]:
    """A folder with ``steps.csv``, some of whose values are missing, its data set, and the baselines."""
    folder, frame = tmp_path_factory.mktemp("classifiers"), steps()
    frame.loc[frame.index % 7 == 2, "y"] = np.nan
    frame.to_csv(folder / "steps.csv", index=False)
    task = {"kind": "classification", "path": "steps.csv", "sequence": "sequence", "missing": "mask"}
    ready = experiment_of(folder, task).prepared
    return folder, ready, ready.fit_baselines()


def test_every_classifier_answers_raw_sequences_with_the_score_that_was_told(
    classifiers: tuple[Path, Prepared, FittedBaselines], tmp_path: Path
) -> None:
    _, ready, fitted = classifiers
    assert len(fitted.files) == 5
    sequences = list(ready.parts["test"].items)
    for name, files in fitted.files.items():
        write_champion(files, tmp_path / name)
        champion = load_champion(tmp_path / name)
        wanted = [str(champion.prepared.answers.classes[each]) for each in ready.dataset.test.targets]
        assert np.mean(champion.predict(sequences) == wanted) == pytest.approx(fitted[name].score), name


def test_a_baseline_predicts_a_file_with_probabilities(
    classifiers: tuple[Path, Prepared, FittedBaselines], tmp_path: Path
) -> None:
    folder, _, fitted = classifiers
    write_champion(fitted.files["random convolutions + ridge"], tmp_path / "taken")
    told = command("predict", tmp_path / "taken", "--input", folder / "steps.csv", "--score")
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[0].replace('"', "") == "sequence,prediction,p_down,p_up"
    assert len(told.stdout.splitlines()) == 61


def test_a_format_of_networks_refuses_what_is_none(
    classifiers: tuple[Path, Prepared, FittedBaselines], tmp_path: Path
) -> None:
    write_champion(classifiers[2].files["nearest neighbour"], tmp_path / "taken")
    with pytest.raises(ChampionError, match="the baseline nearest neighbour is no network and no linear map"):
        export_network(tmp_path / "taken", tmp_path / "out", kind="onnx")
    assert not (tmp_path / "out").exists()


def test_what_baselines_read_is_kept_without_masks(
    classifiers: tuple[Path, Prepared, FittedBaselines],
) -> None:
    _, ready, fitted = classifiers
    assert ready.dataset.signature.features == 4
    kept = Preparation.from_json(fitted.files["majority"]["preparation.json"])
    assert kept.inputs.features == 2
    assert isinstance(kept.answers, ClassAnswers)
    assert kept.recipe is not None


@pytest.mark.parametrize(
    ("kind", "name"), [("labelling", "logistic regression"), ("regression", "ridge regression")]
)
def test_linear_models_of_steps_and_numbers_are_written_as_networks(
    kind: str, name: str, tmp_path: Path
) -> None:
    files = TASKS[kind].sample(tmp_path).read().fit_baselines().files[name]
    write_champion(files, tmp_path / "taken")
    for form in ("python", "c"):
        assert export_network(tmp_path / "taken", tmp_path / form, kind=form).files
