"""A preparation leads from raw sequences to the arrays of a data set, and survives as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import DataError
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.metrics import point_forecasts
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs
from evo_nas.tasks.registry import TASKS

RNG = np.random.default_rng(0)
WAVES = RNG.normal(loc=50, scale=9, size=(60, 7, 3))
WAVES[::4, 3, 0] = np.nan
CLASSES = np.where(np.nanmean(WAVES, axis=(1, 2)) > 50, "high", "low")
IN_TIME = SplitOptions(by="time", validation=6, test=12)


@pytest.mark.parametrize("missing", ["mask", "interpolate", "previous"])
def test_raw_sequences_become_the_inputs_of_the_data_set(missing) -> None:
    data = dataset_from_arrays(WAVES, CLASSES, kind="classification", missing=missing, split=IN_TIME)
    preparation = Preparation.from_json(data.preparation.to_json())
    assert preparation == data.preparation
    inputs, lengths = preparation.inputs.padded(WAVES[48:])
    assert np.array_equal(inputs, data.test.inputs)
    assert lengths is None


def test_tokens_stay_ids() -> None:
    ids = RNG.integers(0, 5, (60, 9))
    data = dataset_from_arrays(ids, ids[:, 0] > 2, kind="classification", split=IN_TIME)
    preparation = Preparation.from_json(data.preparation.to_json())
    assert np.array_equal(preparation.inputs.padded(ids[48:])[0], data.test.inputs)
    with pytest.raises(DataError, match="a list of tokens, or ids from 0 to 4"):
        preparation.inputs.padded([np.array([1, 5])])


def test_outputs_become_classes_and_probabilities() -> None:
    answers = ClassAnswers(("a", "b"))
    logits = np.array([[2.0, 0.0], [0.0, 1000.0]], dtype=np.float32)
    assert answers(logits).tolist() == ["a", "b"]
    assert answers.probabilities(logits) == pytest.approx(np.array([[0.8808, 0.1192], [0.0, 1.0]]), abs=1e-4)


def test_outputs_become_numbers_in_the_units_of_the_targets() -> None:
    targets = 1000 * np.nanmean(WAVES, axis=1)[:, :2]
    data = dataset_from_arrays(WAVES, targets, kind="regression", missing="previous", split=IN_TIME)
    assert data.preparation.answers(data.test.targets) == pytest.approx(targets[48:], rel=1e-5)


def test_a_hole_that_training_never_had_is_refused() -> None:
    data = dataset_from_arrays(WAVES, CLASSES, kind="classification", missing="mask", split=IN_TIME)
    holed = np.where(np.arange(3) == 1, np.nan, 1.0) * np.ones((7, 3))
    with pytest.raises(DataError, match="feature 2 has a missing value, as it never had"):
        data.preparation.inputs.padded([holed])


def test_other_features_are_refused() -> None:
    inputs = NumericInputs((0.0, 0.0), (1.0, 1.0))
    with pytest.raises(DataError, match=r"has shape \(4, 3\); must be \(time, 2\)"):
        inputs.padded([np.ones((4, 3))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged at its start"),
        ("{}", "damaged at inputs: Field required"),
        (
            Preparation(NumericInputs((0.0,), (1.0,)), NumberAnswers((0.0,), (1.0,)))
            .to_json()
            .replace('"refuse"', '"guess"'),
            "damaged at inputs.numbers.missing",
        ),
        (
            Preparation(
                WindowInputs(4, NumericInputs((0.0,), (1.0,)), 3), NumberAnswers((0.0,), (1.0,), horizon=3)
            )
            .to_json()
            .replace('"horizon"', '"ahead"'),
            "damaged at inputs.window.horizon: Field required",
        ),
    ],
)
def test_what_is_no_preparation_is_one_clear_error(text, message) -> None:
    with pytest.raises(DataError, match=message):
        Preparation.from_json(text)


def test_texts_become_ids_as_in_training() -> None:
    inputs = TokenInputs(("\ufffd", "wet", "wind", "!"), level="word", lower=True, max_length=3)
    ids, lengths = inputs.raw(["Wet snow wind!", "wind"])
    assert ids.tolist() == [[1, 0, 2], [2, 0, 0]]
    assert lengths.tolist() == [3, 1]


def test_lists_of_tokens_become_ids_as_in_training() -> None:
    inputs = TokenInputs(("\ufffd", "wet", "wind"), lower=True)
    assert inputs.raw([["Wet", "rain"], ["WIND", "wet"]])[0].tolist() == [[1, 0], [2, 1]]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("wet wind", "raw inputs are 'wet wind'; must be a list of texts"),
        ([], "raw has no inputs"),
        ([" "], "sequence 1 is ' ', without a token"),
        (["wet", [1.5]], r"sequence 2 is \[1.5\]; must be a text, a list of tokens, or ids from 0 to 2"),
        ([[1, 3]], r"sequence 1 is \[1, 3\]; must be"),
    ],
)
def test_what_is_no_text_is_one_clear_error(raw, message) -> None:
    with pytest.raises(DataError, match=message):
        TokenInputs(("\ufffd", "wet", "wind"), level="word").raw(raw)


def prepared_of(kind: str, path: Path, **options):
    task = TASKS[kind]
    return task(task.Options.model_validate({"path": path, **options})).read().dataset


TIME = {"by": "time", "validation": 6, "test": 12}


@pytest.mark.parametrize("missing", ["mask", "interpolate"])
def test_a_row_of_a_table_is_prepared_as_in_training(tmp_path, missing) -> None:
    columns = [f"t{step}" for step in range(5)]
    rows = pd.DataFrame(WAVES[:, :5, 1], columns=columns).assign(label=CLASSES)
    rows.loc[::5, "t2"] = np.nan
    rows.to_csv(tmp_path / "rows.csv", index=False)
    data = prepared_of("classification", tmp_path / "rows.csv", split=TIME, missing=missing)
    read = pd.read_csv(tmp_path / "rows.csv").iloc[48:]
    inputs, _ = data.preparation.inputs.raw(read[["label", *reversed(columns)]])
    assert np.array_equal(inputs, data.test.inputs)


def test_a_step_of_a_table_is_prepared_as_in_training(tmp_path) -> None:
    steps = pd.DataFrame(np.nan_to_num(WAVES).reshape(-1, 3), columns=["x", "y", "z"])
    steps.assign(id=np.repeat(range(60), 7), label=np.repeat(CLASSES, 7)).to_csv(
        tmp_path / "steps.csv", index=False
    )
    data = prepared_of("classification", tmp_path / "steps.csv", sequence="id", label="label", split=TIME)
    read = pd.read_csv(tmp_path / "steps.csv").iloc[48 * 7 :]
    raw = read[["label", "z", "id", "x", "y"]]
    indexed = raw.set_index(["id", raw.groupby("id").cumcount()])
    for inputs, _ in (
        data.preparation.inputs.raw(raw),
        data.preparation.inputs.raw(raw, sequence="id"),
        data.preparation.inputs.raw(indexed),
    ):
        assert np.array_equal(inputs, data.test.inputs)


@pytest.mark.parametrize("times", ["numbers", "dates"])
def test_steps_are_ordered_and_words_become_inputs_as_in_training(tmp_path, times) -> None:
    order = RNG.permuted(np.tile(np.arange(7), (60, 1)), axis=1).ravel()
    clock = order if times == "numbers" else pd.Timestamp("2024-01-01") + pd.to_timedelta(order, "D")
    steps = pd.DataFrame(
        {
            "id": np.repeat([f"walk {n}" for n in range(60)], 7),
            "clock": clock,
            "device": np.array(["watch", "phone", "glass=es"])[np.arange(420) % 3],
            "x": RNG.normal(size=420),
            "label": np.repeat(CLASSES, 7),
        }
    )
    steps.to_csv(tmp_path / "steps.csv", index=False)
    options = {"sequence": "id", "label": "label", "time": "clock", "categorical": ["device"], "split": TIME}
    data = prepared_of("classification", tmp_path / "steps.csv", **options)
    preparation = Preparation.from_json(data.preparation.to_json())
    raw = pd.read_csv(tmp_path / "steps.csv").iloc[48 * 7 :]
    assert np.array_equal(preparation.inputs.raw(raw)[0], data.test.inputs)
    each = [some for _, some in raw.groupby("id", sort=False)]
    assert np.array_equal(preparation.inputs.raw(each)[0], data.test.inputs)
    with pytest.raises(DataError, match="raw inputs has no column 'clock'"):
        preparation.inputs.raw(raw.drop(columns="clock"))
    with pytest.raises(
        DataError, match=r"has 'clock' as its index, .*; make a column of it: reset_index\(\)"
    ):
        preparation.inputs.raw(raw.set_index("clock"))
    with pytest.raises(
        DataError, match=r"has an index of several levels; make columns of them: reset_index\(\)"
    ):
        preparation.inputs.raw(raw.set_index(["id", "clock"]))


def table_of_devices(devices: np.ndarray) -> pd.DataFrame:
    columns = {"id": np.repeat(range(60), 7), "device": devices, "x": RNG.normal(size=420)}
    return pd.DataFrame({**columns, "label": np.repeat(CLASSES, 7)})


def inputs_of_devices(path: Path, steps: pd.DataFrame) -> NumericInputs:
    steps.to_csv(path, index=False)
    options = {"sequence": "id", "label": "label", "categorical": ["device"], "split": TIME}
    return prepared_of("classification", path, **options).preparation.inputs


@pytest.mark.parametrize(
    ("devices", "spelled"),
    [
        ([1, 2, 3], lambda names: names.astype(float)),
        ([1, 2, 3], lambda names: names.astype(object)),
        ([1, 2, 3], lambda names: names.astype(str)),
        ([1.0, 2.0, 3.5], lambda names: names),
        (["phone", "watch", "ring"], lambda names: " " + names + " "),
    ],
)
def test_a_word_is_known_however_a_table_spells_it(tmp_path, devices, spelled) -> None:
    steps = table_of_devices(np.array(devices)[np.arange(420) % 3])
    inputs = inputs_of_devices(tmp_path / "steps.csv", steps)
    raw = inputs.raw(steps.assign(device=spelled(steps["device"])))[0]
    assert np.array_equal(raw, inputs.raw(pd.read_csv(tmp_path / "steps.csv"))[0])
    assert len(np.unique(raw[..., [name.startswith("device=") for name in inputs.columns]])) == 2


def test_a_column_without_a_known_word_is_refused_and_one_without_a_value_is_not(tmp_path) -> None:
    steps = table_of_devices(np.array(["phone", "watch"])[np.arange(420) % 2])
    inputs = inputs_of_devices(tmp_path / "steps.csv", steps)
    with pytest.raises(
        DataError, match="'device' is a word that the network learnt, the first is 'ring'; must be"
    ):
        inputs.raw(steps.assign(device="ring"))
    assert np.isfinite(inputs.raw(steps.assign(device=None))[0]).all()
    assert np.isfinite(inputs.raw(steps.assign(device=["ring", *steps["device"][1:]]))[0]).all()


@pytest.mark.parametrize("missing", ["refuse", "mask", "interpolate", "previous"])
def test_only_the_last_steps_are_read_where_a_window_cut_sequences(tmp_path, missing) -> None:
    steps = pd.DataFrame({"engine": np.repeat(range(30), 12), "cycle": np.tile(range(12), 30)})
    steps = steps.assign(x=RNG.normal(size=360), rul=11 - steps["cycle"])
    if missing != "refuse":
        steps.loc[::5, "x"] = np.nan
    steps.to_csv(tmp_path / "steps.csv", index=False)
    options = {"sequence": "engine", "time": "cycle", "targets": ["rul"], "window": 5, "missing": missing}
    inputs = prepared_of("regression", tmp_path / "steps.csv", **options).preparation.inputs
    whole = [some for _, some in steps.groupby("engine")]
    assert np.array_equal(inputs.raw(whole)[0], inputs.raw([each.tail(5) for each in whole])[0])
    assert np.array_equal(inputs.raw(steps)[0], inputs.raw(whole)[0])
    assert inputs.raw([whole[0].head(3)])[0].shape[1] == 3


def test_numbers_of_files_come_back_in_their_units(tmp_path) -> None:
    rows = pd.DataFrame(np.nan_to_num(WAVES[..., 1]), columns=[f"t{step}" for step in range(7)])
    rows.assign(target=1000 * rows["t3"]).to_csv(tmp_path / "rows.csv", index=False)
    data = prepared_of("regression", tmp_path / "rows.csv", targets=["target"], split=TIME)
    assert data.preparation.answers(data.test.targets)[:, 0] == pytest.approx(
        1000 * rows["t3"].iloc[48:].to_numpy(), rel=1e-5
    )


@pytest.mark.parametrize("level", ["word", "character", "blank"])
def test_a_text_is_prepared_as_in_training(tmp_path, level) -> None:
    texts = [f"{'Wet' if n % 2 else 'dry'} wind, n{n % 7}" for n in range(40)]
    pd.DataFrame({"text": texts, "label": ["ab"[n % 2] for n in range(40)]}).to_csv(
        tmp_path / "texts.csv", index=False
    )
    options = {"level": level, "lower": True, "max_length": 5, "split": {**TIME, "duplicates": "keep"}}
    data = prepared_of("text_classification", tmp_path / "texts.csv", **options)
    inputs, lengths = data.preparation.inputs.raw(texts[28:])
    assert np.array_equal(inputs, data.test.inputs)
    assert np.array_equal(lengths, data.test.lengths)
    assert data.preparation.answers.classes == ("a", "b")


def test_tokens_are_prepared_as_in_training(tmp_path) -> None:
    sentences = [["Rain", "falls", f"w{n % 9}"][: 1 + n % 3] for n in range(60)]
    lines = [json.dumps({"tokens": some, "tags": list("NVX")[: len(some)]}) for some in sentences]
    (tmp_path / "tags.jsonl").write_text("\n".join(lines))
    options = {"lower": True, "split": {**TIME, "duplicates": "keep"}}
    data = prepared_of("tagging", tmp_path / "tags.jsonl", **options)
    inputs, _ = data.preparation.inputs.raw(sentences[48:])
    assert np.array_equal(inputs, data.test.inputs)


def test_a_text_of_a_language_model_is_prepared_as_in_training(tmp_path) -> None:
    (tmp_path / "book.txt").write_text("the quick brown fox. " * 60)
    data = prepared_of("language_model", tmp_path / "book.txt", steps=8)
    inputs, _ = data.preparation.inputs.raw(["the quick brown fox. "])
    assert (
        "".join(data.preparation.answers.classes[number] for number in inputs[0]) == "the quick brown fox. "
    )
    assert np.array_equal(inputs[0], data.train.tokens[:21])


@pytest.mark.parametrize("missing", ["refuse", "mask", "interpolate", "previous"])
def test_the_end_of_a_series_is_prepared_as_in_training(tmp_path, missing) -> None:
    rows = pd.DataFrame(
        RNG.normal(loc=[100, -3], scale=[4, 0.5], size=(200, 2)).cumsum(axis=0), columns=["a", "b"]
    )
    if missing != "refuse":
        rows.loc[::3, "b"] = np.nan
        rows.loc[188:193, "b"] = np.nan
    rows.to_csv(tmp_path / "series.csv", index=False)
    options = {"targets": ["b"], "window": 10, "horizon": 3, "missing": missing}
    data = prepared_of("forecast", tmp_path / "series.csv", **options)
    preparation = Preparation.from_json(data.preparation.to_json())
    inputs, _ = preparation.inputs.raw([rows[["b", "a"]].iloc[:197], rows.iloc[:194]])
    windows, origins = data.test.cut(), data.test.origins.tolist()
    assert np.array_equal(inputs[0], windows.inputs[origins.index(197)])
    assert np.array_equal(inputs[1], windows.inputs[origins.index(194)])
    last = preparation.answers(windows.targets[-1:])
    assert last.shape == (1, 3, 1)
    wanted = rows[["b"]].iloc[197:].to_numpy()
    assert last[0] == pytest.approx(wanted, rel=1e-5, nan_ok=True)


def dated(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"when": pd.date_range("2024-01-01", periods=120), **columns})


def windows_of(path: Path, rows: pd.DataFrame, **options) -> WindowInputs:
    rows.to_csv(path, index=False)
    given = {"targets": ["v"], "window": 8, "horizon": 2, **options}
    preparation = prepared_of("forecast", path, **given).preparation
    return Preparation.from_json(preparation.to_json()).inputs


@pytest.mark.parametrize("gaps", ["refuse", "keep", "fill", "mask"])
@pytest.mark.parametrize("order", ["reversed", "shuffled", "text", "one frame"])
def test_the_rows_of_a_series_are_read_in_the_order_of_time(tmp_path, gaps, order) -> None:
    rows = dated(v=RNG.normal(size=120).cumsum())
    inputs = windows_of(tmp_path / "series.csv", rows, gaps=gaps)
    given = {
        "reversed": [rows[::-1]],
        "shuffled": [rows.sample(frac=1, random_state=0)],
        "text": [pd.read_csv(tmp_path / "series.csv", dtype={"when": str})[::-1]],
        "one frame": rows[::-1],
    }[order]
    assert np.array_equal(inputs.raw(given)[0], inputs.raw([rows[["v"]].to_numpy()])[0])
    with pytest.raises(DataError, match="series 1 has no column 'when'"):
        inputs.raw([rows[["v"]]])
    for indexed in (rows.set_index("when"), [rows.set_index("when")]):
        with pytest.raises(DataError, match=r"'when' as its index, .* make a column of it: reset_index\(\)"):
            inputs.raw(indexed)


@pytest.mark.parametrize("step", ["D", "h", "MS", "B", "15min"])
def test_a_gap_is_refused_as_training_refused_it(tmp_path, step) -> None:
    rows = dated(v=RNG.normal(size=120).cumsum())
    rows["when"] = pd.date_range("2024-01-01", periods=120, freq=step)
    inputs = windows_of(tmp_path / "series.csv", rows)
    assert np.array_equal(inputs.raw([rows.tail(20)])[0], inputs.raw([rows])[0])
    with pytest.raises(
        DataError, match=r"series 2 has 106 rows, but 14 are missing between them, with steps of"
    ):
        inputs.raw([rows, rows.drop(index=range(100, 114))])
    with pytest.raises(DataError, match="does not fit"):
        inputs.raw([rows[::3]])
    with pytest.raises(DataError, match="rows 120 and 121 have the same time"):
        inputs.raw([pd.concat([rows, rows.tail(1)])])


def test_a_gap_is_filled_as_training_filled_it(tmp_path) -> None:
    holed = dated(v=RNG.normal(size=120).cumsum()).drop(index=[50, 51, 116, 117])
    for gaps in ("fill", "mask"):
        inputs = windows_of(tmp_path / "series.csv", holed, gaps=gaps)
        whole = holed.set_index("when").asfreq("D").to_numpy()
        assert np.array_equal(inputs.raw([holed])[0], inputs.raw([whole])[0])


def test_each_series_of_a_frame_has_a_window(tmp_path) -> None:
    rows = pd.concat([dated(v=RNG.normal(size=120).cumsum(), shop=shop) for shop in ("b", "a")])
    inputs = windows_of(tmp_path / "series.csv", rows, series="shop")
    each = [rows[rows["shop"] == shop] for shop in ("b", "a")]
    assert np.array_equal(inputs.raw(rows.sort_values("when"))[0], inputs.raw(each)[0])


def test_a_frame_without_the_names_of_its_series_is_told_what_it_has(tmp_path) -> None:
    rows = dated(v=RNG.normal(size=120).cumsum(), shop="a")
    inputs = windows_of(tmp_path / "series.csv", rows, series="shop")
    with pytest.raises(
        DataError, match=r"no column 'shop'; did you mean 'shops'\? It has 'when', 'v', 'shops'"
    ):
        inputs.raw(rows.rename(columns={"shop": "shops"}))


@pytest.mark.parametrize("kind", ["category", "string[pyarrow]", "object"])
def test_times_and_names_of_series_may_be_categories(tmp_path, kind) -> None:
    rows = pd.concat([dated(v=RNG.normal(size=120).cumsum(), shop=shop) for shop in ("b", "a")])
    inputs = windows_of(tmp_path / "series.csv", rows, series="shop")
    texts = rows.assign(shop=rows["shop"].astype(kind), when=rows["when"].astype(str).astype(kind))
    assert np.array_equal(inputs.raw(texts)[0], inputs.raw(rows)[0])


def test_a_series_shorter_than_the_window_is_refused() -> None:
    inputs = WindowInputs(10, NumericInputs((0.0,), (1.0,)), 1)
    with pytest.raises(DataError, match="series 2 has 9 rows; the network reads 10: give more"):
        inputs.raw([np.ones((10, 1)), np.ones((9, 1))])


def test_a_forecast_that_reads_the_calendar_needs_frames(tmp_path) -> None:
    days = pd.date_range("2024-01-01", periods=120)
    pd.DataFrame({"day": days, "a": RNG.normal(size=120)}).to_csv(tmp_path / "series.csv", index=False)
    options = {"targets": ["a"], "window": 8, "horizon": 2, "calendar": ["weekday"]}
    inputs = prepared_of("forecast", tmp_path / "series.csv", **options).preparation.inputs
    with pytest.raises(DataError, match="the network reads the calendar; give frames, whose columns have it"):
        inputs.raw([np.ones((20, 1))])


def test_the_median_is_the_answer_of_quantiles() -> None:
    answers = NumberAnswers((10.0,), (2.0,), horizon=2, quantiles=(0.1, 0.5, 0.9))
    outputs = np.array([[-1, 0, 1, -2, 1, 3]], dtype=np.float32)
    assert answers(outputs).tolist() == [[[10.0], [12.0]]]
    assert answers.every_level(outputs).tolist() == [[[[8.0, 10.0, 12.0]], [[6.0, 12.0, 16.0]]]]


def test_quantiles_that_cross_are_answered_in_the_order_they_are_scored_in() -> None:
    levels = (0.1, 0.5, 0.9)
    answers = NumberAnswers((10.0,), (2.0,), horizon=2, quantiles=levels)
    outputs = np.array([[3, -1, 0, 1, 2, -2]], dtype=np.float32)
    assert answers.every_level(outputs).tolist() == [[[[8.0, 10.0, 16.0]], [[6.0, 12.0, 14.0]]]]
    assert np.array_equal(answers(outputs).reshape(1, 2), 10 + 2 * point_forecasts(outputs, levels))
