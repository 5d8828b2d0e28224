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
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from rich.console import RenderableType

    from evo_nas.sessions.tuning import Tuned

SHOWN = 5
"""Trials that the table has, the untuned one beside them."""


@dataclass(frozen=True, slots=True)
class TuneView:
    """What ``tune`` shows.

    Attributes:
        values: What the tuning has found, as plain values for JSON.
    """

    values: Mapping[str, Any]

    @classmethod
    def of(cls, tuned: Tuned, out: Path | None = None) -> Self:
        """Returns the view of ``tuned``, which was written to ``out`` unless that is None."""
        gain = tuned.gain
        return cls(
            {
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
                "out": None if out is None else str(out),
                "sentence": tuned.sentence,
            }
        )

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return dict(self.values)

    def render(self) -> RenderableType:
        """Returns the best trials and what they are worth, for people."""
        values = self.values
        failed = values["failed"]
        lines = [
            f"{values['architecture']}; schedule {values['schedule']}",
            values["sentence"],
            f"{counted(len(values['trials']) + failed, 'trial')}, {failed} failed; the score of a trial is "
            "that of the cut that chose it, and so a lucky one",
        ]
        if values["out"] is not None:
            lines.append(f"written to {values['out']}: the mean of three trainings")
        return Group(self._table(), "", *map(plain, lines))

    def _table(self) -> RenderableType:
        metric, trials = self.values["metric"], self.values["trials"]
        scale = Scale(metric, self.values["higher_is_better"])
        table = plain_table("trial", right=(metric.replace("_", " "), "epochs"))
        table.add_column("what it changes")  # wrapped, and not cut
        shown = [*trials[:SHOWN], *(each for each in trials[SHOWN:] if each["number"] == 0)]
        for trial in shown:
            words = ", ".join(
                f"{name.replace('_', ' ')} {_value(value)}" for name, value in trial["changes"].items()
            )
            table.add_row(
                str(trial["number"]),
                scale.text(trial["fitness"]),
                str(trial["epochs"]),
                words or "nothing: as it was found",
            )
        return table


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
