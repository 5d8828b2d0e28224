"""How fast the whole loop is: aging evolution, durable ledger and workers, on objectives that take no or little time.

    python -m benchmarks.throughput [no-op] [tune] [sleep] [simulated] [--write]

Run from the root of the repository; with ``--write`` the tables also go to ``benchmarks/results/throughput.md``.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune

from benchmarks.objectives import Pause
from benchmarks.table import Table, load, machine, write
from benchmarks.wiring import Mark, Stopwatch, search_on
from evo_nas.execution.ray_pool import RayOptions, RayPool
from evo_nas.execution.simulated import SimulatedExecutor, Simulation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evo_nas.loop import Search
    from evo_nas.progress import Progress

WORKERS = 2
WINDOW = 5_000
AFTER = 50_000
ROUNDS = 3
TUNE_TRIALS = 300
POOL_EVALUATIONS = 5_000
SLEEPERS = 8
SLEEP_S = 0.05
SLEPT = 4_000
SIMULATED_WORKERS = 10_000
SIMULATED_S = 60.0
VIRTUAL_S = 120.0


def no_op() -> Table:
    """Measures rate, CPU and memory of the head over a long search whose objective takes no time."""
    with (
        RayPool(Pause, RayOptions(workers=WORKERS)) as pool,
        search_on(pool, evaluations=AFTER + WINDOW, beside=True) as search,
    ):
        watch = Stopwatch(WINDOW)
        search.run([watch])
    windows = list(pairwise(watch.marks))
    rows = [
        [f"{before.told:,} to {after.told:,}", f"{after.rate(before):,.0f}", f"{after.cpu_us(before):.0f}",
         f"{after.peak_mib:.0f}", after.load]
        for before, after in windows
    ]  # fmt: skip
    (start, early), (_, filled), *_, (almost, end) = windows
    growth = 2**20 * (end.peak_mib - filled.peak_mib) / (end.told - filled.told)
    return Table(
        f"No-op objective, whole loop, {WORKERS} Ray workers",
        "python -m benchmarks.throughput no-op",
        ["evaluations", "evaluations/s", "head CPU us/evaluation", "head peak MiB", "load"],
        rows,
        [
            f"Rate over all {end.told:,} evaluations: {end.rate(start):,.0f} evaluations/s.",
            f"After {AFTER:,} evaluations the rate is {end.rate(almost) / early.rate(start):.2f} of that of the "
            f"first {WINDOW:,}, the head's CPU per evaluation {end.cpu_us(almost) / early.cpu_us(start):.2f}.",
            f"Memory of the head grows by {growth:.0f} bytes per evaluation once its caches are full, which is "
            f"by {filled.told:,} evaluations.",
        ],
    )


def against_tune() -> Table:
    """Measures the same no-op objective through this loop and through Ray Tune, in turns."""
    rows, ratios = [], []
    with _local_ray(WORKERS):
        for number in range(1, ROUNDS + 1):
            ours, theirs = _pool_rate(), _tune_rate()
            ratios.append(ours / theirs)
            rows.append([str(number), f"{ours:,.0f}", f"{theirs:.1f}", f"{ours / theirs:.0f}", load()])
    return Table(
        f"No-op objective, {WORKERS} workers: evo-nas and Ray Tune with reused actors, in turns",
        "python -m benchmarks.throughput tune",
        ["round", "evo-nas, evaluations/s", "Ray Tune, trials/s", "ratio", "load"],
        rows,
        [
            f"Median ratio: {statistics.median(ratios):.0f}.",
            f"evo-nas: {POOL_EVALUATIONS:,} evaluations a round, each durable before the next is asked. "
            f"Ray Tune: {TUNE_TRIALS} trials of a class Trainable with reset_config, random search, from the "
            "first result to the last. Neither figure holds the time to start workers.",
        ],
    )


def sleep() -> Table:
    """Measures how busy a short objective keeps real workers, with commits in the loop and beside it, in turns."""
    rows = []
    busy: dict[bool, list[float]] = {False: [], True: []}
    cpu_us: dict[bool, list[float]] = {False: [], True: []}
    options = RayOptions(workers=SLEEPERS)
    for number in range(1, ROUNDS + 1):
        for beside in (False, True):
            with (
                RayPool(partial(Pause, SLEEP_S), options) as pool,
                search_on(pool, evaluations=SLEPT, beside=beside) as search,
            ):
                busy_s, start, end = _steady_state(search)
            busy[beside].append(busy_s / (SLEEPERS * (end.wall_s - start.wall_s)))
            cpu_us[beside].append(end.cpu_us(start))
            rows.append(
                [str(number), "beside the loop" if beside else "in the loop", f"{end.told - start.told:,}",
                 f"{end.rate(start):.1f}", f"{SLEEPERS / SLEEP_S:.0f}", f"{busy[beside][-1]:.1%}",
                 f"{cpu_us[beside][-1]:,.0f}", end.load]
            )  # fmt: skip
    median = statistics.median
    return Table(
        f"{SLEEP_S * 1e3:.0f} ms objective (sleep), {SLEEPERS} Ray workers, commits in the loop and beside it",
        "python -m benchmarks.throughput sleep",
        [
            "round",
            "commits",
            "evaluations",
            "evaluations/s",
            "ideal",
            "busy share",
            "head CPU us/evaluation",
            "load",
        ],
        rows,
        [
            "Busy share: seconds inside the objective, by the workers' own clocks, over workers x wall seconds, "
            "without the first and the last tenth.",
            f"Medians: workers are busy {median(busy[True]):.1%} with commits beside the loop and "
            f"{median(busy[False]):.1%} with commits in it; the head takes {median(cpu_us[True]):,.0f} and "
            f"{median(cpu_us[False]):,.0f} us of CPU an evaluation, Ray's threads in its process included. Searches on "
            "workers of their own commit beside the loop.",
        ],
    )


def simulated() -> Table:
    """Measures the head alone under the load of thousands of workers, whose clock waits for it."""
    clocks = {"wall": time.perf_counter, "CPU": time.process_time}
    return Table(
        f"{SIMULATED_WORKERS:,} simulated workers, whole loop, objective of {SIMULATED_S:.0f} s",
        "python -m benchmarks.throughput simulated",
        [
            "head's clock",
            "virtual s",
            "evaluations",
            "busy share",
            "head CPU us/evaluation",
            "wall s",
            "load",
        ],
        [[name, *_simulate(clock)] for name, clock in clocks.items()],
        [
            "The virtual clock advances with the head's, so a slow head leaves workers idle: with its wall clock for "
            "all that slows it, other programs on the machine included; with its CPU clock as if it had a core and "
            "the disk for itself.",
            f"The time to ask the first {2 * SIMULATED_WORKERS:,} candidates, one running and one queued each, is "
            "part of it, and the CPU holds that of the simulation.",
        ],
    )


def _simulate(clock: Callable[[], float]) -> list[str]:
    simulation = Simulation(workers=SIMULATED_WORKERS, mean_s=SIMULATED_S, seed=1)
    executor = SimulatedExecutor(Pause(), simulation, head_clock=clock)
    with search_on(executor, evaluations=10**9) as search:

        def stop_at_the_end(_: Progress) -> None:
            if executor.now_s >= VIRTUAL_S:
                search.stop()

        start = Mark.now(0)
        end = Mark.now(search.run([stop_at_the_end]).told)
    return [
        f"{executor.now_s:.0f}", f"{end.told:,}", f"{executor.busy_share:.1%}", f"{end.cpu_us(start):,.0f}",
        f"{end.wall_s - start.wall_s:.0f}", end.load,
    ]  # fmt: skip


def _steady_state(search: Search) -> tuple[float, Mark, Mark]:
    """Returns seconds of training of the evaluations between the first and the last tenth, and these two moments."""
    busy_s, told = 0.0, 0
    start = end = Mark.now(0)
    while not search.finished:
        evaluations = search.step()
        told += len(evaluations)
        if SLEPT // 10 <= told <= SLEPT - SLEPT // 10 and evaluations:
            if not start.told:
                start = Mark.now(told)
                continue
            busy_s += sum(evaluation.outcome.train_s for evaluation in evaluations)
            end = Mark.now(told)
    return busy_s, start, end


@contextmanager
def _local_ray(cpus: int) -> Iterator[None]:
    ray.init(
        address="local",
        num_cpus=cpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        yield
    finally:
        ray.shutdown()


def _pool_rate() -> float:
    with (
        RayPool(Pause, RayOptions(workers=WORKERS)) as pool,
        search_on(pool, evaluations=POOL_EVALUATIONS, beside=True) as search,
    ):
        start = Mark.now(0)
        return Mark.now(search.run().told).rate(start)


class NoOp(tune.Trainable):  # type: ignore[misc]  # Ray Tune's classes are untyped
    """Reports one result and is done; its actor serves the next trial."""

    def setup(self, config: dict[str, Any]) -> None:
        """Takes the first trial's configuration."""
        self._width = config["width"]

    def step(self) -> dict[str, Any]:
        """Reports the only result."""
        return {"fitness": self._width, "reported_at": time.time(), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes the next trial's configuration."""
        self._width = new_config["width"]
        return True


def _tune_rate() -> float:
    with tempfile.TemporaryDirectory(dir=".", prefix=".benchmark-") as folder:
        tuner = tune.Tuner(
            NoOp,
            param_space={"width": tune.randint(1, 1_000_000)},
            tune_config=tune.TuneConfig(
                metric="fitness", mode="max", num_samples=TUNE_TRIALS, reuse_actors=True,
                max_concurrent_trials=WORKERS,
            ),
            run_config=tune.RunConfig(
                storage_path=str(Path(folder).absolute()), verbose=0,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )  # fmt: skip
        results = tuner.fit()
    assert not results.num_errors, f"{results.num_errors} trials of Ray Tune failed: {results.errors[0]}"
    times = [result.metrics["reported_at"] for result in results]
    return (len(times) - 1) / (max(times) - min(times))


PARTS: Mapping[str, Callable[[], Table]] = {
    "no-op": no_op, "tune": against_tune, "sleep": sleep, "simulated": simulated,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/results/throughput.md")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: must be among {', '.join(PARTS)}")
    print(f"{machine()}\n")
    tables = []
    for name in options.parts or PARTS:
        tables.append(PARTS[name]())
        print(tables[-1], flush=True)
    if options.write:
        print(f"written: {write('throughput', 'Throughput of the whole loop', tables)}")


if __name__ == "__main__":
    main()
