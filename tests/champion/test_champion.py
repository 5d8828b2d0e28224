"""A champion takes raw sequences and gives answers in the words and units of the data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import evo_nas
from evo_nas.champion.champion import Champion, load_champion
from evo_nas.champion.export import export_champion
from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import ChampionError, DataError
from evo_nas.runs import Run
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.testing.champions import tiny_champion

RNG = np.random.default_rng(0)
WAVES = RNG.normal(loc=50, scale=9, size=(60, 7, 2))
CLASSES = np.where(WAVES.mean(axis=(1, 2)) > 50, "high", "low")
IN_TIME = SplitOptions(by="time", validation=6, test=12)
SETTINGS = {
    "name": "tiny",
    "space": {"widths": [4], "batch_sizes": [32], "cell_nodes": 8},
    "training": {"epochs": 1, "device": "cpu"},
    "budget": {"evaluations": 2},
}


def searched(dataset, run: Path) -> Run:
    evo_nas.search(SETTINGS, run, dataset=dataset, executor="inline")
    return Run.at(run)


@pytest.fixture(scope="module")
def classified(tmp_path_factory):
    dataset = dataset_from_arrays(WAVES, CLASSES, kind="classification", split=IN_TIME)
    return dataset, searched(dataset, tmp_path_factory.mktemp("classes") / "run")


def test_raw_sequences_get_the_classes_that_prepared_ones_get(classified, tmp_path: Path) -> None:
    dataset, run = classified
    export_champion(run, tmp_path / "out")
    network = evo_nas.load_champion(tmp_path / "out").model
    with torch.inference_mode():
        logits = network(torch.from_numpy(dataset.test.inputs)).numpy()
    wanted = np.array(dataset.classes)[logits.argmax(axis=1)]
    for place in (str(run), tmp_path / "out"):
        champion = load_champion(place)
        assert champion.predict(WAVES[48:]).tolist() == wanted.tolist()
        assert champion.preparation.answers.classes == ("high", "low")
    probabilities = champion.predict_proba(WAVES[48:])
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(12))
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_sequences_may_differ_in_length(classified) -> None:
    champion = load_champion(str(classified[1]))
    alone = [champion.predict([wave])[0] for wave in (WAVES[0], WAVES[1, :3])]
    assert champion.predict([WAVES[0], WAVES[1, :3]]).tolist() == alone


def test_columns_of_frames_are_matched_by_name(tmp_path: Path) -> None:
    frames = [pd.DataFrame(wave, columns=["x", "y"]) for wave in WAVES]
    run = searched(dataset_from_arrays(frames, CLASSES, kind="classification"), tmp_path / "run")
    champion = load_champion(str(run))
    swapped = [frame[["y", "x"]] for frame in frames]
    assert champion.predict(swapped).tolist() == champion.predict(frames).tolist()
    with pytest.raises(DataError, match="raw inputs 1 has no column 'y'"):
        champion.predict([frame[["x"]] for frame in frames])


def test_numbers_come_back_in_the_units_of_the_targets(tmp_path: Path) -> None:
    targets = 1e6 + 1000 * WAVES.mean(axis=(1, 2))
    dataset = dataset_from_arrays(WAVES, targets, kind="regression", split=IN_TIME)
    champion = load_champion(str(searched(dataset, tmp_path / "run")))
    numbers = champion.predict(WAVES)
    assert numbers.shape == (60, 1)
    assert abs(numbers.mean() / targets.mean() - 1) < 0.01
    with pytest.raises(ChampionError, match="predicts numbers, which have no probabilities"):
        champion.predict_proba(WAVES)


def test_every_step_has_an_answer_in_a_labelling(tmp_path: Path) -> None:
    labels = np.where(WAVES[..., 0] > 50, "up", "down")
    dataset = dataset_from_arrays(WAVES, labels, kind="labelling", split=IN_TIME)
    champion = load_champion(str(searched(dataset, tmp_path / "run")))
    answers = champion.predict([WAVES[0], WAVES[1, :3]])
    assert [len(steps) for steps in answers] == [7, 3]
    assert set(np.concatenate(answers)) <= {"up", "down"}


def test_an_export_without_a_preparation_takes_prepared_inputs(classified, tmp_path: Path) -> None:
    export_champion(classified[1], tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "bare")
    for name in ("preparation.json", "manifest.json"):
        (tmp_path / "bare" / name).unlink()
    bare, whole = load_champion(tmp_path / "bare"), load_champion(tmp_path / "out")
    prepared = whole.prepared.inputs.raw(WAVES)[0]
    assert np.array_equal(bare.outputs(prepared), whole.outputs(prepared))
    with pytest.raises(ChampionError, match=r"has no preparation.json.* give prepared inputs to outputs"):
        bare.predict(WAVES)
    (tmp_path / "out" / "manifest.json").unlink()
    (tmp_path / "out" / "preparation.json").write_text("{}")
    with pytest.raises(ChampionError, match=r"preparation.json: the preparation is damaged at inputs"):
        load_champion(tmp_path / "out")


def test_raw_rows_of_a_file_get_the_names_of_their_classes_from_an_export(tmp_path: Path) -> None:
    # Levels far from 0 and classes that differ in shape alone: without the means and scales all rows are one class.
    rng = np.random.default_rng(1)
    steps = np.arange(8)
    kinds = {"falling": -40 * steps, "level": 0 * steps, "rising": 40 * steps}
    rows = pd.DataFrame(
        [1000 + shape + rng.normal(size=8) for shape in kinds.values() for _ in range(20)],
        columns=[f"t{step}" for step in steps],
    ).assign(label=np.repeat(list(kinds), 20))
    rows.to_csv(tmp_path / "rows.csv", index=False)
    task = {"kind": "classification", "path": str(tmp_path / "rows.csv")}
    settings = {**SETTINGS, "task": task, "training": {"epochs": 10, "device": "cpu"}}
    evo_nas.search(settings, tmp_path / "run", executor="inline")
    export_champion(Run.at(tmp_path / "run"), tmp_path / "out")
    raw = pd.read_csv(tmp_path / "rows.csv").sample(frac=1, random_state=0)
    answers = load_champion(tmp_path / "out").predict(raw[sorted(raw.columns, reverse=True)])
    assert (answers == raw["label"]).mean() > 0.6, (answers == raw["label"]).mean()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (WAVES[..., :1], r"has shape \(7, 1\); must be \(time, 2\)"),
        (WAVES[0], r"has shape \(2, 1\); must be \(time, 2\)"),
        ([], "raw has no inputs"),
        (np.where(WAVES > 0, np.nan, WAVES), "feature 1 has a missing value, as it never had"),
    ],
)
def test_raw_sequences_of_another_kind_are_one_clear_error(classified, raw, message) -> None:
    with pytest.raises(DataError, match=message):
        load_champion(str(classified[1])).predict(raw)


def test_prepared_inputs_of_another_kind_are_one_clear_error() -> None:
    tiny = tiny_champion("classes")
    champion = Champion(tiny.model, tiny.preparation)
    inputs = np.random.default_rng(0).normal(size=(2, 5, 2))
    np.testing.assert_array_equal(champion.outputs(inputs), champion.outputs(inputs.astype(np.float32)))
    for wrong in (inputs[:, :, :1], inputs[0], inputs.astype(str)):
        with pytest.raises(
            DataError, match=r"inputs are .*; must be float32 \(n, time, 2\), as the task prepares"
        ):
            champion.outputs(wrong)


def test_what_is_no_path_has_no_champion() -> None:
    with pytest.raises(ChampionError, match="the place of a champion is 3; must be the path of"):
        load_champion(3)
