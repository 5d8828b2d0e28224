"""`ReplayView`: a replayed run as ``replay`` prints it, for people and as JSON."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from evo_nas.cli.formatting import duration, figure
from evo_nas.cli.terminal import plain
from evo_nas.replay.of_run import RunReplay, rungs_of
from evo_nas.runs import Run
from evo_nas.strategies.pruning import resolve_rungs
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from rich.console import RenderableType

    from evo_nas.config import FitnessOptions
    from evo_nas.evaluation import Evaluation
    from evo_nas.replay.of_run import Replayed


@dataclass(frozen=True)
class ReplayView:
    """What ``replay`` shows.

    Attributes:
        run: Where the run is kept.
        candidates: How many candidates are replayed.
        epochs: Epochs of their trainings.
        unfinished: How many of them the run itself pruned.
        rungs: Epochs after which they may be pruned.
        fitness: The rule of the rungs.
        workers: How many workers train.
        recorded: The replay in the recorded order.
        shuffled: The replays in other orders.
    """

    run: str
    candidates: int
    epochs: int
    unfinished: int
    rungs: Sequence[int]
    fitness: FitnessOptions
    workers: int
    recorded: Replayed
    shuffled: Sequence[Replayed]

    @classmethod
    def of(cls, place: str, overrides: Sequence[str], *, workers: int | None, draws: int) -> Self:
        """Replays the run at ``place``.

        Raises:
            RunError: There is no run, or its trainings cannot be replayed.
            ConfigError: An override is wrong, or the rungs do not suit the run.
        """
        run = Run.at(place)
        config = run.config
        fitness = rungs_of(config, overrides)
        replay = RunReplay(run.history().told, seed=config.seed)
        number = config.workers.most if workers is None else workers
        return cls(
            run=str(run),
            candidates=replay.candidates,
            epochs=replay.epochs,
            unfinished=replay.unfinished,
            rungs=resolve_rungs(fitness, replay.epochs),
            fitness=fitness,
            workers=number,
            recorded=replay.with_rungs(fitness, workers=number),
            shuffled=[replay.with_rungs(fitness, workers=number, shuffled=draw) for draw in range(draws)],
        )

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {
            "run": self.run,
            "candidates": self.candidates,
            "epochs": self.epochs,
            "unfinished": self.unfinished,
            "rungs": list(self.rungs),
            "pruning": self.fitness.pruning,
            "reduction": self.fitness.reduction,
            "workers": self.workers,
            "recorded": _values(self.recorded),
            "shuffled": [_values(each) for each in self.shuffled],
        }

    def render(self) -> RenderableType:
        """Returns the view for people."""
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        table.add_column("")
        for heading in ("without rungs", "with rungs", "saved"):
            table.add_column(heading, justify="right")
        each = self.recorded
        table.add_row(
            "training",
            duration(each.full_train_s),
            duration(each.train_s),
            _saved(each.full_train_s, each.train_s),
        )
        if each.full_cpu_s:
            table.add_row(
                "CPU", duration(each.full_cpu_s), duration(each.cpu_s), _saved(each.full_cpu_s, each.cpu_s)
            )
        table.add_row(
            f"time with {counted(self.workers, 'worker')}",
            duration(each.full_wall_s), duration(each.wall_s), _saved(each.full_wall_s, each.wall_s),
        )  # fmt: skip
        table.add_row("trained to the end", f"{self.candidates:,}", f"{each.complete:,}", "")
        table.add_row("best", _named(each.best), _named(each.kept), "")
        parts: list[RenderableType] = [plain(self._title()), table]
        if self.unfinished:
            parts.append(Text(self._on_unfinished(), style="dim"))
        if self.shuffled:
            parts.append(Text(self._in_other_orders(), style="dim"))
        return Group(*parts, Text(self._sentence(), style="bold"))

    def _title(self) -> str:
        title = f"{self.run}: {counted(self.candidates, 'candidate')} of {self.epochs} epochs, replayed"
        if not self.rungs:
            return f"{title} without rungs"
        rule = f"{self.fitness.pruning}, one of {self.fitness.reduction} goes on"
        return f"{title} with rungs at {' and '.join(map(str, self.rungs))} ({rule})"

    def _on_unfinished(self) -> str:
        return (
            f"the run itself pruned {counted(self.unfinished, 'training')}, whose end nobody knows: their seconds to "
            f"the end are estimated, and {self.recorded.beyond:,} that these rungs train further count as no better "
            "than they were"
        )

    def _in_other_orders(self) -> str:
        saved = statistics.fmean(each.full_train_s / each.train_s for each in self.shuffled if each.train_s)
        kept = sum(each.is_best_kept for each in self.shuffled)
        regrets = [each.regret for each in self.shuffled if each.regret is not None]
        mean = f", mean regret {figure(statistics.fmean(regrets))}" if regrets else ""
        orders = counted(len(self.shuffled), "other order")
        share = kept / len(self.shuffled)
        return f"in {orders}: {saved:.1f} times less training in the mean, best kept in {share:.0%}{mean}"

    def _sentence(self) -> str:
        each = self.recorded
        if not self.rungs:
            return f"{self.epochs} epochs leave no room for a rung, so that nothing would be pruned."
        if not each.complete:
            return "No candidate would have been trained to the end: these rungs are too greedy for so few candidates."
        times = each.full_train_s / each.train_s if each.train_s else 1.0
        if each.is_best_kept:
            end = "and would have kept its best candidate"
        else:
            end = f"but would have lost its best candidate and ended {figure(each.regret or 0.0)} behind it"
        return f"These rungs would have trained this run {times:.1f} times less, {end}."


def _saved(full: float, less: float) -> str:
    return f"{1 - less / full:.0%}" if full else "-"


def _named(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "-"
    outcome = evaluation.outcome
    return f"#{evaluation.candidate.id} {figure(outcome.metrics[outcome.metric])}"


def _values(replayed: Replayed) -> dict[str, Any]:
    return {
        "train_s": replayed.train_s,
        "full_train_s": replayed.full_train_s,
        "cpu_s": replayed.cpu_s,
        "full_cpu_s": replayed.full_cpu_s,
        "wall_s": replayed.wall_s,
        "full_wall_s": replayed.full_wall_s,
        "complete": replayed.complete,
        "pruned": replayed.pruned,
        "beyond": replayed.beyond,
        "regret": replayed.regret,
        "best_kept": replayed.is_best_kept,
        "best": replayed.best.candidate.id,
        "kept": None if replayed.kept is None else replayed.kept.candidate.id,
    }
