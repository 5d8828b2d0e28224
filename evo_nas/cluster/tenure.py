"""`Tenure`: the manager of a run, seen from a process that is part of the cluster."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import ActorDiedError, GetTimeoutError, RayActorError

from evo_nas.cluster.manager import Order, PopulationManager, Report
from evo_nas.cluster.names import NAMESPACE, checked_run, manager_name
from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from evo_nas.config import SearchConfig

HEAD = "node:__internal_head__"
"""Resource that Ray gives the head node alone."""
WATCH_S = 5.0
PATIENCE_S = 180.0
"""Seconds without a word from a manager after which its watcher gives up; a restart takes about ten."""


class Tenure:
    """A manager that lives, or is being restarted.

    Args:
        run: As `checked_run` returns it.
        handle: Of the actor.
    """

    def __init__(self, run: str, handle: Any) -> None:
        self.run = run
        self._handle = handle

    @classmethod
    def begin(cls, config: SearchConfig, run: str) -> Self:
        """Finds the manager of ``run`` or makes one; a live one with the same configuration is left alone.

        One whose search has ended makes way, and so does one with another budget or other workers, once it has
        committed: what it had in flight is asked again.

        Raises:
            ExecutionError: A manager neither answers nor ends.
        """
        run = checked_run(run)
        order = Order(_plain(config), run)
        for _ in range(2):
            tenure = cls(run, _actor_class(run).remote(order))
            if not tenure.report().stage.ended and _same(tenure.order(), order):
                return tenure
            tenure.end()
        return cls(run, _actor_class(run).remote(order))

    @classmethod
    def find(cls, run: str) -> Self | None:
        """Returns the manager of ``run`` if there is one."""
        run = checked_run(run)
        try:
            return cls(run, ray.get_actor(manager_name(run), namespace=NAMESPACE))
        except ValueError:
            return None

    def order(self) -> Order:
        """Returns what the manager searches."""
        order: Order = self._ask("order")
        return order

    def report(self) -> Report:
        """Returns where the manager stands now."""
        report: Report = self._ask("watch", None, 0.0)
        return report

    def reports(self) -> Iterator[Report]:
        """Yields every report that is new when it is looked for, until the search has ended.

        Goes on through restarts of the manager.

        Raises:
            ExecutionError: The manager was ended by somebody else, or cannot be restarted.
        """
        seen = None
        while True:
            report: Report = self._ask("watch", seen, WATCH_S)
            if (report.life, report.version) != seen:
                seen = report.life, report.version
                yield report
            if report.stage.ended:
                return

    def end(self, *, drain_s: float = 0.0) -> Report:
        """Lets the search commit what it has, then ends the manager and its workers.

        Args:
            drain_s: Seconds to wait for what is in flight.
        """
        until, told = time.monotonic() + drain_s, None
        for last in self.reports():
            if last.life != told:  # a life that begins meanwhile knows nothing of it
                told = last.life
                self._ask("stop", max(0.0, until - time.monotonic()))
        self._remove()
        return last

    def _remove(self) -> None:
        ray.kill(self._handle)
        until = time.monotonic() + PATIENCE_S
        while self.find(self.run) is not None and time.monotonic() < until:
            time.sleep(0.05)

    def _ask(self, method: str, *arguments: object) -> Any:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return ray.get(getattr(self._handle, method).remote(*arguments), timeout=2 * WATCH_S)
            except (RayActorError, GetTimeoutError) as error:
                gone = isinstance(error, ActorDiedError) and self.find(self.run) is None
                if gone or time.monotonic() >= until:
                    raise ExecutionError(_absent(self.run, error, gone=gone)) from error
            time.sleep(0.2)


def _actor_class(run: str) -> Any:
    return ray.remote(PopulationManager).options(
        name=manager_name(run),
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        max_restarts=-1,
        max_task_retries=0,
        max_concurrency=64,
        num_cpus=0,
        resources={HEAD: 0.001},
    )


def _plain(config: SearchConfig) -> dict[str, Any]:
    return config.model_dump(mode="json")


def _same(one: Order, other: Order) -> bool:
    def decisive(order: Order) -> dict[str, Any]:
        return {key: value for key, value in order.config.items() if key != "base_dir"}

    return decisive(one) == decisive(other)


def _absent(run: str, error: Exception, *, gone: bool) -> str:
    state = "was ended" if gone else f"has not answered for {PATIENCE_S:g} s"
    last = str(error).strip().rsplit("\n", 1)[-1]
    return (
        f"the manager of {run} {state} ({type(error).__name__}: {last}); nothing committed is lost: "
        "give the same command again, here or on another cluster that reaches the run"
    )
