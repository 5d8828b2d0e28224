"""Measures that what a search compares is trained properly, and searches every real data set a little.

    python -m benchmarks.tasks train            a plain LSTM on pendigits and the chorales, three seeds
    python -m benchmarks.tasks forecast         an LSTM that tells values, changes, or changes from relative inputs
    python -m benchmarks.tasks search NAME...   a small search, with the verdict, for configurations by name
    python -m benchmarks.tasks memory           a series of a million rows
    python -m benchmarks.tasks report           the tables alone

Run from the root of the repository. Data lie where the configurations say, or where EVO_NAS_DATA says. One process,
one thread. Each command ends by writing ``benchmarks/results/tasks.md`` from all that was measured so far.
"""

from __future__ import annotations

import json
import os
import pickle
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv as arrow_csv

import evo_nas
from benchmarks.table import RESULTS, Table, peak_mib, write
from evo_nas.cli.wording import figure
from evo_nas.config import load_config
from evo_nas.experiment import Experiment
from evo_nas.genome.architecture import Architecture, Forecast, Head, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.training.batches import prepare
from evo_nas.training.scoring import score_part
from evo_nas.training.trainer import Regimen, train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.task import Dataset

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
FORECASTS = {
    "coal": (
        Architecture((Layer(LSTM, 32),), training=Training(learning_rate=5e-3, batch_size=128)),
        {"epochs": 24, "schedule": "cosine"},
        ("task.stride=1",),
    ),
    "forecast": (
        Architecture((Layer(LSTM, 32),), training=Training(learning_rate=2e-3, batch_size=64)),
        {"epochs": 6, "schedule": "cosine"},
        (),
    ),
}
ROWS, COLUMNS = 1_000_000, 7
SMALL = ("budget.evaluations=8", "strategy={kind: aging, population: 8, tournament: 3, warmup: 6}")
CHEAPER = {
    "coal": ("training.epochs=3", "task.stride=8"),
    "forecast": ("training.epochs=3",),
    "jsb": ("training.epochs=20",),
    "promoters": ("training.epochs=8", "space.layers={min: 1, max: 1}"),
    "tinyshakespeare": (
        "training.epochs=1",
        "space.layers={min: 1, max: 1}",
        "space.widths=[96, 128]",
        "space.batch_sizes=[64]",
    ),
    "trec": ("training.epochs=6", "space.layers={min: 1, max: 1}"),
}
"""Beside `SMALL`, so that all of it takes minutes."""


def main(command: str, *names: str) -> None:
    torch.set_num_threads(1)
    MEASURED.mkdir(parents=True, exist_ok=True)
    if command == "train":
        train_plain()
    elif command == "forecast":
        train_forecasts()
    elif command == "search":
        for name in names:
            search(name)
    elif command == "memory":
        measure_memory()
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
        save(f"forecast-{name}", {"floors": experiment.task.floors(), "told": told})


def trainings_of(
    architecture: Architecture, dataset: Dataset, options: Mapping[str, object]
) -> dict[str, object]:
    """Returns what came of a training with each of `SEEDS`."""
    data, trainings = prepare(dataset), []
    for seed in SEEDS:
        started = time.process_time()
        trained = train(architecture, data, Regimen(seed=seed, **options))
        cpu_s = time.process_time() - started
        test = score_part(trained.network, dataset, "test").metric
        best = max(trained.outcome.curve, key=dataset.metric.fitness)
        trainings.append({"seed": seed, "validation": best, "test": test, "cpu_s": cpu_s})
        print(dataset.name, trainings[-1])
    facts = {"metric": dataset.metric.name, "parameters": trained.outcome.parameters, **options}
    return {**facts, "trainings": trainings}


def search(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.yaml", overrides(*SMALL, *CHEAPER.get(name, ())))
    started, wall = time.process_time(), time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        verdict = evo_nas.search(config, Path(run) / name, executor="inline")
    spent = {"cpu_s": time.process_time() - started, "wall_s": time.monotonic() - wall}
    changed = [*SMALL[:1], *CHEAPER.get(name, ())]
    save(f"search-{name}", {**asdict(verdict), "sentence": verdict.sentence, "changed": changed, **spent})
    print(name, verdict.sentence)


def save(name: str, values: Mapping[str, object]) -> None:
    (MEASURED / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def measure_memory() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.csv"
        values = np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)
        names = [f"c{column}" for column in range(COLUMNS)]
        arrow_csv.write_csv(pa.table(dict(zip(names, values.T, strict=True))), path)
        file_mib = path.stat().st_size / 2**20
        del values
        before = peak_mib()
        task = ForecastTask(ForecastOptions(path=path, targets=("c0",), window=96, horizon=24))
        dataset = task.load()
        loaded = peak_mib()
        stored = len(pickle.dumps(dataset, protocol=5)) / 2**20
    windows = len(dataset.train) + len(dataset.validation) + len(dataset.test)
    values = {"file": file_mib, "before": before, "peak": loaded, "stored": stored, "windows": windows}
    save("memory", values)


def report() -> None:
    tables = [_trained(), _forecast(), _searched(), _memory()]
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
                    ", ".join(f"{name} {figure(floor)}" for name, floor in values["floors"].items()),
                    ", ".join(f"{training['cpu_s']:.0f}" for training in told["trainings"]),
                ]
            )
    return Table(
        "What the network of a forecast tells: one layer, LSTM 32, Adam, cosine learning rate",
        "python -m benchmarks.tasks forecast",
        ["data", "forecast", "test, each seed", "mean", "floors", "CPU s, each"],
        rows,
        [
            "One thread. Which of the three it is evolves with the rest; founders have the first that is permitted.",
            "Stated for coal by another program with other settings, and with ten burners to learn from instead of "
            "eight and two that decide: 4.69e-4 for the value, 4.13e-4 for the change.",
        ],
    )


def _searched() -> Table:
    rows = []
    for path in sorted(MEASURED.glob("search-*.json")):
        values = json.loads(path.read_text())
        rows.append(
            [
                f"{path.stem.removeprefix('search-')}, {values['metric']}",
                *(figure(statistics.fmean(values[who]["tests"])) for who in ("champion", "opponent")),
                ", ".join(f"{name} {figure(floor)}" for name, floor in values["floors"].items()),
                values["sentence"],
                f"{values['cpu_s']:.0f}",
                "; ".join(values["changed"]),
            ]
        )
    return Table(
        "A small search on every real configuration",
        "python -m benchmarks.tasks search "
        + " ".join(path.stem.removeprefix("search-") for path in sorted(MEASURED.glob("search-*.json"))),
        ["data", "champion", "LSTM", "floors", "verdict", "CPU s", "changes to the configuration"],
        rows,
        [
            "Far below the budgets that the configurations state: this shows that each search ends in an honest "
            "verdict, not how good a full one is.",
            "All of them had a population of 8, tournaments of 3, and bred after 6 evaluations.",
            "Test metric, mean of three trainings from scratch; the CPU seconds hold those and the LSTM's nine.",
        ],
    )


def _memory() -> Table:
    path = MEASURED / "memory.json"
    values = json.loads(path.read_text()) if path.exists() else {}
    cells = (
        [f"{values[name]:,.0f}" for name in ("windows", "file", "stored", "before", "peak")] if values else []
    )
    return Table(
        f"Memory of a forecast on {ROWS:,} rows of {COLUMNS} columns, windows of 96 rows",
        "python -m benchmarks.tasks memory",
        [
            "windows",
            "CSV file, MiB",
            "sent to workers, MiB",
            "process before, MiB",
            "peak while loading, MiB",
        ],
        [cells] if cells else [],
        ["Windows are cut out when a batch is taken: copies of all of them would be 96 times the rows."],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
