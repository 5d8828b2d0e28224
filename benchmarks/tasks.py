"""Measures that what a search compares is trained properly, and what networks of forecasts should tell.

    python -m benchmarks.tasks train            a plain LSTM on pendigits and the chorales, three seeds
    python -m benchmarks.tasks forecast         an LSTM that predicts values, changes, or changes from relative inputs
    python -m benchmarks.tasks tied             a language model of words, with outputs tied to the embedding or not
    python -m benchmarks.tasks report           the tables alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says. One process,
one thread. Each command ends by writing ``benchmarks/results/tasks.md`` from all that was measured so far.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.table import RESULTS, Table, write
from evo_nas.cli.formatting import figure
from evo_nas.config import TrainingConfig, load_config
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.baselines.fitting import scores
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.tasks.dataset import Dataset

CONFIGS = Path(__file__).parent.parent / "configs"
MEASURED = RESULTS / "tasks"
LSTM = NAMED_CELLS["lstm"]
PLAIN = {
    "jsb": (
        Architecture((Layer(LSTM, 150),), Head(dropout=0.5), Training(learning_rate=5e-3, batch_size=8)),
        {"epochs": 60, "schedule": "halving"},
    ),
    "pendigits": (
        Architecture((Layer(LSTM, 128),), Head(dropout=0.2), Training(learning_rate=5e-3, batch_size=64)),
        {"epochs": 40, "schedule": "cosine"},
    ),
}
SEEDS = (0, 1, 2)
WORDS = Architecture(
    (Layer(LSTM, 128, dropout=0.2),),
    Head(dropout=0.3),
    Training(learning_rate=5e-3, batch_size=32),
    embedding=128,
)
FORECASTS = {
    "coal": (
        Architecture((Layer(LSTM, 32),), training=Training(learning_rate=5e-3, batch_size=128)),
        {"epochs": 24, "schedule": "cosine"},
        ("task.stride=1",),
    ),
    "etth1": (
        Architecture((Layer(LSTM, 32),), training=Training(learning_rate=2e-3, batch_size=64)),
        {"epochs": 6, "schedule": "cosine"},
        (),
    ),
}


def main(command: str) -> None:
    torch.set_num_threads(1)
    MEASURED.mkdir(parents=True, exist_ok=True)
    if command == "train":
        train_plain()
    elif command == "forecast":
        train_forecasts()
    elif command == "tied":
        train_tied()
    report()


def overrides(*more: str) -> tuple[str, ...]:
    data = os.environ.get("EVO_NAS_DATA")
    return (*more, *([f"base_dir={data}"] if data else []))


def train_plain() -> None:
    for name, (architecture, options) in PLAIN.items():
        dataset = Experiment.of(load_config(CONFIGS / f"{name}.yaml", overrides())).dataset
        save(f"train-{name}", trainings_of(architecture, dataset, options))


def train_forecasts() -> None:
    for name, (architecture, options, changes) in FORECASTS.items():
        experiment = Experiment.of(load_config(CONFIGS / f"{name}.yaml", overrides(*changes)))
        told = {
            forecast: trainings_of(replace(architecture, forecast=forecast), experiment.dataset, options)
            for forecast in Forecast
        }
        save(f"forecast-{name}", {"baselines": scores(experiment.baselines), "told": told})


def train_tied() -> None:
    changes = ("task.level=word", "task.min_count=5", "task.metric=perplexity")
    dataset = Experiment.of(load_config(CONFIGS / "tinyshakespeare.yaml", overrides(*changes))).dataset
    ways = {
        str(tied): trainings_of(
            replace(WORDS, tied=tied), dataset, {"epochs": 4, "schedule": "cosine"}, seeds=SEEDS[:1]
        )
        for tied in (False, True)
    }
    save("tied", {"vocabulary": dataset.signature.vocabulary, "ways": ways})


def trainings_of(
    architecture: Architecture,
    dataset: Dataset,
    options: Mapping[str, object],
    *,
    seeds: Sequence[int] = SEEDS,
) -> dict[str, object]:
    """Returns what came of a training with each of ``seeds``."""
    data, trainings = prepare(dataset), []
    training = TrainingConfig(**options).without_time_limit()
    for seed in seeds:
        started = time.process_time()
        trained = train(architecture, data, training, epochs=training.full_epochs, seed=seed)
        cpu_s = time.process_time() - started
        test = score_part(trained.network, dataset, "test").metric
        best = max(trained.outcome.curve, key=dataset.metric.fitness)
        trainings.append({"seed": seed, "validation": best, "test": test, "cpu_s": cpu_s})
        print(dataset.name, trainings[-1])
    facts = {"metric": dataset.metric.name, "parameters": trained.outcome.parameters, **options}
    return {**facts, "trainings": trainings}


def save(name: str, values: Mapping[str, object]) -> None:
    (MEASURED / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def report() -> None:
    tables = [_trained(), _forecast(), _tied()]
    write("tasks", "Tasks on real data", [table for table in tables if table.rows])


def _trained() -> Table:
    rows = []
    for path in sorted(MEASURED.glob("train-*.json")):
        values = json.loads(path.read_text())
        tests = [training["test"] for training in values["trainings"]]
        rows.append(
            [
                f"{path.stem.removeprefix('train-')}, {values['metric']}",
                f"{values['parameters']:,}",
                f"{values['epochs']}, {values['schedule']}",
                ", ".join(map(figure, tests)),
                figure(statistics.fmean(tests)),
                ", ".join(f"{training['cpu_s']:.0f}" for training in values["trainings"]),
            ]
        )
    return Table(
        "A plain LSTM, by the trainer that searches use: one layer, Adam at 0.005, dropout before the outputs",
        "python -m benchmarks.tasks train",
        ["data", "parameters", "epochs, rate", "test, each seed", "mean", "CPU s, each"],
        rows,
        ["One thread. Published for the chorales: LSTM 8.45 with 300 K parameters (Bai et al., 2018)."],
    )


def _forecast() -> Table:
    rows = []
    for path in sorted(MEASURED.glob("forecast-*.json")):
        values = json.loads(path.read_text())
        for forecast, told in values["told"].items():
            tests = [training["test"] for training in told["trainings"]]
            rows.append(
                [
                    f"{path.stem.removeprefix('forecast-')}, {told['metric']}",
                    forecast,
                    ", ".join(map(figure, tests)),
                    figure(statistics.fmean(tests)),
                    ", ".join(f"{name} {figure(baseline)}" for name, baseline in values["baselines"].items()),
                    ", ".join(f"{training['cpu_s']:.0f}" for training in told["trainings"]),
                ]
            )
    return Table(
        "What the network of a forecast predicts: one layer, LSTM 32, Adam, cosine learning rate",
        "python -m benchmarks.tasks forecast",
        ["data", "forecast", "test, each seed", "mean", "baselines", "CPU s, each"],
        rows,
        [
            "One thread. Which of the three it is evolves with the rest; founders have the first that is permitted.",
            "Stated for coal by another program with other settings, and with ten burners to learn from instead of "
            "eight and two that decide: 4.69e-4 for the value, 4.13e-4 for the change.",
            "The baselines were measured when they learnt from the validation part, too; `python -m benchmarks.tasks "
            "forecast` measures them anew.",
        ],
    )


def _tied() -> Table:
    path = MEASURED / "tied.json"
    values = json.loads(path.read_text()) if path.exists() else {"ways": {}, "vocabulary": 0}
    rows = []
    for tied, way in values["ways"].items():
        tests = [training["test"] for training in way["trainings"]]
        seconds = ", ".join(f"{training['cpu_s']:.0f}" for training in way["trainings"])
        rows.append(
            [
                "tied" if tied == "True" else "free",
                f"{way['parameters']:,}",
                ", ".join(f"{test:.1f}" for test in tests),
                f"{statistics.fmean(tests):.1f}",
                seconds,
            ]
        )
    return Table(
        f"Outputs tied to the embedding: words of tinyshakespeare, {values['vocabulary']:,} of them, LSTM 128",
        "python -m benchmarks.tasks tied",
        ["outputs", "parameters", "test perplexity, each seed", "mean", "CPU s, each"],
        rows,
        ["One thread, 4 epochs, embedding of 128; words seen fewer than five times are unknown."],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
