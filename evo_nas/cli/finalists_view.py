"""`FinalistsView`: the finalists of a run as ``finalists`` prints them, for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table

from evo_nas.cli.formatting import Scale, figure, size
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain, plain_console
from evo_nas.genome.describe import describe
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from rich.console import RenderableType

    from evo_nas.champion.finalist_plan import FinalistPlan
    from evo_nas.champion.finalists import CutScores, Finalist
    from evo_nas.champion.retrain import Retrain, Retrained
    from evo_nas.config import TrainingConfig
    from evo_nas.experiment import Experiment
    from evo_nas.runs import Run


@dataclass(frozen=True)
class FinalistsView:
    """What ``finalists`` shows.

    Attributes:
        run: Where the run is kept.
        plan: The finalists, and what judges them.
        finalists: The finalists, best first; judged if the run keeps all trainings for that.
        is_complete: Whether the search has spent its budget.
        told: Evaluations that they were chosen from.
    """

    run: str
    plan: FinalistPlan
    finalists: Sequence[Finalist]
    is_complete: bool
    told: int

    @classmethod
    def of(cls, run: Run, experiment: Experiment, plan: FinalistPlan) -> Self:
        """Returns the finalists of ``plan``, judged if ``run`` keeps all trainings for that."""
        results = plan.kept(run.champion)
        return cls(
            run=str(run),
            plan=plan,
            finalists=plan.finalists if plan.wanted(results) else plan.judged(results),
            is_complete=run.is_spent(experiment.config.budget),
            told=run.totals().told,
        )

    @property
    def is_judged(self) -> bool:
        """Whether they were trained on other cuts."""
        return self.finalists[0].scores is not None

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        prior, metric = self.plan.prior, self.plan.judging.dataset.metric
        return {
            "run": self.run,
            "is_complete": self.is_complete,
            "evaluations": self.told,
            "metric": metric.name,
            "higher_is_better": metric.higher_is_better,
            "noise": prior.noise,
            "noise_is_measured": prior.is_measured,
            "typical_fitness": prior.mean,
            "spread": prior.std,
            "judged_on": self.plan.judging.said if self.is_judged else None,
            "finalists": [self._values(place, each) for place, each in enumerate(self.finalists, start=1)],
            "sentence": self.finalists[0].sentence,
        }

    def render(self) -> RenderableType:
        """Returns the table and what it stands on, for people."""
        return Group(
            self._table(), "", self._networks(), "", *(plain(line, style="dim") for line in self._remarks())
        )

    def _values(self, place: int, finalist: Finalist) -> dict[str, Any]:
        estimate = finalist.estimate
        return {
            "rank": place,
            "candidate": finalist.number,
            "architecture": describe(finalist.architecture),
            "parameters": finalist.trial.outcome.parameters,
            "trainings": estimate.trainings,
            "fitness": estimate.fitness,
            "expected": estimate.expected,
            "bound": estimate.bound,
            "cuts": None if finalist.scores is None else _cut_values(finalist.scores),
            "opponents": [_cut_values(each) for each in finalist.opponents],
            "put_forward": describe(finalist.put_forward),
        }

    def _table(self) -> RenderableType:
        judged_by = self.plan.judging.dataset.metric
        scale = Scale(judged_by.name, judged_by.higher_is_better)
        metric = scale.metric.replace("_", " ")
        judged = ("other cuts", "behind") if self.is_judged else ()
        right = ("", *judged, metric, "of", "expected", "bound")
        table = plain_table("", right=right)
        for place, each in enumerate(self.finalists, start=1):
            estimate = each.estimate
            on_cuts = self._on_cuts(each.scores)
            table.add_row(
                str(place),
                f"#{each.number}",
                *on_cuts,
                scale.text(estimate.fitness),
                str(estimate.trainings),
                scale.text(estimate.expected),
                scale.text(estimate.bound),
            )
            for opponent in each.opponents:
                table.add_row("", opponent.name, *self._on_cuts(opponent))
        return table

    def _on_cuts(self, scores: CutScores | None) -> list[str]:
        """Returns the mean on the cuts, and how far that is behind the first; nothing before the judgement."""
        best = self.finalists[0].scores
        if scores is None or best is None:
            return []
        failed = len(scores.values) - len(scores.known)
        mean = (
            "failed"
            if scores.mean is None
            else figure(scores.mean) + (f", {failed} failed" if failed else "")
        )
        # Paired by cut and seed: a cut is easier or harder for all networks alike.
        lead = None if scores is best else best.lead(scores)
        if lead is None:
            return [mean, ""]
        return [mean, figure(lead[0]) + ("" if lead[1] is None else f" ± {figure(lead[1])}")]

    def _networks(self) -> RenderableType:
        # Below the figures, since a network in words takes more than a line of its own.
        table = Table.grid(padding=(0, 2))
        for each in self.finalists:
            outcome = each.trial.outcome
            words = f"{size(outcome.parameters, outcome.table_parameters)}; {describe(each.architecture)}"
            table.add_row(f"#{each.number}", plain(words))
        return table

    def _remarks(self) -> list[str]:
        prior, said, metric = self.plan.prior, self.plan.judging.said, self.plan.judging.dataset.metric
        name = metric.name.replace("_", " ")
        how = (
            "measured from repeated trainings"
            if prior.is_measured
            else "assumed, half of the variance among the better half, since nothing was repeated; "
            "fitness.repeats measures it"
        )
        best = self.finalists[0]
        lines = [
            f"noise of one training {figure(prior.noise)} {name}, {how}; expected: each score drawn towards what is "
            "typical of the run; bound: one standard deviation of doubt from that; of: trainings",
            f"other cuts: mean of {said}; behind: how much better the first is there, paired, ± half of the "
            "95 % interval"
            if self.is_judged
            else f"not judged yet: --judge trains each on {said}",
            best.sentence,
        ]
        if not self.is_complete:
            lines.insert(
                0, f"the search is not finished: chosen from {counted(self.told, 'evaluation')} so far"
            )
        return list(filter(None, lines))


def judge_aloud(plan: FinalistPlan, run: Run, retrain: Retrain, training: TrainingConfig) -> None:
    """Makes the trainings that judge the finalists of ``run``, and prints each to standard error."""
    errors = plain_console(stderr=True)
    results: dict[str, Retrained] = {}
    for made in plan.hold(run.champion, retrain, training, results):
        if made is not None:
            left = len(plan.wanted(results))
            said = f"{counted(left, 'training')} to go" if left else "the last one"
            errors.print(f"trained {made.name}; {said}")


def _cut_values(scores: CutScores) -> dict[str, Any]:
    return {
        "name": scores.name,
        "architecture": describe(scores.architecture),
        "values": list(scores.values),
        "mean": scores.mean,
        "half_width": scores.half_width,
    }
