"""A search in a cluster, watched by a process on one of its machines."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NoReturn

from evo_nas.cli.pursuit import Pursuit
from evo_nas.cli.stopping import Stopped
from evo_nas.cluster.connection import connected
from evo_nas.cluster.manager import Stage
from evo_nas.cluster.names import checked_run, typed
from evo_nas.cluster.tenure import Tenure
from evo_nas.config import configured
from evo_nas.errors import ExecutionError
from evo_nas.ledger import LedgerReader, open_store

if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence

    from evo_nas.cli.stopping import Stopping
    from evo_nas.cluster.manager import Report
    from evo_nas.config import SearchConfig
    from evo_nas.experiment import Experiment
    from evo_nas.loop import Listener


class Presence(Pursuit):
    """A pursuit whose search goes on when it ends: a signal only ends the watching.

    Args:
        run: Of the run, as `checked_run` returns it.
        address: Of the cluster that this process becomes part of.
        as_json: Whether to print JSON lines instead of what people read.
        tensorboard: Directory for the scalars that TensorBoard shows; None for none.
    """

    def __init__(self, run: str, address: str, *, as_json: bool, tensorboard: Path | None = None) -> None:
        super().__init__(
            run if "://" in run else Path(run),
            as_json=as_json,
            inline=False,
            accept_data_loss=False,
            tensorboard=tensorboard,
        )
        self._place = run
        self._address = address
        self._joined = False

    def _search(self, experiment: Experiment, stopping: Stopping) -> None:
        with ExitStack() as stack:
            with self._waiting("joining the cluster"):
                stack.enter_context(connected(self._address, logs=self._as_json))
                tenure = Tenure.begin(experiment.config, self._place)
            if self._as_json:
                stack.enter_context(redirect_stdout(sys.stderr))
            left = Event()
            self._joined = True
            stopping.install()  # Ray replaces the handler of SIGTERM when it connects
            self._announce(experiment)
            display = stack.enter_context(self._display(experiment))
            stack.enter_context(stopping.asking(left.set, saying="leaving", announce=display.note_stop))
            last = self._watch(tenure, self._listeners(display, stack), left)
        self._complete = last.stage is Stage.FINISHED
        if not self._complete and last.stage.ended:
            self.tell_end(last)
            raise SystemExit(0)
        if stopping.received:
            raise Stopped(stopping.received)

    def tell_end(self, report: Report) -> None:
        """Says that a search is complete, or how many evaluations a stopped one keeps and how to go on.

        Raises:
            ExecutionError: It has failed.
        """
        if report.stage is Stage.FAILED:
            raise ExecutionError(report.error)
        if report.stage is Stage.FINISHED:
            self._say("complete", f"{self._place} is complete")
        else:
            self._say("stopped", _stopped(self._place, self._address, report))

    def _announce(self, experiment: Experiment) -> None:
        metric = experiment.dataset.metric
        self._say(
            "watching",
            f"watching the search of {self._run} in the cluster; it goes on without this",
            name=experiment.config.name,
            metric=metric.name,
            higher_is_better=metric.higher_is_better,
        )

    def _watch(self, tenure: Tenure, listeners: Sequence[Listener], left: Event) -> Report:
        shown = None
        for report in tenure.reports():
            if report.progress is not None and report.progress != shown:
                shown = report.progress
                for listener in listeners:
                    listener(shown)
            if left.is_set():
                break
        return report

    def _leave(self, signal: signal.Signals, config: SearchConfig) -> NoReturn:
        if self._complete or not self._joined:
            super()._leave(signal, config)
        self._say(
            "detached",
            f"the search goes on; watch it with {typed('attach', self._place, self._address)}, "
            f"end it with {typed('stop', self._place, self._address)}",
        )
        raise SystemExit(128 + signal)


def attach_here(run: str, address: str, *, as_json: bool) -> None:
    """Watches the search of ``run`` in the cluster at ``address``, and shows the verdict when it has ended.

    Raises:
        ExecutionError: Nobody searches it there.
    """
    run = checked_run(run)
    with connected(address):
        config = configured(_present(run, address).order().config)
    Presence(run, address, as_json=as_json).follow(config)


def stop_here(run: str, address: str, *, drain_s: float, as_json: bool) -> None:
    """Stops the search of ``run`` in the cluster at ``address`` and says what came of it.

    Args:
        run: As a person gave it.
        address: Of the cluster that this process becomes part of.
        drain_s: Seconds to wait for candidates that are being trained.
        as_json: Whether to print JSON lines instead of what people read.

    Raises:
        ExecutionError: Nobody searches it there, or the search has failed.
    """
    run = checked_run(run)
    with connected(address):
        last = _present(run, address).end(drain_s=drain_s)
    Presence(run, address, as_json=as_json).tell_end(last)


def _present(run: str, address: str) -> Tenure:
    tenure = Tenure.find(run)
    if tenure is None:
        kept = (
            f"{typed('resume', run, address)} goes on"
            if LedgerReader(open_store(run)).exists()
            else "no run is kept there either"
        )
        raise ExecutionError(f"nobody searches {run} in the cluster at {address}; {kept}")
    return tenure


def _stopped(run: str, address: str, report: Report) -> str:
    progress = report.progress
    done = f"{progress.told:,} of {progress.budget.evaluations:,} evaluations are safe; " if progress else ""
    return f"{run} is stopped: {done}go on with {typed('resume', run, address)}"
