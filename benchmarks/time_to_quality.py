"""How soon each system finds a network as good as the best opponent finds in the whole budget.

    python -m benchmarks.time_to_quality run [--seeds N] [--tasks NAME ...] [--systems NAME ...]
    python -m benchmarks.time_to_quality report

Every system gets the same data, settings to choose from, length of training and two workers, and is ended after the
same CPU seconds of all its processes, imports included. Systems take turns, so that a machine that is busy with other
things is busy for all. ``run`` keeps every trace in ``results/time_to_quality/`` and leaves out what is there;
``report`` draws the curves and writes the table. Needs the extra ``opponents``; the data lie where ``EVO_NAS_DATA``
says.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.data_sets import DataSet
from benchmarks.process_tree import ProcessTree
from benchmarks.quality_tasks import TASKS
from benchmarks.table import RESULTS, Table, load, write
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evo_nas.tasks.dataset import Dataset

TRACES = RESULTS / "time_to_quality"
OURS = {
    "evo-nas": ("strategy.kind=aging",),
    "evo-nas, evolved cells": ("strategy.kind=aging",),
    "evo-nas, random search": ("strategy.kind=random",),
}
"""The systems of this package, with their overrides; the first is compared with the opponents."""
OPPONENTS = {
    "Ray Tune + Optuna TPE + ASHA": "ray-tune",
    "Optuna TPE + Hyperband": "optuna",
    "DeepHyper CBO": "deephyper-cbo",
    "DeepHyper regularized evolution": "deephyper-evolution",
}
BUDGET_S = {"pendigits": 80.0, "jsb": 140.0, "etth1": 80.0, "trec": 100.0}
"""CPU seconds of all processes of a run."""
LONGEST = 4.0
"""A run is ended at this multiple of its CPU seconds on the wall, if it leaves the processors idle."""
LOOK_S = 0.25


@dataclass(frozen=True)
class Trace:
    """The best validation metric of a run over its time.

    Attributes:
        system: Name of the system.
        task: Name of the task.
        seed: Seed of the run.
        cpu_s: CPU seconds of all processes at each improvement.
        wall_s: Seconds since the start at each improvement.
        fitness: The best fitness from then on; higher is better.
        load: Load average of the machine at the end.
    """

    system: str
    task: str
    seed: int
    cpu_s: tuple[float, ...]
    wall_s: tuple[float, ...]
    fitness: tuple[float, ...]
    load: str

    def reaches(self, fitness: float, *, wall: bool = False) -> float:
        """Returns the CPU seconds, or seconds on the wall, until ``fitness``; infinity if it is never reached."""
        times = self.wall_s if wall else self.cpu_s
        return next((at for at, value in zip(times, self.fitness, strict=True) if value >= fitness), math.inf)


def search(task: str, seed: int, place: str, *overrides: str) -> None:
    """Searches with evo-nas until this process is ended."""
    evolved = "evolved" in overrides
    experiment = DataSet(TASKS[task].config).experiment(
        *TASKS[task].overrides(evolve_cell=evolved),
        *(each for each in overrides if each != "evolved"),
        f"seed={seed}",
        "workers=2",
        # More than the seconds hold, but not by much, since population and warm-up follow it.
        "budget={evaluations: 60}",
    )
    with experiment.open(Run.at(place)) as running:
        running.run()


def _command(
    system: str, task: str, seed: int, folder: Path, *, overrides: Sequence[str] | None
) -> list[str]:
    if system in OPPONENTS:
        log, seconds = str(folder / "log"), str(LONGEST * BUDGET_S[task])
        return [
            sys.executable,
            "-m",
            "benchmarks.opponents",
            OPPONENTS[system],
            task,
            str(seed),
            log,
            seconds,
        ]
    more = overrides or [*OURS[system], *(["evolved"] if "evolved" in system else [])]
    return [sys.executable, "-m", "benchmarks.time_to_quality", "search", task, str(seed), str(folder), *more]


def trace(system: str, task: str, seed: int, *, overrides: Sequence[str] | None = None) -> Trace:
    """Runs one system on one task and returns its trace; ``overrides`` make another system of this package."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        if system in OPPONENTS:
            folder.mkdir()
        began = time.time()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        with (Path(temporary) / "output").open("wb") as output:
            root = subprocess.Popen(
                _command(system, task, seed, folder, overrides=overrides),
                env=environment,
                stdout=output,
                stderr=output,
            )
            tree, clock = ProcessTree(root), [(began, 0.0)]
            while root.poll() is None and clock[-1][1] < BUDGET_S[task]:
                time.sleep(LOOK_S)
                clock.append((time.time(), tree.cpu_s()))
                if time.time() - began > LONGEST * BUDGET_S[task]:
                    break
            tree.kill()
            root.wait()
        ended = clock[-1][0]
        results = sorted(each for each in _results(system, folder) if each[0] <= ended)
        if not results:
            raise SystemExit(f"{system} on {task}: no result\n{_tail(Path(temporary) / 'output')}")
    return improvements(system, task, seed, results, clock)


def _results(system: str, folder: Path) -> Iterator[tuple[float, float]]:
    """Yields the time of each epoch of each training, and the best fitness of the training until then."""
    if system in OPPONENTS:
        for line in (folder / "log").read_text(encoding="utf-8").splitlines():
            values = json.loads(line)
            yield values["time"], values["fitness"]
        return
    yield from results_of(folder)


def results_of(folder: Path) -> Iterator[tuple[float, float]]:
    """Yields the time of each epoch of each training of a run, and the best fitness of the training until then."""
    run = Run.at(folder)
    if not run.exists:  # it was refused; its output says why
        return
    told = run.history().told
    pruned_after = {each.candidate.id: each.outcome.epochs for each in told}
    for evaluation in told:
        candidate, outcome = evaluation.candidate, evaluation.outcome
        # A repeated training on another cut is scored on other rows, so that it proves nothing here.
        if outcome.fitness is None or candidate.cut:
            continue
        # A training that goes on from a rung makes only the epochs beyond it.
        before = 0 if candidate.continues is None else pruned_after.get(candidate.continues, 0)
        for epoch in range(before + 1, outcome.epochs + 1):
            reached = outcome.fitness_after(epoch)
            if reached is not None:
                left = (outcome.epochs - epoch) / (outcome.epochs - before)
                yield evaluation.finished_at - left * outcome.train_s, reached


def improvements(
    system: str,
    task: str,
    seed: int,
    results: Sequence[tuple[float, float]],
    clock: Sequence[tuple[float, float]],
) -> Trace:
    times, cpu_s = zip(*clock, strict=True)
    began, best, points = times[0], -math.inf, []
    for at, fitness in results:
        if fitness > best:
            best = fitness
            points.append((round(float(np.interp(at, times, cpu_s)), 2), round(at - began, 2), fitness))
    columns = tuple(zip(*points, strict=True))
    return Trace(system, task, seed, columns[0], columns[1], columns[2], load())


def _tail(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")[-3000:]


def _path(system: str, task: str, seed: int) -> Path:
    name = "".join(letter if letter.isalnum() else "-" for letter in system.lower())
    return TRACES / f"{task}-{name}-{seed}.json"


def run(tasks: Sequence[str], systems: Sequence[str], seeds: int) -> None:
    """Makes the traces that are not there yet; systems take turns."""
    TRACES.mkdir(exist_ok=True)
    for seed, task, system in product(range(1, seeds + 1), tasks, systems):
        path = _path(system, task, seed)
        if path.exists():
            continue
        made = trace(system, task, seed)
        path.write_text(json.dumps(asdict(made)) + "\n", encoding="utf-8")
        print(
            f"{task}, seed {seed}, {system}: {made.fitness[-1]:.5g} at {made.cpu_s[-1]:.0f} CPU s", flush=True
        )


def _traces() -> list[Trace]:
    fields = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(TRACES.glob("*.json"))]
    return [
        Trace(**{name: tuple(value) if isinstance(value, list) else value for name, value in each.items()})
        for each in fields
    ]


def _of(traces: Sequence[Trace], task: str, system: str) -> list[Trace]:
    return [each for each in traces if (each.task, each.system) == (task, system)]


def _median(values: Sequence[float]) -> float:
    """Returns the median; of an even number the upper one, since a mean with infinity says nothing."""
    return statistics.median_high(values)


def goal(traces: Sequence[Trace], task: str) -> tuple[str, float]:
    """Returns the opponent that is best at the end in the median of its seeds, and its fitness."""
    ends = {
        system: statistics.median_low([each.fitness[-1] for each in runs])
        for system in OPPONENTS
        if (runs := _of(traces, task, system))
    }
    best = max(ends, key=lambda system: ends[system])
    return best, ends[best]


def _table(traces: Sequence[Trace], task: str) -> Table:
    opponent, wanted = goal(traces, task)
    higher = TASKS[task].dataset.metric.higher_is_better
    reference = _median([each.reaches(wanted) for each in _of(traces, task, opponent)])
    reference_wall = _median([each.reaches(wanted, wall=True) for each in _of(traces, task, opponent)])
    rows = []
    for system in (*OURS, *OPPONENTS):
        runs = _of(traces, task, system)
        if not runs:
            continue
        ends = [each.fitness[-1] * (1 if higher else -1) for each in runs]
        cpu_s = _median([each.reaches(wanted) for each in runs])
        wall_s = _median([each.reaches(wanted, wall=True) for each in runs])
        reached = sum(math.isfinite(each.reaches(wanted)) for each in runs)
        rows.append(
            (
                system,
                " ".join(f"{value:.4g}" for value in ends),
                f"{reached} of {len(runs)}",
                f"{_median([each.cpu_s[0] for each in runs]):.0f}",
                f"{cpu_s:.0f}" if math.isfinite(cpu_s) else "-",
                f"{reference / cpu_s:.1f}" if math.isfinite(cpu_s) else "-",
                f"{reference_wall / wall_s:.1f}" if math.isfinite(wall_s) else "-",
            )
        )
    dataset = TASKS[task].dataset
    metric = dataset.metric.name
    shown = wanted if higher else -wanted
    loads = sorted(float(each.load) for each in traces if each.task == task)
    return Table(
        f"{task}: {BUDGET_S[task]:.0f} CPU seconds, {TASKS[task].epochs} epochs",
        f"python -m benchmarks.time_to_quality run --tasks {task}",
        (
            "system",
            f"validation {metric} at the end",
            "reach it",
            "CPU s to a first epoch",
            "CPU s to reach it",
            "times sooner",
            "by the wall",
        ),
        rows,
        (
            f"To reach: {shown:.4g}, where {opponent} is at the end in the median of its seeds.",
            *_precision(dataset, shown),
            f"Load average at the end of the runs: {loads[0]:.1f} to {loads[-1]:.1f}.",
        ),
    )


def _precision(dataset: Dataset, accuracy: float) -> Iterator[str]:
    """Yields how precisely the validation part knows an accuracy."""
    if dataset.metric.name == "accuracy":
        examples = len(dataset.validation.inputs)
        error = math.sqrt(accuracy * (1 - accuracy) / examples)
        yield f"The validation part has {examples:,} examples, so that an accuracy has a standard error of {error:.2g}."


def _draw(traces: Sequence[Trace]) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - only the pictures need it

    mpl.use("svg")
    from matplotlib import pyplot  # noqa: PLC0415

    tasks = [task for task in TASKS if _of(traces, task, next(iter(OURS)))]
    figure, axes = pyplot.subplots(1, len(tasks), figsize=(4.2 * len(tasks), 4.0), squeeze=False)
    for axis, task in zip(axes[0], tasks, strict=True):
        higher = TASKS[task].dataset.metric.higher_is_better
        grid = np.geomspace(2.0, BUDGET_S[task], 200)
        for system in (*OURS, *OPPONENTS):
            runs = _of(traces, task, system)
            if not runs:
                continue
            curves = np.array([at(each, grid) for each in runs])
            middle = np.median(curves, axis=0) * (1 if higher else -1)
            axis.plot(grid, middle, label=system, linewidth=2.0 if system in OURS else 1.2)
        axis.axhline(
            goal(traces, task)[1] * (1 if higher else -1), color="grey", linewidth=0.6, linestyle="--"
        )
        axis.set(title=task, xlabel="CPU seconds", xscale="log")
        axis.set_xticks([10, 20, 40, 80], labels=["10", "20", "40", "80"])
        axis.minorticks_off()
        axis.set_ylabel(f"best validation {TASKS[task].dataset.metric.name}")
    axes[0][0].legend(fontsize=7, frameon=False)
    figure.tight_layout()
    mpl.rcParams["svg.hashsalt"] = "time to quality"
    figure.savefig(RESULTS / "time_to_quality.svg", metadata={"Date": None, "Creator": None})


def at(made: Trace, grid: Sequence[float]) -> list[float]:
    """Returns the best fitness at each of ``grid``; NaN before the first result."""
    places = np.searchsorted(made.cpu_s, grid, side="right")
    return [made.fitness[place - 1] if place else math.nan for place in places]


def report() -> None:
    """Draws the curves and writes the tables of all traces."""
    traces = _traces()
    tasks = [task for task in TASKS if _of(traces, task, next(iter(OURS)))]
    _draw(traces)
    print(
        write(
            "time_to_quality",
            "Time to quality, beside other tuners",
            [_table(traces, task) for task in tasks],
        )
    )


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0] == "search":
        task, seed, place, *overrides = arguments[1:]
        search(task, int(seed), place, *overrides)
        return
    parser = argparse.ArgumentParser(prog="benchmarks.time_to_quality")
    parser.add_argument("what", choices=("run", "report"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--systems", nargs="+", choices=[*OURS, *OPPONENTS], default=[*OURS, *OPPONENTS])
    given = parser.parse_args(arguments)
    if given.what == "run":
        run(given.tasks, given.systems, given.seeds)
    else:
        report()


if __name__ == "__main__":
    main(sys.argv[1:])
