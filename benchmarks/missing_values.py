"""Measures which way with missing values serves a forecast best: the same GRU on ETTh1 with 30 % of the values removed.

    python -m benchmarks.missing_values

Run from the root of the repository. ETTh1 lies where EVO_NAS_DATA says, or beside the repository. One process, one
thread. It ends by writing ``benchmarks/results/missing_values.md``.
"""

from __future__ import annotations

import os
import statistics
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from benchmarks.table import Table, load, write
from benchmarks.tasks import trainings_of
from evo_nas.cli.formatting import figure
from evo_nas.genome.architecture import Architecture, Forecast, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.forecast import ForecastOptions, ForecastTask
from evo_nas.tasks.metrics import error_metric

if TYPE_CHECKING:
    from evo_nas.tasks.dataset import Dataset

DATA = Path(os.environ.get("EVO_NAS_DATA", Path(__file__).parents[2] / "shared" / "data"))
ROWS = 8640, 2880, 2880
SHARE, SEED = 0.3, 0
EPOCHS = 10
GRU = Architecture((Layer(NAMED_CELLS["gru"], 32),), training=Training(learning_rate=2e-3, batch_size=64))
WAYS = ("mask", "mask, zero", "interpolate", "previous")
TOLD = (Forecast.CHANGE, Forecast.RELATIVE)


def main() -> None:
    torch.set_num_threads(1)
    before = load()
    hours = pd.read_csv(DATA / "etth1" / "ETTh1.csv", usecols=["date", "OT"])[: sum(ROWS)]
    rows = [row for way in ("none removed", *WAYS) for row in rows_of(way, hours)]
    table = Table(
        f"One GRU of {GRU.layers[0].width} units, {SHARE:.0%} of the values removed at random",
        "python -m benchmarks.missing_values",
        ["missing", "model", "parameters", "test MSE, each seed", "mean", "CPU s, each"],
        rows,
        [
            *(conclusion(told, rows) for told in TOLD),
            "Oil temperature, 24 hours from the 96 before; 12, 4 and 4 months; deviations of the whole training part.",
            "Values are removed in all parts, inputs and targets alike; what is removed does not count in training "
            "and in the choice of the epoch. The test error is that of the true values of every hour of the test part.",
            f"{EPOCHS} epochs with cosine rate, batches of 64, rate 0.002, every 4th window of training; seeds 0 to 2.",
            "`mask, zero` puts zero, the mean, for a hole instead of the last known value, which is one more input.",
            "`change` adds the last known value to the output, `relative` also takes the last step from the inputs.",
            f"Load of the machine before and after: {before}, {load()}.",
        ],
    )
    write("missing_values", "Missing values", [table])


def conclusion(told: Forecast, rows: list[list[str]]) -> str:
    means = {way: mean for way, model, *_, mean, _ in rows if model == f"GRU, {told}" and way in WAYS}
    best = min(means, key=lambda way: float(means[way]))
    return f"`{told}`: {', '.join(f'{way} {mean}' for way, mean in means.items())}; `{best}` is best."


def rows_of(way: str, hours: pd.DataFrame) -> list[list[str]]:
    dataset, rows = judged(way, hours), []
    for forecast in TOLD:
        values = trainings_of(
            replace(GRU, forecast=forecast), dataset, {"epochs": EPOCHS, "schedule": "cosine"}
        )
        tests = [training["test"] for training in values["trainings"]]
        seconds = ", ".join(f"{training['cpu_s']:.0f}" for training in values["trainings"])
        rows.append(
            [
                *(way, f"GRU, {forecast}", f"{values['parameters']:,}", ", ".join(map(figure, tests))),
                *(figure(statistics.fmean(tests)), seconds),
            ]
        )
        print(rows[-1], flush=True)
    return rows


def judged(way: str, hours: pd.DataFrame) -> Dataset:
    """Returns the data with holes that become inputs in one ``way``, judged by the true values of the test part."""
    removed = np.random.default_rng(SEED).random(len(hours)) < SHARE
    is_whole = way == "none removed"
    known = hours.assign(OT=hours["OT"].where(~removed | is_whole))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hours.csv"
        known.to_csv(path, index=False)
        options = ForecastOptions(
            path=(path,),
            targets=("OT",),
            split=ROWS,
            stride=4,
            units="deviations",
            missing="refuse" if is_whole else way.partition(",")[0],
        )
        dataset = ForecastTask(options).read().dataset
    train, true = known["OT"].to_numpy()[: ROWS[0]], hours["OT"].to_numpy()
    mean, deviation = np.nanmean(train), np.nanstd(train)
    targets = ((true - mean) / deviation).astype(np.float32)[:, None]
    first = ROWS[0] + ROWS[1]
    test = replace(
        dataset.test, targets=targets, origins=np.arange(first, len(true) - dataset.test.horizon + 1)
    )
    metric = error_metric("mse", (float(deviation / true[: ROWS[0]].std()),))
    dataset = replace(dataset, test=test, metric=metric)
    return with_zeros(dataset) if way == "mask, zero" else dataset


def with_zeros(dataset: Dataset) -> Dataset:
    """Returns the data with zero, the mean, for a hole, and the last known value as a further input."""
    value, is_known, since = dataset.train.inputs.T
    inputs = np.stack([value * is_known, is_known, since, value], axis=1)
    parts = {name: replace(part, inputs=inputs) for name, part in dataset.parts.items()}
    return replace(dataset, signature=replace(dataset.signature, features=4, last_values=(3,)), **parts)


if __name__ == "__main__":
    main()
