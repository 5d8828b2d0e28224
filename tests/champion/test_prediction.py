"""Predictions from a raw file equal those on the prepared arrays of training, for every task that reads files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.io import savemat

from evo_nas.champion.champion import Champion
from evo_nas.cli.predictors import LoadedPredictor
from evo_nas.config import configured
from evo_nas.errors import ChampionError, DataError
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.ensemble import Link, model_of
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit
from evo_nas.tasks.dataset import Dataset, Sequences, Windows
from evo_nas.tasks.preparation import Preparation

IN_TIME = {"by": "time", "validation": 10, "test": 10}
"""The last ten examples of a file are the test part, in their order."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def network_for(dataset: Dataset, seed: int = 1) -> Network:
    embedding = 4 if dataset.signature.vocabulary else None
    with SeededInit(torch.Generator().manual_seed(seed)):
        return Network(
            Architecture(layers=(Layer(NAMED_CELLS["gru"], 6),), embedding=embedding), dataset.signature
        ).eval()


def champion_of(kind: str, path: Path, **options: Any) -> tuple[Champion, Dataset]:
    """Returns an untrained network for a task, with what a champion keeps beside it, and the data set."""
    task = {"kind": kind, "path": str(path), **options}
    dataset = Experiment.of(configured({"name": "tiny", "task": task})).dataset
    assert dataset.preparation is not None
    preparation = Preparation.from_json(dataset.preparation.to_json())
    assert str(path.parent) not in preparation.to_json()
    return Champion(network_for(dataset), preparation), dataset


def prepared_outputs(champion: Champion, dataset: Dataset) -> np.ndarray:
    part = dataset.test.cut() if isinstance(dataset.test, Windows) else dataset.test
    assert isinstance(part, Sequences)
    return champion.outputs(part.inputs, part.lengths)


def assert_same_classes(champion: Champion, dataset: Dataset, file: Path) -> None:
    wanted = champion.prepared.answers.probabilities(prepared_outputs(champion, dataset))
    table = champion.predict_file(file).table
    found = np.stack([table.column(f"p_{name}").to_numpy() for name in dataset.classes], axis=1)
    assert found[-len(wanted) :] == pytest.approx(wanted, abs=1e-7)
    names = np.array(dataset.classes)[wanted.argmax(axis=1)]
    assert table.column("prediction").to_pylist()[-len(wanted) :] == names.tolist()


def rows(rng, count: int = 60) -> pd.DataFrame:
    values = 100 + 9 * rng.normal(size=(count, 6))
    frame = pd.DataFrame(values, columns=list("abcdef"))
    return frame.assign(label=np.where(values[:, 0] > 100, "up", "down"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather", ".jsonl"])
@pytest.mark.parametrize("has_label", [True, False])
def test_rows_of_a_table_are_classified_as_in_training(tmp_path, rng, suffix, has_label) -> None:
    frame = rows(rng)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    champion, dataset = champion_of("classification", tmp_path / "rows.csv", features=2, split=IN_TIME)
    given = frame if has_label else frame.drop(columns="label")
    given = given[sorted(given.columns, reverse=True)].assign(further="x")
    file = tmp_path / f"new{suffix}"
    write = {".csv": given.to_csv, ".parquet": given.to_parquet, ".feather": given.to_feather}
    if suffix == ".jsonl":
        given.to_json(file, orient="records", lines=True)
    else:
        write[suffix](file, **({"index": False} if suffix == ".csv" else {}))
    assert_same_classes(champion, dataset, file)


def steps(rng, count: int = 50, **columns) -> pd.DataFrame:
    lengths = rng.integers(3, 9, size=count)
    names = np.repeat([f"s{number}" for number in range(count)], lengths)
    clock = np.concatenate(
        [np.arange(start, start + n) for start, n in zip(range(0, 10 * count, 10), lengths, strict=True)]
    )
    values = rng.normal(size=(len(names), 2))
    frame = pd.DataFrame({"id": names, "clock": clock, "x": values[:, 0], "y": 50 + values[:, 1]})
    frame["mode"] = rng.choice(["slow", "fast"], len(names))
    first = frame.groupby("id", sort=False)["x"].transform("first")
    return frame.assign(label=np.where(first > 0, "up", "down"))


def test_rows_that_are_steps_are_put_in_order_with_their_words(tmp_path, rng) -> None:
    frame = steps(rng)
    frame.to_csv(tmp_path / "steps.csv", index=False)
    options = {"sequence": "id", "time": "clock", "categorical": ["mode"], "split": IN_TIME}
    champion, dataset = champion_of("classification", tmp_path / "steps.csv", **options)
    shuffled = frame.sample(frac=1, random_state=0)
    order = pd.CategoricalDtype([f"s{number}" for number in range(50)], ordered=True)
    shuffled = shuffled.sort_values("id", key=lambda names: names.astype(order), kind="stable")
    shuffled.drop(columns="label").to_csv(tmp_path / "new.csv", index=False)
    assert_same_classes(champion, dataset, tmp_path / "new.csv")
    prediction = champion.predict_file(tmp_path / "steps.csv")
    assert prediction.table.column("sequence").to_pylist()[:2] == ["s0", "s1"]


def test_holes_become_the_inputs_that_training_made_of_them(tmp_path, rng) -> None:
    frame = rows(rng)
    frame.loc[::3, "c"] = np.nan
    frame.to_csv(tmp_path / "rows.csv", index=False)
    options = {"missing": "mask", "features": 3, "split": IN_TIME}
    champion, dataset = champion_of("classification", tmp_path / "rows.csv", **options)
    assert_same_classes(champion, dataset, tmp_path / "rows.csv")


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".mat"])
def test_arrays_are_classified_as_in_training(tmp_path, rng, suffix) -> None:
    x = rng.normal(size=(60, 7, 2))
    y = np.where(x.mean(axis=(1, 2)) > 0, 1, 0)
    np.savez(tmp_path / "arrays.npz", x=x, y=y)
    champion, dataset = champion_of("classification", tmp_path / "arrays.npz", split=IN_TIME)
    file = tmp_path / f"new{suffix}"
    {
        ".npz": lambda: np.savez(file, x=x),
        ".npy": lambda: np.save(file, x),
        ".mat": lambda: savemat(file, {"x": x}),
    }[suffix]()
    assert_same_classes(champion, dataset, file)


@pytest.mark.parametrize("label", [":up", ":?", ""])
def test_a_ts_file_may_leave_its_labels_open(tmp_path, rng, label) -> None:
    items = [rng.normal(size=(rng.integers(3, 8), 2)) for _ in range(60)]
    head = "@classLabel true up down\n@data\n"
    body = [":".join(",".join(map(str, column)) for column in item.T) for item in items]
    names = ["up" if item[0, 0] > 0 else "down" for item in items]
    labelled = "\n".join(f"{line}:{name}" for line, name in zip(body, names, strict=True))
    (tmp_path / "a.ts").write_text(head + labelled)
    champion, dataset = champion_of("classification", tmp_path / "a.ts", split=IN_TIME)
    head = head if label else "@classLabel false\n@data\n"
    (tmp_path / "new.ts").write_text(head + "\n".join(f"{line}{label}" for line in body))
    assert_same_classes(champion, dataset, tmp_path / "new.ts")


def test_lists_in_rows_are_classified_as_in_training(tmp_path, rng) -> None:
    lines = [
        {"a": rng.normal(size=n).tolist(), "b": rng.normal(size=n).tolist()} for n in rng.integers(3, 8, 60)
    ]
    labelled = [line | {"label": "up" if line["a"][0] > 0 else "down"} for line in lines]
    for name, some in (("lists.jsonl", labelled), ("new.jsonl", lines)):
        (tmp_path / name).write_text("\n".join(map(json.dumps, some)))
    champion, dataset = champion_of("classification", tmp_path / "lists.jsonl", split=IN_TIME)
    assert_same_classes(champion, dataset, tmp_path / "new.jsonl")


def test_every_step_gets_a_label_in_a_labelling(tmp_path, rng) -> None:
    frame = steps(rng)
    frame["label"] = np.where(frame["x"] > 0, "up", "down")
    frame = frame.drop(columns="mode")
    frame.to_csv(tmp_path / "steps.csv", index=False)
    champion, dataset = champion_of(
        "labelling", tmp_path / "steps.csv", sequence="id", time="clock", split=IN_TIME
    )
    frame.drop(columns="label").to_csv(tmp_path / "new.csv", index=False)
    table = champion.predict_file(tmp_path / "new.csv").table
    assert table.column("sequence").to_pylist() == frame["id"].tolist()
    outputs = prepared_outputs(champion, dataset)
    valid = np.concatenate([each[:n] for each, n in zip(outputs, dataset.test.lengths, strict=True)])
    wanted = champion.prepared.answers.probabilities(valid)[:, 1]
    assert table.column(f"p_{dataset.classes[1]}").to_numpy()[-len(wanted) :] == pytest.approx(
        wanted, abs=1e-7
    )
    score = champion.predict_file(tmp_path / "steps.csv", scores=True).score
    assert score.metric == "accuracy"
    assert score.count == 50


def test_numbers_are_predicted_in_the_units_and_names_of_the_file(tmp_path, rng) -> None:
    frame = rows(rng).drop(columns="label")
    frame["cost"], frame["risk"] = 1e4 * frame["a"], frame["b"] / 1e3
    frame.to_csv(tmp_path / "rows.csv", index=False)
    champion, dataset = champion_of(
        "regression", tmp_path / "rows.csv", targets=["cost", "risk"], split=IN_TIME
    )
    wanted = champion.prepared.answers(prepared_outputs(champion, dataset))
    frame.drop(columns=["cost", "risk"]).to_csv(tmp_path / "new.csv", index=False)
    table = champion.predict_file(tmp_path / "new.csv").table
    found = np.stack([table.column(name).to_numpy() for name in ("cost", "risk")], axis=1)
    assert found[-10:] == pytest.approx(wanted, rel=1e-6)
    score = champion.predict_file(tmp_path / "rows.csv", scores=True).score
    truth = frame[["cost", "risk"]].to_numpy()
    assert score.value == pytest.approx(np.sqrt(((found - truth) ** 2).mean()), rel=1e-4)


def test_pieces_of_a_regression_end_where_the_sequence_ends(tmp_path, rng) -> None:
    frame = steps(rng).drop(columns=["mode", "label"])
    frame["rul"] = frame.groupby("id", sort=False).cumcount(ascending=False)
    frame.to_csv(tmp_path / "steps.csv", index=False)
    options = {"sequence": "id", "time": "clock", "targets": ["rul"], "window": 3}
    champion, _ = champion_of("regression", tmp_path / "steps.csv", **options)
    table = champion.predict_file(tmp_path / "steps.csv").table
    ends = [group[["x", "y"]].to_numpy() for _, group in frame.groupby("id", sort=False)]
    assert table.column("rul").to_numpy() == pytest.approx(champion.predict(ends)[:, 0])


SENTENCES = [
    f"{a} {b} {c}" for a in ("wind", "rain") for b in ("blows", "falls", "hits") for c in "abcdefghij"
]


@pytest.mark.parametrize("name", ["new.txt", "new.csv"])
def test_texts_are_classified_with_the_vocabulary_of_training(tmp_path, rng, name) -> None:
    labels = ["wet" if text.startswith("rain") else "dry" for text in SENTENCES]
    order = rng.permutation(60)
    frame = pd.DataFrame({"text": SENTENCES, "label": labels}).iloc[order]
    frame.to_csv(tmp_path / "texts.csv", index=False)
    champion, dataset = champion_of("text_classification", tmp_path / "texts.csv", split=IN_TIME)
    if name.endswith(".csv"):
        frame[["text"]].to_csv(tmp_path / name, index=False)
    else:
        (tmp_path / name).write_text("\n".join(frame["text"]))
    assert_same_classes(champion, dataset, tmp_path / name)


def test_lines_with_a_label_are_told_from_lines_without_one(tmp_path, rng) -> None:
    lines = [f"{'wet' if text.startswith('rain') else 'dry'} {text}" for text in rng.permutation(SENTENCES)]
    (tmp_path / "lines.txt").write_text("\n".join(lines), encoding="latin-1")
    champion, dataset = champion_of(
        "text_classification", tmp_path / "lines.txt", encoding="latin-1", split=IN_TIME
    )
    bare = "\n".join(line.split(" ", 1)[1] for line in lines)
    (tmp_path / "bare.txt").write_text(bare, encoding="latin-1")
    assert_same_classes(champion, dataset, tmp_path / "lines.txt")
    assert_same_classes(champion, dataset, tmp_path / "bare.txt")
    (tmp_path / "odd.txt").write_text("größer wind\nwind\n", encoding="latin-1")
    prediction = champion.predict_file(tmp_path / "odd.txt")
    assert "1 of 3 tokens are unknown to the network" in prediction.remarks
    with pytest.raises(DataError, match="does not have what is predicted"):
        champion.predict_file(tmp_path / "odd.txt", scores=True)


def test_fasta_is_classified_as_in_training(tmp_path, rng) -> None:
    for name, letters in (("up", "AAC"), ("down", "GGT")):
        records = [f">{n}\n{''.join(rng.choice(list(letters + 'ACGT'), 12))}" for n in range(40)]
        (tmp_path / f"{name}.fasta").write_text("\n".join(records))
    task = {
        "kind": "text_classification",
        "classes": {name: str(tmp_path / f"{name}.fasta") for name in ("up", "down")},
        "level": "character",
    }
    dataset = Experiment.of(configured({"name": "tiny", "task": task})).dataset
    champion = Champion(network_for(dataset), Preparation.from_json(dataset.preparation.to_json()))
    table = champion.predict_file(tmp_path / "up.fasta").table
    texts = ["".join(record.split("\n")[1:]) for record in (tmp_path / "up.fasta").read_text().split(">")[1:]]
    assert table.column("prediction").to_pylist() == champion.predict(texts).tolist()
    assert table.column("record").to_pylist() == list(range(1, 41))


@pytest.mark.parametrize("has_tags", [True, False])
def test_tokens_are_tagged_from_conll_columns(tmp_path, rng, has_tags) -> None:
    sentences = [text.split() for text in rng.permutation(SENTENCES)]
    tagged = "\n\n".join("\n".join(f"{word} {len(word)}" for word in words) for words in sentences)
    (tmp_path / "tags.conll").write_text(tagged)
    champion, dataset = champion_of("tagging", tmp_path / "tags.conll", split=IN_TIME)
    bare = "\n\n".join("\n".join(words) for words in sentences)
    (tmp_path / "new.conll").write_text(tagged if has_tags else bare)
    table = champion.predict_file(tmp_path / "new.conll").table
    assert table.column("token").to_pylist()[-3:] == sentences[-1]
    outputs = prepared_outputs(champion, dataset).reshape(-1, len(dataset.classes))
    wanted = np.array(dataset.classes)[outputs.argmax(axis=1)].tolist()
    assert table.column("prediction").to_pylist()[-len(wanted) :] == wanted


def series(rng, count: int = 200, start: str = "2024-01-01", freq: str = "h") -> pd.DataFrame:
    when = pd.date_range(start, periods=count, freq=freq)
    values = rng.normal(size=(count, 2)).cumsum(axis=0) + 50
    frame = pd.DataFrame({"when": when, "a": values[:, 0], "b": values[:, 1]})
    return frame.assign(holiday=rng.integers(0, 2, count))


@pytest.mark.parametrize(
    "options", [{}, {"calendar": ["hour", "weekday"]}, {"known": ["holiday"], "calendar": ["hour"]}]
)
@pytest.mark.parametrize("quantiles", [None, [0.1, 0.5, 0.9]])
def test_a_forecast_goes_on_from_the_last_row_with_its_dates(tmp_path, rng, options, quantiles) -> None:
    frame = series(rng)
    frame.to_csv(tmp_path / "series.csv", index=False)
    given = {"targets": ["a", "b"], "window": 8, "horizon": 12, "quantiles": quantiles, **options}
    champion, dataset = champion_of("forecast", tmp_path / "series.csv", **given)
    wanted = champion.prepared.answers.every_level(prepared_outputs(champion, dataset)[-1:])[0]
    new = (
        frame.iloc[:-12]
        if "known" not in options
        else frame.assign(a=frame["a"].where(frame.index < 188), b=frame["b"].where(frame.index < 188))
    )
    new.to_csv(tmp_path / "new.csv", index=False)
    table = champion.predict_file(tmp_path / "new.csv").table
    assert pd.Series(table.column("time").to_pandas()).tolist() == frame["when"].tolist()[-12:]
    for at, name in enumerate(("a", "b")):
        assert table.column(name).to_numpy() == pytest.approx(wanted[:, at, 1 if quantiles else 0])
        for place, level in enumerate(quantiles or []):
            assert table.column(f"{name}_q{level:g}").to_numpy() == pytest.approx(wanted[:, at, place])
    assert champion.forecast(new)[0] == pytest.approx(wanted[..., 1 if quantiles else 0])
    held_out = champion.predict_file(tmp_path / "series.csv", scores=True)
    assert held_out.table.column("a").to_pylist() == table.column("a").to_pylist()
    truth = frame[["a", "b"]].to_numpy()[-12:]
    assert held_out.score.value == pytest.approx(
        ((truth - wanted[..., 1 if quantiles else 0]) ** 2).mean(), rel=1e-4
    )


@pytest.mark.parametrize(
    ("freq", "following"),
    [("MS", "2040-09-01"), ("ME", "2040-09-30"), ("B", "2024-10-07"), ("15min", "2024-01-03 02:00")],
)
def test_dates_go_on_with_the_step_of_the_series(tmp_path, rng, freq, following) -> None:
    frame = series(rng, freq=freq)[["when", "a"]]
    frame.to_csv(tmp_path / "series.csv", index=False)
    champion, _ = champion_of("forecast", tmp_path / "series.csv", targets=["a"], window=8, horizon=3)
    table = champion.predict_file(tmp_path / "series.csv").table
    assert table.column("time").to_pandas()[0] == pd.Timestamp(following)


def test_each_of_many_series_is_forecast_by_its_name(tmp_path, rng) -> None:
    shops = [series(rng, 80)[["when", "a"]].assign(shop=shop) for shop in ("north", "south")]
    frame = pd.concat(shops)
    frame.to_csv(tmp_path / "series.csv", index=False)
    options = {"targets": ["a"], "series": "shop", "window": 8, "horizon": 3}
    champion, _ = champion_of("forecast", tmp_path / "series.csv", **options)
    table = champion.predict_file(tmp_path / "series.csv").table
    assert table.column("series").to_pylist() == ["north"] * 3 + ["south"] * 3
    assert table.column("a").to_numpy() == pytest.approx(champion.forecast(frame).ravel())


@pytest.mark.parametrize("has_times", [True, False])
def test_a_panel_is_forecast_in_the_units_of_each_series(tmp_path, rng, has_times) -> None:
    parts = [
        pd.DataFrame(
            {
                "id": f"s{n}",
                "day": pd.date_range("2024-01-01", periods=40 + n),
                "sales": 10.0**n * (5 + rng.normal(size=40 + n).cumsum()),
            }
        )
        for n in range(4)
    ]
    frame = pd.concat(parts) if has_times else pd.concat(parts).drop(columns="day")
    frame.to_csv(tmp_path / "panel.csv", index=False)
    options = {"series": "id", "window": 8, "horizon": 3, "season": 4, "quantiles": [0.1, 0.5, 0.9]}
    champion, dataset = champion_of("panel", tmp_path / "panel.csv", **options)
    compared = champion.predict_file(tmp_path / "panel.csv", scores=True)
    wanted = dataset.metric.score(prepared_outputs(champion, dataset), dataset.test.targets)
    assert compared.score.value == pytest.approx(wanted, rel=1e-5)
    assert compared.score.sentence.endswith(", in naive errors of each series, on 4 forecasts")
    held_out = compared.table
    rolling = champion.predict_file(tmp_path / "panel.csv", rolling=True, stride=10).table.to_pandas()
    last = rolling[rolling["series"] == "s3"]
    assert last["value"].tolist()[-3:] == pytest.approx(held_out.column("value").to_pylist()[-3:], rel=1e-5)
    assert last["value_truth"].tolist()[-3:] == pytest.approx(parts[3]["sales"].tolist()[-3:])
    assert (
        last["origin"].tolist()[::3]
        == (parts[3]["day"].tolist() if has_times else list(range(1, 44)))[9:40:10]
    )
    answers = champion.prepared.answers
    sizes = [np.abs(part["sales"][:-3].diff(4)).mean() for part in parts]
    wanted = answers.every_level(prepared_outputs(champion, dataset)) * np.array(sizes)[:, None, None, None]
    assert held_out.column("value").to_numpy() == pytest.approx(wanted[:, :, 0, 1].ravel(), rel=1e-5)
    assert held_out.column("value_q0.9").to_numpy() == pytest.approx(wanted[:, :, 0, 2].ravel(), rel=1e-5)
    table = champion.predict_file(tmp_path / "panel.csv").table
    assert ("time" in table.column_names) == has_times
    if has_times:
        assert table.column("time").to_pandas()[0] == pd.Timestamp("2024-02-10")
    assert champion.forecast([part["sales"] for part in parts]).ravel() == pytest.approx(
        table.column("value").to_numpy()
    )


def test_the_keys_of_the_next_frame_are_predicted(tmp_path, rng) -> None:
    songs = np.empty(30, dtype=object)
    songs[:] = [rng.integers(0, 2, size=(rng.integers(4, 8), 5)) for _ in range(30)]
    savemat(tmp_path / "songs.mat", {"train": songs})
    champion, dataset = champion_of("multi_label", tmp_path / "songs.mat", split=IN_TIME)
    prediction = champion.predict_file(tmp_path / "songs.mat", scores=True)
    steps_of = np.array(prediction.table.column("step").to_pylist())
    assert steps_of.min() == 2
    outputs = prepared_outputs(champion, dataset)[-1, : len(songs[-1]) - 1]
    found = np.stack([prediction.table.column(f"p_{key}").to_numpy() for key in range(1, 6)], axis=1)
    assert found[-len(songs[-1]) : -1] == pytest.approx(champion.prepared.answers.probabilities(outputs))
    assert prediction.score.metric == "nll_per_frame"


def language_champion(tmp_path: Path, level: str = "character") -> tuple[Champion, Dataset]:
    (tmp_path / "book.txt").write_text("the quick brown fox jumps over the lazy dog.\n" * 40)
    return champion_of("language_model", tmp_path / "book.txt", steps=16, level=level)


def test_what_is_unknown_in_a_prompt_is_told_beside_what_follows(tmp_path) -> None:
    predictor = LoadedPredictor(language_champion(tmp_path)[0])
    drawing = {"length": 3, "temperature": 0.0, "seed": 0}
    said = predictor.continuation(prompt="the \u2603", file=None, **drawing)
    assert said.remarks == ("1 of 5 tokens are unknown to the network",)
    assert said.drawn.startswith("the \u2603")
    assert not predictor.continuation(prompt="the ", file=None, **drawing).remarks


def test_a_text_is_scored_as_one_stream(tmp_path) -> None:
    champion, dataset = language_champion(tmp_path)
    text = "".join(dataset.vocabulary[token] for token in dataset.test.tokens)
    (tmp_path / "new.txt").write_text(text)
    score = champion.predict_file(tmp_path / "new.txt", scores=True).score
    tokens = torch.from_numpy(dataset.test.tokens)
    with torch.inference_mode():
        logits = champion.model(tokens[None, :-1])[0]
    assert score.value == pytest.approx(
        float(torch.nn.functional.cross_entropy(logits, tokens[1:])), rel=1e-4
    )
    with pytest.raises(ChampionError, match="continues texts; generate does that"):
        champion.predict_file(tmp_path / "new.txt")
    (tmp_path / "other.txt").write_text(f"{text[:8]}\u2603\u4e2d")
    assert (
        "2 of 10 tokens are unknown to the network"
        in champion.predict_file(tmp_path / "other.txt", scores=True).remarks
    )


@pytest.mark.parametrize("members", [1, 2])
def test_a_text_is_continued_by_its_seed(tmp_path, members) -> None:
    champion, dataset = language_champion(tmp_path)
    networks = [network_for(dataset, seed) for seed in range(members)]
    champion = Champion(model_of(networks, link=Link.CLASSES), champion.preparation)
    drawn = champion.generate("the quick", length=40, seed=3)
    assert len(drawn) == 40
    assert set(drawn) <= set(dataset.vocabulary[1:])
    assert champion.generate("the quick", length=40, seed=3) == drawn
    assert champion.generate("the quick", length=40, seed=4) != drawn
    # At temperature 0 the same as reading the whole text anew for each character.
    text = "the quick"
    for _ in range(5):
        ids = champion.prepared.inputs.padded([text])[0]
        text += dataset.vocabulary[1:][champion.outputs(ids)[0, -1, 1:].argmax()]
    assert "the quick" + champion.generate("the quick", length=5, temperature=0) == text


def test_music_goes_on_frame_by_frame(tmp_path, rng) -> None:
    np.savez(tmp_path / "songs.npz", train=rng.integers(0, 2, size=(30, 6, 5)))
    champion, _ = champion_of("multi_label", tmp_path / "songs.npz", split=IN_TIME)
    frames = champion.generate(np.ones((3, 5)), length=7, seed=1)
    assert frames.shape == (7, 5)
    assert set(np.unique(frames)) <= {0.0, 1.0}
    likeliest = champion.generate(np.ones((3, 5)), length=1, temperature=0)
    assert np.array_equal(likeliest[0] > 0, champion.predict([np.ones((3, 5))])[0][-1])


def broken(tmp_path: Path, text: str, name: str = "new.csv") -> Path:
    (tmp_path / name).write_text(text)
    return tmp_path / name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a,b,c\n1,2,3\n",
            r"new.csv has no column 'd', 'e', 'f', which the network reads; it has 'a', 'b', 'c'",
        ),
        ("a,b,c,d,e,f\n1,2,x,4,5,6\n", r"new.csv, row 2, column 'c' is 'x'; must be a finite number"),
        ("a,b,c,d,e,f\n1,2,,4,5,6\n", "feature .* has a missing value, as it never had"),
        ("a,b,c,d,e,f\n", "no row"),
        ("", "is empty"),
    ],
)
def test_a_file_of_another_kind_is_one_clear_error(tmp_path, rng, text, message) -> None:
    rows(rng).to_csv(tmp_path / "rows.csv", index=False)
    champion, _ = champion_of("classification", tmp_path / "rows.csv", split=IN_TIME)
    with pytest.raises(DataError, match=message) as error:
        champion.predict_file(broken(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_class_that_training_did_not_have_cannot_be_scored(tmp_path, rng) -> None:
    frame = rows(rng)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    champion, _ = champion_of("classification", tmp_path / "rows.csv", split=IN_TIME)
    frame.assign(label="sideways").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(
        DataError, match="row 2 has the class 'sideways', which the network does not know; must be one"
    ):
        champion.predict_file(tmp_path / "new.csv", scores=True)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (slice(0, 7), "has 7 rows; the network reads 8: give more"),
        (
            [*range(100), *range(103, 120)],
            "has 117 rows, but 3 are missing between them, with steps of 1 hour",
        ),
    ],
)
def test_a_series_that_cannot_be_forecast_is_one_clear_error(tmp_path, rng, keep, message) -> None:
    frame = series(rng)[["when", "a"]]
    frame.to_csv(tmp_path / "series.csv", index=False)
    champion, _ = champion_of("forecast", tmp_path / "series.csv", targets=["a"], window=8, horizon=3)
    frame.iloc[keep].to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match=message):
        champion.predict_file(tmp_path / "new.csv")


def test_a_forecast_is_compared_with_the_rows_after_a_whole_window(tmp_path, rng) -> None:
    frame = series(rng)[["when", "a"]]
    frame.to_csv(tmp_path / "series.csv", index=False)
    champion, _ = champion_of("forecast", tmp_path / "series.csv", targets=["a"], window=8, horizon=3)
    frame.iloc[:11].to_csv(tmp_path / "new.csv", index=False)
    score = champion.predict_file(tmp_path / "new.csv", scores=True).score
    assert "in the squared units of the file" in score.sentence
    frame.iloc[:10].to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(DataError, match="has 10 rows; 8 are read, and the 3 after them are compared"):
        champion.predict_file(tmp_path / "new.csv", scores=True)


@pytest.mark.parametrize(
    ("options", "units"),
    [
        ({}, "in the squared units of the file,"),
        ({"metric": "rmse", "units": "deviations"}, "in deviations of the targets in training,"),
        ({"metric": "mase", "season": 3}, "in naive errors of training,"),
        ({"metric": "wql", "quantiles": [0.1, 0.5, 0.9]}, "in shares of the sum of all values,"),
    ],
)
def test_rolling_forecasts_are_judged_as_the_test_part_was(tmp_path, rng, options, units) -> None:
    frame = series(rng)[["when", "a", "b"]]
    frame.to_csv(tmp_path / "series.csv", index=False)
    given = {"targets": ["a", "b"], "window": 8, "horizon": 3, **options}
    champion, dataset = champion_of("forecast", tmp_path / "series.csv", **given)
    assert isinstance(dataset.test, Windows)
    frame.iloc[dataset.test.origins[0] - 8 :].to_csv(tmp_path / "new.csv", index=False)
    said = champion.predict_file(tmp_path / "new.csv", scores=True, rolling=True, stride=1)
    part = dataset.test.cut()
    outputs = champion.outputs(part.inputs)
    assert said.score.value == pytest.approx(dataset.metric.score(outputs, part.targets), rel=1e-4)
    assert units in said.score.sentence
    assert said.score.sentence.endswith(f"on {len(dataset.test)} forecasts")


def test_rolling_forecasts_stand_beside_the_rows_that_came(tmp_path, rng) -> None:
    shops = [series(rng, 80)[["when", "a"]].assign(shop=shop) for shop in ("north", "south")]
    pd.concat(shops).to_csv(tmp_path / "series.csv", index=False)
    options = {"targets": ["a"], "series": "shop", "window": 8, "horizon": 3}
    champion, _ = champion_of("forecast", tmp_path / "series.csv", **options)
    table = champion.predict_file(tmp_path / "series.csv", rolling=True, stride=5).table.to_pandas()
    south = table[table["series"] == "south"]
    assert south["origin"].unique().tolist() == shops[1]["when"].iloc[76:6:-5].tolist()[::-1]
    ahead = shops[1].set_index("when")["a"]
    assert south["a_truth"].tolist() == pytest.approx(ahead[south["time"]].tolist())
    (last,) = champion.forecast([shops[1].iloc[:77]])
    assert south["a"].tolist()[-3:] == pytest.approx(last[:, 0].tolist())


def test_only_rolling_forecasts_are_limited_in_number(tmp_path, rng, monkeypatch) -> None:
    parts = [pd.DataFrame({"id": f"s{n}", "sales": 5 + rng.normal(size=30)}) for n in range(4)]
    pd.concat(parts).to_csv(tmp_path / "panel.csv", index=False)
    champion, _ = champion_of("panel", tmp_path / "panel.csv", series="id", window=8, horizon=3)
    monkeypatch.setattr("evo_nas.tasks.raw_files.MOST_FORECASTS", 3)
    assert len(champion.predict_file(tmp_path / "panel.csv").table) == 12
    with pytest.raises(DataError, match="more than 3 origins with a stride of 3; give a longer one"):
        champion.predict_file(tmp_path / "panel.csv", rolling=True)
    monkeypatch.undo()
    pd.concat([parts[0], parts[1][:3]]).to_csv(tmp_path / "new.csv", index=False)
    said = champion.predict_file(tmp_path / "new.csv", rolling=True, stride=9)
    assert set(said.table.column("series").to_pylist()) == {"s0"}
    assert any("1 series (s1)" in remark for remark in said.remarks)


def test_what_forecasts_nothing_does_not_roll(tmp_path, rng) -> None:
    rows(rng).to_csv(tmp_path / "rows.csv", index=False)
    champion, _ = champion_of("classification", tmp_path / "rows.csv", label="label", split=IN_TIME)
    with pytest.raises(ChampionError, match="forecasts no series"):
        champion.predict_file(tmp_path / "rows.csv", rolling=True)
    with pytest.raises(DataError, match="stride is 4 without rolling"):
        champion.predict_file(tmp_path / "rows.csv", stride=4)


def test_known_inputs_must_reach_the_horizon(tmp_path, rng) -> None:
    frame = series(rng)[["when", "a", "holiday"]]
    frame.to_csv(tmp_path / "series.csv", index=False)
    options = {"targets": ["a"], "known": ["holiday"], "window": 8, "horizon": 3}
    champion, _ = champion_of("forecast", tmp_path / "series.csv", **options)
    with pytest.raises(
        DataError, match="has 0 rows after its last value; the forecast of 3 rows reads holiday"
    ):
        champion.predict_file(tmp_path / "series.csv")
    with pytest.raises(DataError, match="reads what is known beforehand, holiday; give frames"):
        champion.forecast([frame[["a", "holiday"]].to_numpy()])


def test_a_table_is_refused_where_the_values_of_training_had_no_names(tmp_path, rng) -> None:
    np.savez(tmp_path / "arrays.npz", x=rng.normal(size=(60, 7, 2)), y=np.arange(60) % 2)
    champion, _ = champion_of("classification", tmp_path / "arrays.npz", split=IN_TIME)
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        DataError, match="is a table, but the network learnt from sequences whose values have no"
    ):
        champion.predict_file(tmp_path / "new.csv")
