"""A few series for Prometheus, exported through the metrics agent of each Ray node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ray.util.metrics import Counter, Gauge, Histogram

from evo_nas.config.schema import MOST_EVALUATIONS

if TYPE_CHECKING:
    from evo_nas.sessions.events import Progressed

COMMIT_BOUNDARIES_S = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


class Metrics:
    """Exports the state of a search; every series has the tag ``search`` and at most one more.

    Ray prefixes the names with ``ray_``. Counters start at 0 whenever the manager is restarted.

    Args:
        search: Name of the search, unique in the cluster.
    """

    def __init__(self, search: str) -> None:
        tags = {"search": search}

        def gauge(name: str, description: str, *keys: str) -> Gauge:
            made = Gauge(f"evo_nas_{name}", description, tag_keys=("search", *keys))
            made.set_default_tags(tags)
            return made

        def counter(name: str, description: str, key: str) -> Counter:
            made = Counter(f"evo_nas_{name}", description, tag_keys=("search", key))
            made.set_default_tags(tags)
            return made

        self._evaluations = counter("evaluations", "Evaluations told, by the cause that ended them", "status")
        self._seconds = counter("worker_seconds", "Seconds of all workers, by what they did", "activity")
        self._best = gauge(
            "best_fitness", "Fitness of the best candidate so far, by its epochs; higher is better", "epochs"
        )
        self._workers = gauge("workers", "Workers, by state", "state")
        self._in_flight = gauge("in_flight", "Candidates submitted and not collected")
        self._lost = gauge("lost_workers", "Workers lost in this life of the manager")
        self._dropped = gauge("dropped_results", "Late or repeated results that were not counted")
        self._remaining = gauge("remaining", "Evaluations that the budget still allows")
        self._commit = Histogram(
            "evo_nas_commit_seconds",
            "Seconds that a commit to the ledger takes",
            boundaries=COMMIT_BOUNDARIES_S,
            tag_keys=("search",),
        )
        self._commit.set_default_tags(tags)
        self._passed: dict[tuple[str, str], float] = {}
        self._told: int | None = None

    def __call__(self, progress: Progressed) -> None:
        """Exports the changes since the last call."""
        for status, count in progress.by_status.items():
            self._add(self._evaluations, "status", str(status), count)
        for activity, seconds in progress.workers.seconds.items():
            self._add(self._seconds, "activity", activity, seconds)
        if progress.best is not None:
            # Its fitness may fall when one that was trained for longer takes its place: that is another series.
            self._best.set(progress.best.fitness, tags={"epochs": str(progress.best.epochs)})
        self._show_workers(progress)
        if progress.evaluations < MOST_EVALUATIONS:
            self._remaining.set(progress.evaluations - progress.told)
        # Progress repeats the time of the last commit until the next one; each counts once.
        before = progress.told_at_start if self._told is None else self._told
        if progress.told > before:
            self._commit.observe(progress.commit_s)
        self._told = progress.told

    def _show_workers(self, progress: Progressed) -> None:
        occupancy = progress.workers
        states = {
            "busy": occupancy.busy,
            "idle": occupancy.workers - occupancy.busy,
            "waiting": occupancy.waiting,
        }
        for state, count in states.items():
            self._workers.set(count, tags={"state": state})
        self._in_flight.set(occupancy.in_flight)
        self._lost.set(occupancy.lost_workers)
        self._dropped.set(occupancy.dropped)

    def _add(self, counter: Counter, key: str, value: str, total: float) -> None:
        # Prometheus counters take increments, while progress reports totals.
        more = total - self._passed.get((key, value), 0.0)
        if more > 0:
            counter.inc(more, tags={key: value})
            self._passed[key, value] = total
