"""A champion is trained on new data, in its own units or anew, and compared with what it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evo_nas.champion.champion import load_champion
from evo_nas.champion.export import write_champion
from evo_nas.champion.exporters.native import (
    TUNING_FILE,
    Member,
    tuning_file,
    updated_files,
    weights_of,
)
from evo_nas.champion.fine_tuning import retrain_on
from evo_nas.config import configured
from evo_nas.errors import ChampionError, DataError
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.ensemble import Link
from evo_nas.tasks.dataset import Dataset, Windows
from evo_nas.tasks.translation import translated
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train

IN_TIME = {"by": "time", "validation": 20, "test": 20}


def experiment(kind: str, path: Path, **options: Any) -> Experiment:
    task = {"kind": kind, "path": str(path), **options}
    return Experiment.of(
        configured({"name": "tiny", "task": task, "training": {"epochs": 2, "device": "cpu"}})
    )


def trained(folder: Path, kind: str, path: Path, *, members: int = 1, **options: Any) -> Dataset:
    """Writes a champion that was trained on a file, and returns the data set."""
    made = experiment(kind, path, **options)
    dataset = made.dataset
    embedding = 4 if dataset.signature.vocabulary else None
    architecture = Architecture(layers=(Layer(NAMED_CELLS["gru"], 8),), embedding=embedding)
    networks = [
        train(architecture, prepare(dataset), made.config.training, epochs=3, seed=seed).network
        for seed in range(members)
    ]
    files = updated_files(
        [Member(architecture, weights_of(network)) for network in networks],
        dataset.signature,
        {"epochs": 3},
        dataset.preparation,
        link=Link.CLASSES,
    )
    write_champion(files, folder)
    return dataset


def rows(seed: int, shift: float = 0.0, count: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = 100 + shift + 9 * rng.normal(size=(count, 6))
    frame = pd.DataFrame(values, columns=list("abcdef"))
    return frame.assign(label=np.where(values[:, 0] > 100 + shift, "up", "down"))


@pytest.mark.parametrize("members", [1, 2])
def test_a_champion_goes_on_from_its_weights_in_its_own_units(tmp_path, members) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    rows(1, shift=30).to_csv(tmp_path / "new.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv", members=members, split=IN_TIME)
    before = load_champion(tmp_path / "old")
    update = retrain_on(tmp_path / "old", [tmp_path / "new.csv"], epochs=20)
    write_champion(update.files, tmp_path / "new")
    after = load_champion(tmp_path / "new")
    assert after.prepared.inputs == before.prepared.inputs
    assert after.prepared.answers == before.prepared.answers
    # Scores are those of the raw rows of the last part of the file.
    last = rows(1, shift=30).iloc[-20:]
    for champion, figures in ((before, update.before), (after, update.after)):
        assert (champion.predict(last) == last["label"]).mean() == pytest.approx(figures.test)
    assert update.after.validation > update.before.validation
    assert update.sentence.endswith("both figures are flattered.")
    assert "Take the new one." in update.sentence


def test_a_champion_that_was_tuned_is_trained_on_as_it_was_tuned(tmp_path) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv", split=IN_TIME)
    plain = retrain_on(tmp_path / "old", [tmp_path / "old.csv"])
    assert "1 network for 3 epochs, as its training had: Adam 0.005" in plain.settings
    assert plain.settings.endswith("constant learning rate, as in the search.")
    native = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    found = tuning_file(
        {"schedule": "cosine", "sentence": "the best of 9; behind others", "changes": {"schedule": "cosine"}}
    )
    del native["manifest.json"]
    write_champion(native | found, tmp_path / "tuned")
    tuned = retrain_on(tmp_path / "tuned", [tmp_path / "old.csv"])
    assert tuned.settings.endswith("cosine learning rate, as it was tuned: the best of 9.")
    assert tuned.files["model.safetensors"] != plain.files["model.safetensors"]
    assert json.loads(tuned.files["genome.json"])["updates"][0]["schedule"] == "cosine"
    assert tuned.files[TUNING_FILE] == found[TUNING_FILE]
    # Another training after this one is as this one was.
    write_champion(tuned.files, tmp_path / "again")
    assert "cosine" in retrain_on(tmp_path / "again", [tmp_path / "old.csv"]).settings
    (tmp_path / "again" / "manifest.json").unlink()
    (tmp_path / "again" / TUNING_FILE).write_text('{"schedule": "often"}')
    with pytest.raises(ChampionError, match=r"tuning\.json is damaged at schedule: .*'cosine'"):
        retrain_on(tmp_path / "again", [tmp_path / "old.csv"])


def test_from_scratch_everything_is_learnt_anew(tmp_path) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    rows(1, shift=500).to_csv(tmp_path / "new.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv", split=IN_TIME)
    update = retrain_on(tmp_path / "old", [tmp_path / "new.csv"], origin="scratch", epochs=20)
    write_champion(update.files, tmp_path / "new")
    after = load_champion(tmp_path / "new")
    assert after.prepared.inputs.mean[0] == pytest.approx(600, abs=5)
    last = rows(1, shift=500).iloc[-20:]
    assert (after.predict(last) == last["label"]).mean() == pytest.approx(update.after.test)
    assert "the first figure is flattered" in update.sentence


def test_nothing_is_learnt_from_what_judges(tmp_path) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv", split=IN_TIME)
    files = []
    for name, wrong in (("right", False), ("wrong", True)):
        frame = rows(1)
        if wrong:  # the rows of the test part
            frame.loc[100:, "label"] = frame.loc[100:, "label"].map({"up": "down", "down": "up"})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        files.append(retrain_on(tmp_path / "old", [tmp_path / f"{name}.csv"], epochs=2).files)
    assert files[0]["model.safetensors"] == files[1]["model.safetensors"]


def test_the_files_of_training_have_the_same_parts_again(tmp_path) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv")
    update = retrain_on(tmp_path / "old", [tmp_path / "old.csv"], epochs=1)
    assert update.is_known
    assert "flattered" not in update.sentence


def series(seed: int, count: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    when = pd.date_range("2024-01-01", periods=count, freq="h")
    values = 50 * seed + (1 + seed) * rng.normal(size=count).cumsum()
    frame = pd.DataFrame(
        {"when": when, "a": values, "b": rng.normal(size=count), "holiday": rng.integers(0, 2, count)}
    )
    frame.loc[::9, "b"] = np.nan
    return frame


FORECAST = {
    "targets": ["a"],
    "window": 8,
    "horizon": 3,
    "missing": "mask",
    "known": ["holiday"],
    "calendar": ["hour"],
}


@pytest.mark.parametrize("quantiles", [None, [0.1, 0.5, 0.9]])
def test_new_series_are_read_in_the_units_of_the_old_ones(tmp_path, quantiles) -> None:
    options = FORECAST | {"quantiles": quantiles}
    for seed in (0, 1):
        series(seed).to_csv(tmp_path / f"{seed}.csv", index=False)
    old, new = (experiment("forecast", tmp_path / f"{seed}.csv", **options).dataset for seed in (0, 1))
    carried = translated(new, old.preparation, old.signature)
    assert isinstance(carried.test, Windows)
    (end,) = old.preparation.inputs.ends("new", series(1), holds_out=True)
    assert carried.test.cut().inputs[-1] == pytest.approx(end.inputs, abs=1e-4)
    truth = old.preparation.answers.every_level(
        np.repeat(carried.test.cut().targets[-1:], len(quantiles or [0]), axis=1)
    )
    assert truth[0, :, 0, 0] == pytest.approx(series(1)["a"].to_numpy()[-3:], rel=1e-4)
    # The metric is that of the new data in their own units.
    levels = max(len(quantiles or []), 1)
    cuts = new.test.cut(), carried.test.cut()
    scores = [
        data.metric.score(np.repeat(cut.targets + 0 * cut.targets, levels, axis=1) * 0 + zero, cut.targets)
        for data, cut, zero in zip((new, carried), cuts, (np.float32(0.0), _zero_of(new, old)), strict=True)
    ]
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)


def _zero_of(new: Dataset, old: Dataset) -> np.float32:
    mine, theirs = new.preparation.answers, old.preparation.answers
    return np.float32((mine.mean[0] - theirs.mean[0]) / theirs.scale[0])


def test_a_forecast_is_trained_on_further_rows(tmp_path) -> None:
    for seed in (0, 1):
        series(seed).to_csv(tmp_path / f"{seed}.csv", index=False)
    trained(tmp_path / "old", "forecast", tmp_path / "0.csv", **FORECAST)
    update = retrain_on(tmp_path / "old", [tmp_path / "1.csv"], epochs=4)
    assert update.metric == "mse"
    assert update.after.validation < update.before.validation


def test_an_option_that_would_permit_the_data_cannot_be_set_here(tmp_path) -> None:
    dated = series(0)
    dated.to_csv(tmp_path / "old.csv", index=False)
    dated.drop(index=range(150, 153)).to_csv(tmp_path / "new.csv", index=False)
    trained(tmp_path / "old", "forecast", tmp_path / "old.csv", **FORECAST)
    with pytest.raises(
        DataError, match=r"3 rows are missing .* so that gaps cannot be set here: mend the data"
    ):
        retrain_on(tmp_path / "old", [tmp_path / "new.csv"])


def test_texts_keep_the_ids_of_their_words(tmp_path) -> None:
    def texts(letters: str) -> str:
        return "\n".join(
            f"{kind} {word} {a}{b}"
            for kind, word in (("wet", "rain"), ("dry", "sun"))
            for a in letters
            for b in letters
        )

    (tmp_path / "old.txt").write_text(texts("abcdefg"))
    (tmp_path / "new.txt").write_text(texts("efghijk"))
    old = trained(tmp_path / "old", "text_classification", tmp_path / "old.txt", split={"duplicates": "keep"})
    update = retrain_on(tmp_path / "old", [tmp_path / "new.txt"], epochs=10)
    write_champion(update.files, tmp_path / "new")
    after = load_champion(tmp_path / "new")
    assert after.prepared.inputs.vocabulary == old.vocabulary
    assert (after.predict(["rain ef", "sun kk"]) == ["wet", "dry"]).all()


def test_data_of_another_kind_are_one_clear_error(tmp_path) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv", split=IN_TIME)
    frame = rows(1)
    frame.loc[::2, "label"] = "sideways"
    frame.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(
        DataError, match="the data have the class 'sideways', which the champion does not know"
    ):
        retrain_on(tmp_path / "old", [tmp_path / "new.csv"])
    rows(1).drop(columns="c").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match="has no column 'c'"):
        retrain_on(tmp_path / "old", [tmp_path / "new.csv"])


def test_a_champion_of_arrays_does_not_say_how_files_are_read(tmp_path) -> None:
    rows(0).to_csv(tmp_path / "old.csv", index=False)
    trained(tmp_path / "old", "classification", tmp_path / "old.csv", split=IN_TIME)
    path = tmp_path / "old" / "preparation.json"
    preparation = load_champion(tmp_path / "old").prepared
    (tmp_path / "old" / "manifest.json").unlink()
    path.write_text(preparation.with_recipe(None).to_json())
    with pytest.raises(ChampionError, match="trained on data in memory"):
        retrain_on(tmp_path / "old", [tmp_path / "old.csv"])
