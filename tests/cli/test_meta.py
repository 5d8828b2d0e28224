"""`evo-nas meta` learns initial weights, goes on after a kill, and hands them to other commands."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner
from safetensors.torch import load_file

import evo_nas
from evo_nas.champion.champion import load_champion
from evo_nas.champion.meta_learning import MetaLearning, chosen_architecture
from evo_nas.cli import main
from evo_nas.config import load_config
from evo_nas.errors import ConfigError
from evo_nas.experiment import Experiment
from evo_nas.genome.codec import to_json

CONFIG = """
name: waves
task: {kind: sines, length: 3, family: {episodes: 12, shots: 4, queries: 4}}
space: {widths: [4], batch_sizes: [4], layers: {min: 1, max: 1}}
training: {epochs: 3, adaptation: {steps: 2}}
"""


@pytest.fixture
def config(tmp_path) -> Path:
    path = tmp_path / "waves.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def meta(*arguments: object):
    return CliRunner().invoke(main, ["meta", *map(str, arguments)])


def weights(place: Path) -> dict[str, torch.Tensor]:
    return load_file(place / "model.safetensors")


def assert_equal_weights(one: Path, other: Path) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_it_tells_each_epoch_and_how_the_network_adapts(config, tmp_path) -> None:
    out = tmp_path / "start"
    result = meta(config, "--output", out, "--json")
    assert result.exit_code == 0, result.output
    *epochs, learnt = map(json.loads, result.output.splitlines())
    assert [line["epoch"] for line in epochs] == [1, 2, 3]
    assert len(learnt["test"]) == len(learnt["scratch"]) == 3
    assert learnt["steps"] == 2
    assert learnt["validation"] == min(line["latest"] for line in epochs)
    assert {"architecture.json", "genome.json", "model.safetensors", "learnt.json"} <= {
        path.name for path in out.iterdir()
    }
    assert not list(out.glob("checkpoint*"))
    again = meta(config, "--output", out)
    assert "after 0 to 2 steps of adaptation" in again.output
    assert "validation" not in again.output


def test_what_was_killed_goes_on_to_the_same_weights(config, tmp_path) -> None:
    config.write_text(CONFIG.replace("epochs: 3", "epochs: 12"), encoding="utf-8")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert meta(config, "--output", whole).exit_code == 0
    command = [
        sys.executable,
        "-c",
        "from evo_nas.cli import main; main()",
        "meta",
        config,
        "--output",
        killed,
    ]
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process:
        while not list(killed.glob("checkpoint-*")) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (killed / "learnt.json").exists()
    rest = meta(config, "--output", killed, "--json")
    assert rest.exit_code == 0, rest.output
    assert json.loads(rest.output.splitlines()[0])["epoch"] > 1
    assert_equal_weights(whole, killed)


def test_a_damaged_checkpoint_only_takes_longer(config, tmp_path) -> None:
    assert meta(config, "--output", tmp_path / "whole").exit_code == 0
    experiment = Experiment.of(load_config(config))
    learning = MetaLearning(experiment, chosen_architecture("lstm", experiment.space), tmp_path / "damaged")
    running = learning.run()
    next(running)
    next(running)
    running.close()
    (checkpoint,) = (tmp_path / "damaged").glob("checkpoint-*")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert meta(config, "--output", tmp_path / "damaged").exit_code == 0
    assert_equal_weights(tmp_path / "whole", tmp_path / "damaged")


def test_the_weights_are_a_network_that_can_be_loaded_and_exported(config, tmp_path) -> None:
    start, copied = tmp_path / "start", tmp_path / "copied"
    assert meta(config, "--output", start, "--set", "training.epochs=1").exit_code == 0
    network = load_champion(start).model
    assert network(torch.zeros(2, 3, 1)).shape == (2, 1)
    result = CliRunner().invoke(main, ["export", str(start), "--out", str(copied)])
    assert result.exit_code == 0, result.output
    assert_equal_weights(start, copied)
    # The export names the architecture of the next attempt, as a file with it does.
    space = Experiment.of(load_config(config)).space
    assert chosen_architecture(str(copied), space) == network.architecture
    assert chosen_architecture(str(copied / "architecture.json"), space) == network.architecture
    genome = dict(space.seeds())["lstm"]
    assert to_json(chosen_architecture(str(list(genome)), space)) == to_json(network.architecture)


def test_a_search_begins_with_the_weights_and_scores_networks_by_how_they_adapt(config, tmp_path) -> None:
    start, run = tmp_path / "start", tmp_path / "run"
    assert meta(config, "--output", start, "--set", "training.epochs=1").exit_code == 0
    settings = {
        "warm_start": {"runs": [str(start)], "weights": True},
        "fitness": {"inheritance": "parent", "rungs": None},
        "budget": {"evaluations": 3},
        "training": {"epochs": 1, "adaptation": {"steps": 2}},
    }
    verdict = evo_nas.search({**yaml.safe_load(CONFIG), **settings}, run, executor="inline")
    rows = evo_nas.load_run(run).to_pylist()
    assert rows[0]["inherited_steps"] > 0
    assert [row["status"] for row in rows] == ["ok"] * 3
    assert verdict.metric == "mse"
    assert "mean of the shots" in verdict.baselines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--architecture", "lstmm"], "error: architecture is lstmm; did you mean lstm?"),
        (
            ["--architecture", "[1.5]"],
            "error: architecture is [1.5]; a genome must be a list of whole numbers",
        ),
        (
            ["--set", "training.adaptation.steps=0"],
            "error: training.adaptation.steps is 0; must be at least 1",
        ),
        (
            ["--set", "task={kind: digits}"],
            "error: task.kind is digits, which is a single task and no family",
        ),
        (["--output", "."], "name a new or empty directory with --output"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_one_sentence(
    config, tmp_path, monkeypatch, arguments, message
) -> None:
    monkeypatch.chdir(tmp_path)
    result = meta(config, *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.splitlines()) == 1


def test_other_settings_need_another_directory(config, tmp_path) -> None:
    out = tmp_path / "start"
    experiment = Experiment.of(load_config(config))
    running = MetaLearning(experiment, chosen_architecture("lstm", experiment.space), out).run()
    next(running)
    running.close()
    result = meta(config, "--output", out, "--algorithm", "fomaml")
    assert result.exit_code == 2
    assert "was begun with another training; name a new directory with --output" in result.output
    with pytest.raises(ConfigError, match="was begun with another architecture"):
        next(MetaLearning(experiment, chosen_architecture("gru", experiment.space), out).run())
