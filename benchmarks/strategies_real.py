"""All strategies on two real tasks, at equal CPU time: the part of `benchmarks.strategies` that trains."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.quality_tasks import TASKS
from benchmarks.table import RESULTS, Table, write
from benchmarks.time_to_quality import BUDGET_S, Trace, at, trace
from evo_nas.strategies.registry import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Sequence

REAL = ("pendigits", "etth1")
SEEDS = (1, 2, 3)
TRACES = RESULTS / "strategies"
FIGURE = RESULTS / "strategies_real.svg"
MORE = {"nsga2": ("fitness.objectives=[fitness, parameters]",), "tune": ("strategy.searcher=optuna",)}
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
                    made = trace(
                        kind, task, seed, overrides=("evolved", f"strategy.kind={kind}", *MORE.get(kind, ()))
                    )
                except SystemExit as error:
                    print(f"{task}, seed {seed}: {error}", flush=True)
                    continue
                path.write_text(json.dumps(asdict(made)) + "\n", encoding="utf-8")
                print(f"{task}, seed {seed}, {kind}: {made.fitness[-1]:.5g}", flush=True)
    report_real()


def report_real() -> None:
    """Writes the table and the figure of all traces; nothing where there are none."""
    traces = [_trace(path.read_text(encoding="utf-8")) for path in sorted(TRACES.glob("*.json"))]
    if not traces:
        return
    rows = [[kind, *(_ends(traces, task, kind) for task in REAL)] for kind in sorted(STRATEGIES)]
    table = Table(
        "All strategies on real tasks",
        "python -m benchmarks.strategies real",
        (
            "strategy",
            *(f"{task}: {TASKS[task].dataset.metric.name}, {BUDGET_S[task]:.0f} CPU s" for task in REAL),
        ),
        rows,
        [
            "Best validation metric after the same CPU seconds of all processes, imports included: the median of "
            f"{len(SEEDS)} seeds, and all of them in brackets. Cells evolve.",
            "A dash: it was not run, or refuses the space.",
        ],
    )
    write("strategies_real", "All strategies on real tasks", [table])
    _draw(traces)


def _trace(text: str) -> Trace:
    values: dict[str, Any] = json.loads(text)
    lists = {name: tuple(each) for name, each in values.items() if isinstance(each, list)}
    return Trace(**{**values, **lists})


def _ends(traces: Sequence[Trace], task: str, kind: str) -> str:
    sign = 1 if TASKS[task].dataset.metric.higher_is_better else -1
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
        sign = 1 if TASKS[task].dataset.metric.higher_is_better else -1
        grid = np.geomspace(4.0, BUDGET_S[task], 200).tolist()
        for kind in sorted({each.system for each in traces}):
            runs = [at(each, grid) for each in traces if (each.task, each.system) == (task, kind)]
            if runs:
                middle = np.array([_median(column) for column in zip(*runs, strict=True)]) * sign
                axis.plot(grid, middle, label=kind, linewidth=2.0 if kind == "aging" else 1.2)
        axis.set(title=task, xlabel="CPU seconds", xscale="log")
        axis.set_ylabel(f"best validation {TASKS[task].dataset.metric.name}")
    axes[0][0].legend(fontsize=7, frameon=False)
    figure.tight_layout()
    mpl.rcParams["svg.hashsalt"] = "strategies"
    figure.savefig(FIGURE, metadata={"Date": None, "Creator": None})


def _median(values: Sequence[float]) -> float:
    """Returns the median; NaN until every run has a result."""
    return math.nan if any(map(math.isnan, values)) else statistics.median(values)
