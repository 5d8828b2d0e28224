"""The commands that use a champion: what `predict` and `retrain` write, and what they refuse in one line."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner, Result

from evo_nas.champion.export import write_champion
from evo_nas.champion.exporters.native import Member, updated_files, weights_of
from evo_nas.champion.midi import midi_of
from evo_nas.cli.app import main
from evo_nas.config import configured
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.models.network import Network
from evo_nas.models.seeded_init import SeededInit


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows() -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(60, 6))
    return pd.DataFrame(values, columns=list("abcdef")).assign(label=np.where(values[:, 0] > 0, "up", "down"))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with ``rows.csv`` and ``champion``, an untrained network for it."""
    folder = tmp_path_factory.mktemp("champion")
    rows().to_csv(folder / "rows.csv", index=False)
    task = {"kind": "classification", "path": str(folder / "rows.csv"), "split": {"by": "time"}}
    written(task, folder / "champion")
    return folder


def written(task: dict[str, Any], folder: Path) -> None:
    """Writes an untrained network for ``task``."""
    dataset = Experiment.of(
        configured({"name": "tiny", "task": task, "training": {"epochs": 1, "device": "cpu"}})
    ).dataset
    with SeededInit(torch.Generator().manual_seed(1)):
        network = Network(Architecture(layers=(Layer(NAMED_CELLS["gru"], 4),)), dataset.signature)
    member = Member(network.architecture, weights_of(network))
    files = updated_files([member], dataset.signature, {"epochs": 1}, dataset.preparation, link=None)
    write_champion(files, folder)


def test_predict_prints_a_row_for_each_row_of_the_file(place) -> None:
    told = CliRunner().invoke(
        main, ["predict", str(place / "champion"), "--input", str(place / "rows.csv"), "--score"]
    )
    assert told.exit_code == 0, told.output
    head, *lines = told.stdout.splitlines()
    assert head.replace('"', "").split(",") == ["row", "prediction", "p_down", "p_up"]
    assert len(lines) == 60
    assert "accuracy" in told.stderr


def test_predict_writes_the_same_as_json_lines(place, tmp_path) -> None:
    out = tmp_path / "answers.jsonl"
    told = command("predict", place / "champion", "--input", place / "rows.csv", "--output", out)
    assert told.exit_code == 0, told.output
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(answers) == 60
    assert all(each["p_down"] + each["p_up"] == pytest.approx(1) for each in answers)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("a,b,c,d,e,g\n1,2,3,4,5,6\n", "no column 'f'"),
        ("a,b,c,d,e,f\n1,2,3,4,5,x\n", "'x'"),
        ("a,b,c,d,e,f,label\n1,2,3,4,5,6,aside\n", "'aside'"),
    ],
)
def test_predict_says_in_one_line_what_is_wrong_with_a_file(place, tmp_path, content, said) -> None:
    (tmp_path / "new.csv").write_text(content)
    told = command("predict", place / "champion", "--input", tmp_path / "new.csv", "--score")
    assert told.exit_code == 2
    assert said in told.output
    assert told.output.count("error:") == 1


def test_predict_forecasts_known_rows_again_and_again(tmp_path) -> None:
    when = pd.date_range("2024-01-01", periods=60, freq="h")
    values = np.random.default_rng(0).normal(size=60).cumsum()
    pd.DataFrame({"when": when, "a": values}).to_csv(tmp_path / "series.csv", index=False)
    task = {
        "kind": "forecast",
        "path": str(tmp_path / "series.csv"),
        "targets": ["a"],
        "window": 8,
        "horizon": 3,
    }
    written(task, tmp_path / "champion")
    asked = ["predict", tmp_path / "champion", "--input", tmp_path / "series.csv", "--stride", "20"]
    told = CliRunner().invoke(main, [*map(str, asked), "--rolling", "--score"])
    assert told.exit_code == 0, told.output
    head, *lines = csv.reader(told.stdout.splitlines())
    assert head == ["series", "origin", "time", "step", "a", "a_truth"]
    assert [line[1:3] for line in lines[::3]] == [
        ["2024-01-01 16:00:00", "2024-01-01 17:00:00"],
        ["2024-01-02 12:00:00", "2024-01-02 13:00:00"],
        ["2024-01-03 08:00:00", "2024-01-03 09:00:00"],
    ]
    assert [float(line[-1]) for line in lines] == pytest.approx(values[[17, 18, 19, 37, 38, 39, 57, 58, 59]])
    assert "in the squared units of the file, on 3 forecasts" in told.stderr
    refused = command(*asked)
    assert refused.exit_code == 2
    assert "--stride is for --rolling; give both" in refused.output


def test_predict_says_that_there_is_no_such_champion(place, tmp_path) -> None:
    told = command("predict", tmp_path / "nowhere", "--input", place / "rows.csv")
    assert told.exit_code == 2
    assert "nowhere does not exist; give a run" in told.output


def test_retrain_writes_a_champion_that_predict_takes(place, tmp_path) -> None:
    out = tmp_path / "updated"
    told = command("retrain", place / "champion", "--data", place / "rows.csv", "--epochs", 1, "--out", out)
    assert told.exit_code == 0, told.output
    assert "On the test part of the new data the champion reached" in told.output
    assert json.loads((out / "genome.json").read_text())["updates"][0]["epochs"] == 1
    assert command("predict", out, "--input", place / "rows.csv").exit_code == 0


def test_retrain_leaves_a_folder_alone_that_is_not_empty(place) -> None:
    told = command("retrain", place / "champion", "--data", place / "rows.csv", "--out", place / "champion")
    assert told.exit_code == 2
    assert "not an empty directory" in told.output


def test_a_key_that_is_held_is_one_long_note_of_midi() -> None:
    frames = np.zeros((3, 88), np.float32)
    frames[:2, 39] = 1  # middle C, two frames long
    frames[2, 40] = 1
    content = midi_of(frames)
    assert content[:14] == struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 240)
    assert struct.unpack(">4sI", content[14:22]) == (b"MTrk", len(content) - 22)
    on, off, two_frames = 0x90, 0x80, b"\x81\x70"  # 240 ticks in pieces of seven bits
    assert content[22:] == bytes(
        [0, on, 60, 80, *two_frames, off, 60, 0, 0, on, 61, 80, 120, off, 61, 0, 0, 0xFF, 0x2F, 0]
    )
