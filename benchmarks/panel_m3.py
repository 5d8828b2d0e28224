"""Measures a panel network on M3 monthly (1,428 series, 18 months ahead) beside baselines and published figures.

    python -m benchmarks.panel_m3 baselines    the baselines of the task, or those named, with their CPU minutes
    python -m benchmarks.panel_m3 network      a plain network, three seeds
    python -m benchmarks.panel_m3 report       the tables alone

Run from the root of the repository, with the extras ``competitions`` and ``baselines``. One process, one thread. Each
command ends by writing ``benchmarks/results/panel_m3.md`` from all that was measured so far.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.table import RESULTS, Table, write
from evo_nas.config import TrainingConfig
from evo_nas.genome.architecture import Architecture, Forecast, Layer, Training
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.baselines.fitting import fitted_in_turn
from evo_nas.tasks.baselines.panel_baselines import PanelFacts, panel_baselines
from evo_nas.tasks.metrics import MAE, smape
from evo_nas.tasks.panel import PanelOptions, PanelTask
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset

MEASURED = RESULTS / "panel_m3.json"
PUBLISHED = {"seasonal naive": "1.146", "AutoETS": ".863", "AutoTheta": ".855"}
"""MASE in the benchmark fev (github.com/autogluon/fev), task M3 monthly."""
SEEDS = (1, 2, 3)
REMARKS = (
    "The last 18 months of a series are the test part and the 18 before them the validation part. The network and all "
    "baselines read the latter before they forecast, and none of them is fitted to it.",
    "The published figures of AutoETS and AutoTheta are those of models that are fitted to all months before the test "
    "part, 48 to 126 of each series. So fitted, they had .863 and .860 here, too: for a model of one series, 18 months "
    "are much.",
    "The network beats the last season, the ridge regression that reads the same windows, and AutoETS where it is "
    "fitted to the same months. It does not beat AutoTheta, nor AutoETS fitted to all months before the test part.",
    "The minutes of the network are those of another machine, an AMD EPYC.",
)
OPTIONS = PanelOptions(
    competition="m3", frequency="monthly", horizon=18, season=12, window=48, stride=1, quantiles=(0.5,)
)
"""The median alone: its pinball loss is half the mean absolute error, which MASE averages."""
PLAIN = Architecture(
    (Layer(NAMED_CELLS["gru"], 64),),
    training=Training(learning_rate=2e-3, batch_size=128),
    forecast=Forecast.RELATIVE,
)
TRAINING = TrainingConfig(epochs=6, schedule="cosine", time_limit_s=36_000)


def main() -> None:
    """Measures what the command line names and writes the tables."""
    command, *names = sys.argv[1:] or [""]
    if command not in {"baselines", "network", "report"}:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    measured: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    if command == "baselines":
        measured[command] = measured.get(command, {}) | _baselines(names)
        _keep(measured)
    if command == "network":
        measured[command] = []
        for result in _network():
            measured[command].append(result)
            _keep(measured)
    print(write("panel_m3", "Many short series: M3 monthly", [_table(measured)]))


def _keep(measured: dict[str, Any]) -> None:
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def _dataset() -> Dataset:
    return PanelTask(OPTIONS).read().dataset


def _baselines(names: Sequence[str]) -> dict[str, dict[str, float]]:
    prepared = PanelTask(OPTIONS).read()
    forecasts: list[npt.NDArray[np.float32]] = []

    def kept(outputs: npt.NDArray[np.float32], targets: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        forecasts.append(outputs)
        return MAE.statistic(outputs, targets)

    # Each model is fitted once for both metrics.
    facts = PanelFacts(OPTIONS.horizon, OPTIONS.season, replace(MAE, statistic=kept))
    models = replace(prepared, baselines_of=partial(panel_baselines, facts=facts)).baselines
    measured = {}
    for name, result in fitted_in_turn({name: models[name] for name in names or models}):
        percentage = smape().score(forecasts.pop(), prepared.dataset.test.targets)
        measured[name] = {"mase": result.score, "smape": percentage, "cpu_s": result.cpu_s}
        print(name, measured[name], result.note, flush=True)
    return measured


def _network() -> Iterator[dict[str, float]]:
    dataset = _dataset()
    for seed in SEEDS:
        started = time.process_time()
        trained = train(PLAIN, prepare(dataset), TRAINING, epochs=TRAINING.epochs, seed=seed)
        cpu_s = time.process_time() - started
        assert trained.network is not None, trained.outcome.error
        percentage = replace(dataset, metric=smape(levels=dataset.quantiles))
        result = {
            "seed": seed,
            "validation_mase": -(trained.outcome.fitness or 0.0),
            "mase": score_part(trained.network, dataset, "test").metric,
            "smape": score_part(trained.network, percentage, "test").metric,
            "parameters": trained.outcome.parameters,
            "cpu_s": cpu_s,
        }
        print(result, flush=True)
        yield result


def _table(measured: dict[str, Any]) -> Table:
    rows = [
        [
            name,
            f"{row['mase']:.3f}",
            PUBLISHED.get(name, ""),
            f"{row['smape']:.2f}",
            f"{row['cpu_s'] / 60:.2f}",
        ]
        for name, row in measured.get("baselines", {}).items()
    ]
    if seeds := measured.get("network"):
        spread = {
            key: f"{statistics.fmean(row[key] for row in seeds):{form}} ± "
            f"{statistics.stdev(row[key] for row in seeds):{form}}"
            for key, form in (("mase", ".3f"), ("smape", ".2f"))
        }
        minutes = statistics.fmean(row["cpu_s"] for row in seeds) / 60
        rows.append(
            [f"GRU of 64 units, {len(seeds)} seeds", spread["mase"], "", spread["smape"], f"{minutes:.1f}"]
        )
    return Table(
        "1,428 series, 18 months ahead",
        "python -m benchmarks.panel_m3 baselines; python -m benchmarks.panel_m3 network",
        ("model", "test MASE", "published", "test sMAPE", "CPU minutes"),
        rows,
        REMARKS,
    )


if __name__ == "__main__":
    main()
