"""Runs a search before a person's eyes, then tells what came of it."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from evo_nas.baselines import baselines_of
from evo_nas.cli.display import Display, JsonDisplay, LineDisplay, Subject, print_event
from evo_nas.cli.live import LiveDisplay
from evo_nas.cli.stopping import Stopped, Stopping
from evo_nas.cli.verdict_view import verdict_view
from evo_nas.cli.wording import Scale, figure
from evo_nas.experiment import Experiment
from evo_nas.genome.describe import describe
from evo_nas.ledger import holds_run, read_history
from evo_nas.tensorboard import TensorBoard

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evo_nas.config import SearchConfig
    from evo_nas.genome.space import Genome
    from evo_nas.loop import Listener


class Pursuit:
    """One ``search`` or ``resume``: where it runs and how it is shown.

    Args:
        run: Where the run is kept.
        as_json: Whether to print JSON lines instead of what people read.
        inline: Whether to train in this process, without Ray.
        accept_data_loss: Whether to go on without committed evaluations that are damaged or missing.
        tensorboard: Directory for the scalars that TensorBoard shows; None for none.
    """

    def __init__(
        self,
        run: str | Path,
        *,
        as_json: bool,
        inline: bool,
        accept_data_loss: bool,
        tensorboard: Path | None = None,
    ) -> None:
        self._run = run
        self._tensorboard = tensorboard
        self._as_json = as_json
        self._inline = inline
        self._accept_data_loss = accept_data_loss
        self._console = Console(file=sys.stdout, highlight=False)
        self._complete = False

    def follow(self, config: SearchConfig) -> None:
        """Searches until the budget of ``config`` is spent or a signal comes, and shows the verdict.

        Raises:
            SystemExit: A signal came; the exit code is 128 plus its number.
        """
        with Stopping() as stopping:
            try:
                self._follow(config, stopping)
            except Stopped as stopped:
                self._leave(stopped.signal, config)

    def _follow(self, config: SearchConfig, stopping: Stopping) -> None:
        with self._waiting("loading the data"):
            experiment = Experiment.of(config)
            self._complete = not self._accept_data_loss and experiment.is_complete(self._run)
        if self._complete:
            self._say("complete", f"{self._run} is complete")
        else:
            self._tell_baselines(experiment)
            self._search(experiment, stopping)
        self._judge(experiment)

    def _judge(self, experiment: Experiment) -> None:
        from evo_nas.champion import verdict_of  # which loads torch

        with self._waiting("weighing the champion") as announce:
            verdict = verdict_of(self._run, experiment=experiment, announce=announce)
        if self._as_json:
            print_event(self._console, "verdict", **json.loads(verdict.to_json()))
        else:
            self._console.print(verdict_view(verdict))

    def _tell_baselines(self, experiment: Experiment) -> None:
        """Says what trivial and linear opponents reach, before anything is spent on a search."""
        metric = experiment.dataset.metric
        with self._waiting("fitting the opponents to beat"):
            baselines = baselines_of(self._run, experiment)
        named = ", ".join(f"{name} {figure(baseline)}" for name, baseline in baselines.items())
        self._say(
            "baselines", f"to beat, by test {metric.name}: {named}", metric=metric.name, baselines=baselines
        )

    def _search(self, experiment: Experiment, stopping: Stopping) -> None:
        with ExitStack() as stack:
            with self._waiting("starting the workers"):
                opened = experiment.open(
                    self._run,
                    executor="inline" if self._inline else "ray",
                    accept_data_loss=self._accept_data_loss,
                )
                search = stack.enter_context(opened)
            if self._as_json:
                # Ray prints the end of a worker to standard output, which belongs to the machine that reads it.
                stack.enter_context(redirect_stdout(sys.stderr))
            stopping.install()  # Ray replaces the handler of SIGTERM when it starts
            display = stack.enter_context(self._display(experiment))
            with stopping.asking(search.stop, saying="stopping", announce=display.note_stop):
                progress = search.run(self._listeners(display, stack))
            self._complete = progress.finished
        if stopping.received:
            raise Stopped(stopping.received)

    def _leave(self, signal: signal.Signals, config: SearchConfig) -> NoReturn:
        told = len(read_history(self._run).told) if holds_run(self._run) else 0
        self._say("stopped", f"stopped by {signal.name}: {self._way_on(told, config)}", told=told)
        raise SystemExit(128 + signal)

    def _way_on(self, told: int, config: SearchConfig) -> str:
        if not holds_run(self._run):
            return "the search had not begun; the same command begins it"
        again = f"evo-nas resume {shlex.quote(str(self._run))}"
        if self._complete:
            return f"the search is complete; judge it with\n  {again}"
        done = f"{told:,} of {config.budget.evaluations:,} evaluations are safe"
        return f"{done}; go on with\n  {again}"

    def _listeners(self, display: Display, stack: ExitStack) -> list[Listener]:
        """Opens whatever is told of the search's progress."""
        listeners: list[Listener] = [display]
        if self._tensorboard is not None:
            listeners.append(stack.enter_context(TensorBoard(self._tensorboard)))
        return listeners

    def _display(self, experiment: Experiment) -> Display:
        def in_words(genome: Genome) -> str:
            return describe(experiment.space.decode(genome))

        metric = experiment.dataset.metric
        scale = Scale(metric.name, higher_is_better=metric.higher_is_better)
        subject = Subject(experiment.config.name, self._run, scale, in_words)
        if self._as_json:
            return JsonDisplay(subject, self._console)
        kind = LiveDisplay if self._console.is_terminal else LineDisplay
        return kind(subject, self._console)

    def _say(self, event: str, text: str, /, **fields: object) -> None:
        if self._as_json:
            print_event(self._console, event, run=str(self._run), text=text, **fields)
        else:
            self._console.print(text, soft_wrap=True)

    @contextmanager
    def _waiting(self, what: str) -> Iterator[Callable[[str], None]]:
        """Shows what is going on, where somebody watches; yields a function that says what goes on now."""
        if self._as_json or not self._console.is_terminal:
            yield lambda _: None
            return
        with self._console.status(what) as status:
            yield status.update
