"""`TuneView`: a tuning as ``tune`` prints it, for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group

from evo_nas.cli.formatting import Scale
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain
from evo_nas.genome.describe import describe
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from evo_nas.sessions.tuning import Tuned

SHOWN = 5
"""Trials that the table has, the untuned one beside them."""


@dataclass(frozen=True)
class TuneView:
    """What ``tune`` shows.

    Attributes:
        tuned: What the tuning has found.
        out: Where the tuned network was written; None if it was not.
    """

    tuned: Tuned
    out: Path | None = None

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        tuned = self.tuned
        gain = tuned.gain
        return {
            "candidate": tuned.candidate,
            "metric": tuned.untuned.metric.name,
            "higher_is_better": tuned.untuned.metric.higher_is_better,
            "epochs": tuned.epochs,
            "failed": tuned.failed,
            "trials": [
                {
                    "number": trial.number,
                    "fitness": trial.fitness,
                    "epochs": trial.epochs,
                    "settings": tuned.space.settings(trial.genome),
                    "changes": tuned.space.changes(trial.genome),
                }
                for trial in tuned.trials
            ],
            "untuned": list(tuned.untuned.values),
            "tuned": None if tuned.tuned is None else list(tuned.tuned.values),
            "gain": None if gain is None else gain[0],
            "half_width": None if gain is None else gain[1],
            "kept": None if tuned.kept is None else list(tuned.kept.values),
            "ahead_of_kept": None if tuned.against_kept is None else tuned.against_kept[0],
            "compared_on": tuned.said,
            "is_better": tuned.is_better,
            "architecture": describe(tuned.network.architecture),
            "schedule": tuned.network.schedule,
            "out": None if self.out is None else str(self.out),
            "sentence": tuned.sentence,
        }

    def render(self) -> RenderableType:
        """Returns the best trials and what they are worth, for people."""
        tuned = self.tuned
        lines = [
            f"{describe(tuned.network.architecture)}; schedule {tuned.network.schedule}",
            tuned.sentence,
            f"{counted(len(tuned.trials) + tuned.failed, 'trial')}, {tuned.failed} failed; the score of a trial is "
            "that of the cut that chose it, and so a lucky one",
        ]
        if self.out is not None:
            lines.append(f"written to {self.out}: the mean of three trainings")
        return Group(self._table(), "", *map(plain, lines))

    def _table(self) -> RenderableType:
        tuned, metric = self.tuned, self.tuned.untuned.metric
        scale = Scale(metric.name, metric.higher_is_better)
        table = plain_table("trial", right=(metric.name.replace("_", " "), "epochs"))
        table.add_column("what it changes")  # wrapped, and not cut
        shown = [*tuned.trials[:SHOWN], *(each for each in tuned.trials[SHOWN:] if each.number == 0)]
        for trial in shown:
            changes = tuned.space.changes(trial.genome).items()
            words = ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in changes)
            table.add_row(
                str(trial.number),
                scale.text(trial.fitness),
                str(trial.epochs),
                words or "nothing: as it was found",
            )
        return table


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
