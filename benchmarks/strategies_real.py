"""All strategies on two real tasks, at equal CPU time: the part of `benchmarks.strategies` that trains.

python -m benchmarks.strategies_real search TASK KIND SEED FOLDER     one search, for `benchmarks.strategies`
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import evo_nas
from benchmarks.data_sets import DataSet
from benchmarks.process_tree import ProcessTree
from benchmarks.table import RESULTS, Table, write
from benchmarks.time_to_quality import LOOK_S, Trace, at, improvements, results_of
from evo_nas.strategies.registry import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.tasks.metrics import Metric

BUDGET_S = 60.0
"""CPU seconds of a search: more than a hundred trainings of these tasks, each of half a second or less."""
EVALUATIONS = 150
"""What the defaults of the strategies follow; the seconds end the searches."""
LONGEST = 20.0
"""A search that waits for other processes for this multiple of its CPU seconds is ended."""
SEEDS = (1, 2, 3)
# Random founders: a published cell that is best from the start would hide what a strategy adds.
COMMON = ("space.seeds=[]", "training.time_limit_s=600", f"budget.evaluations={EVALUATIONS}")
SMALL = ("training.epochs=6", "space.batch_sizes=[32]", "space.widths=[8, 16, 24, 32]")
"""So that a training is short, and a search more than its random beginning."""
REAL = {
    "sunspots": DataSet(
        "series",
        (
            "task.path=series/monthly-sunspots.csv",
            "task.targets=[Sunspots]",
            "task.window=24",
            *SMALL,
            *COMMON,
        ),
    ),
    # By accuracy a validation part of 54 sequences tells no strategies apart.
    "japanese_vowels": DataSet("japanese_vowels", (*SMALL, "task.metric=nll", *COMMON)),
}
TRACES = RESULTS / "strategies"
FIGURE = RESULTS / "strategies_real.svg"
MORE = {
    # Its defaults would spend all the seconds on the super-network.
    "darts": (
        "strategy.epochs=3",
        "strategy.stretches=1",
        "strategy.drawn=16",
        "strategy.ranked=16",
    ),
    # The evolved cell alone has 10^54 forms.
    "grid": (
        "space.evolve_cell=false",
        "space.cells=[lstm, gru]",
        "space.layers={min: 1, max: 1}",
        "strategy.max_points=100000",
    ),
    "nsga2": ("fitness.objectives=[fitness, parameters]",),
    "tune": ("strategy.searcher=optuna",),
}
"""What a strategy needs beside its kind."""


def real(kinds: Sequence[str]) -> None:
    """Makes the traces that are not there yet; strategies take turns, so that a busy machine is busy for all."""
    TRACES.mkdir(exist_ok=True)
    for seed in SEEDS:
        for task in REAL:
            for kind in kinds:
                path = TRACES / f"{task}-{kind}-{seed}.json"
                if path.exists():
                    continue
                try:
                    made = _trace(task, kind, seed)
                except SystemExit as error:
                    print(f"{task}, seed {seed}: {error}", flush=True)
                    continue
                path.write_text(json.dumps(asdict(made)) + "\n", encoding="utf-8")
                print(f"{task}, seed {seed}, {kind}: {made.fitness[-1]:.5g}", flush=True)
    report_real()


def _trace(task: str, kind: str, seed: int) -> Trace:
    """Searches in a process of its own, whose CPU time is bounded, and returns what it found when."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, output = Path(temporary) / "run", Path(temporary) / "output"
        with output.open("wb") as stream:
            root = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.strategies_real",
                    "search",
                    task,
                    kind,
                    str(seed),
                    str(folder),
                ],
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdout=stream,
                stderr=stream,
            )
            tree, clock = ProcessTree(root), [(time.time(), 0.0)]
            while (
                root.poll() is None
                and clock[-1][1] < BUDGET_S
                and time.time() - clock[0][0] < LONGEST * BUDGET_S
            ):
                time.sleep(LOOK_S)
                clock.append((time.time(), tree.cpu_s()))
            tree.kill()
            root.wait()
        results = sorted(each for each in results_of(folder) if each[0] <= clock[-1][0])
        if not results:
            raise SystemExit(
                f"{kind}: no result\n{output.read_text(encoding='utf-8', errors='replace')[-1000:]}"
            )
    return improvements(kind, task, seed, results, clock)


def search(task: str, kind: str, seed: str, folder: str) -> None:
    """Searches in this process until it is ended."""
    warnings.filterwarnings("ignore")
    config = REAL[task].experiment(f"seed={seed}", f"strategy.kind={kind}", *MORE.get(kind, ())).config
    evo_nas.search(config, folder, executor="inline")


def report_real() -> None:
    """Writes the table and the figure of all traces; nothing where there are none."""
    traces = [_kept(path.read_text(encoding="utf-8")) for path in sorted(TRACES.glob("*.json"))]
    if not traces:
        return
    rows = [[kind, *(_ends(traces, task, kind) for task in REAL)] for kind in sorted(STRATEGIES)]
    table = Table(
        "All strategies on real tasks",
        "python -m benchmarks.strategies real",
        (
            "strategy",
            *(f"{task}: {_metric(task).name}, {BUDGET_S:.0f} CPU s" for task in REAL),
        ),
        rows,
        [
            "Best validation metric after the same CPU seconds of all processes, imports included: the median of "
            f"up to {len(SEEDS)} seeds, and all of them in brackets. Lower is better. One process, one thread.",
            "The spaces of the configurations with evolved cells, and without founders, so that all begin at random; "
            "for `grid`, which needs a bounded space, one layer of LSTM or GRU and all that is around it.",
            f"The defaults of the strategies follow {EVALUATIONS} evaluations, but for `darts`: its super-network is "
            "trained for 3 epochs of 25 steps, as the default of 20 would take all the seconds.",
            "Not all on one machine: on an Intel Xeon were made seed 2 of the sunspots, but for darts and grid, and of "
            "the vowels seed 1 of islands, nsga2, random, reinforce, surrogate and tune and seed 2 of agebo, aging, "
            "bayesian, differential and external. The others are from an AMD EPYC.",
        ],
    )
    write("strategies_real", "All strategies on real tasks", [table])
    _draw(traces)


def _kept(text: str) -> Trace:
    values: dict[str, Any] = json.loads(text)
    lists = {name: tuple(each) for name, each in values.items() if isinstance(each, list)}
    return Trace(**{**values, **lists})


@cache
def _metric(task: str) -> Metric:
    return REAL[task].experiment().dataset.metric


def _ends(traces: Sequence[Trace], task: str, kind: str) -> str:
    sign = 1 if _metric(task).higher_is_better else -1
    ends = [sign * each.fitness[-1] for each in traces if (each.task, each.system) == (task, kind)]
    if not ends:
        return "-"
    return f"{statistics.median(ends):.4g} ({', '.join(f'{end:.4g}' for end in sorted(ends))})"


def _draw(traces: Sequence[Trace]) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only the picture needs it

    mpl.use("svg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(1, len(REAL), figsize=(4.6 * len(REAL), 4.2), squeeze=False)
    for axis, task in zip(axes[0], REAL, strict=True):
        sign = 1 if _metric(task).higher_is_better else -1
        grid = np.geomspace(6.0, BUDGET_S, 200).tolist()
        for kind in sorted({each.system for each in traces}):
            runs = [at(each, grid) for each in traces if (each.task, each.system) == (task, kind)]
            if runs:
                middle = np.array([_median(column) for column in zip(*runs, strict=True)]) * sign
                axis.plot(grid, middle, label=kind, linewidth=2.0 if kind == "aging" else 1.2)
        axis.set(title=task, xlabel="CPU seconds", xscale="log")
        axis.set_ylabel(f"best validation {_metric(task).name}")
    axes[0][0].legend(fontsize=7, frameon=False)
    figure.tight_layout()
    mpl.rcParams["svg.hashsalt"] = "strategies"
    figure.savefig(FIGURE, metadata={"Date": None, "Creator": None})


def _median(values: Sequence[float]) -> float:
    """Returns the median; NaN until every run has a result."""
    return math.nan if any(map(math.isnan, values)) else statistics.median(values)


if __name__ == "__main__":
    search(*sys.argv[2:])
