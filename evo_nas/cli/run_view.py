"""`RunView`: a recorded run as ``show`` prints it, for people and as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from evo_nas.budgets import Budget
from evo_nas.champion.verdict import stored_verdict
from evo_nas.cli.formatting import (
    baselines_in_words,
    failures,
    figure,
    origin,
    out_of,
    remembered,
    savings_in_words,
    size,
)
from evo_nas.cli.front_view import constant_in_words, front_view
from evo_nas.cli.noise_view import noise_in_words
from evo_nas.cli.tables import best_table, lineage_table, operators_table
from evo_nas.cli.terminal import plain
from evo_nas.cli.verdict_view import verdict_view
from evo_nas.errors import RunError
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.genome.notation import text_lines
from evo_nas.runs import Run, metric_of
from evo_nas.runs.operators import tally_operators
from evo_nas.runs.rows import by_status
from evo_nas.strategies.promotions import WAITING
from evo_nas.views.fronts import front_values

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from rich.console import RenderableType

    from evo_nas.archive import NoiseReport
    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig
    from evo_nas.evaluation import Status
    from evo_nas.genome.architecture import Architecture
    from evo_nas.ledger import Totals
    from evo_nas.runs import Row
    from evo_nas.runs.operators import OperatorTally
    from evo_nas.savings import Savings
    from evo_nas.tasks.baselines.fitting import BaselineResult


@dataclass(frozen=True)
class RunView:
    """The content of ``show`` for one run.

    Attributes:
        run: Where it is kept.
        config: Its configuration, with the budget that was given last.
        totals: What it has spent.
        complete: Whether that is the whole budget, minutes of training included.
        by_status: Evaluations by the cause that ended them.
        remembered: Evaluations whose results come from earlier runs.
        best: Its best candidates, best first.
        noise: What repeated trainings say about the scores.
        savings: What rungs have pruned, promoted and spared.
        front: The candidates that no other beats in all objectives; empty with one objective.
        constant: The objectives in which all candidates are equal; empty with one objective.
        operators: How often each operator was used, and what its children achieved.
        line: One candidate and its ancestors; empty for a run without scores.
        verdict: The verdict on all of its evaluations; None before it was judged.
        baselines: What each baseline gave, by name; empty if the run keeps none.
    """

    run: str
    config: SearchConfig
    totals: Totals
    complete: bool
    by_status: Mapping[Status, int]
    remembered: int
    best: Sequence[Row]
    noise: NoiseReport
    savings: Savings
    front: Sequence[Row]
    constant: Sequence[str]
    operators: Sequence[OperatorTally]
    line: Sequence[Row]
    verdict: Verdict | None
    baselines: Mapping[str, BaselineResult]

    @classmethod
    def of(cls, place: str | os.PathLike[str], *, top: int, candidate: int | None) -> Self:
        """Reads the run at ``place``.

        Raises:
            RunError: There is no run, it cannot be read, or ``candidate`` was never evaluated.
        """
        run = Run.at(place)
        best = run.best(top)
        chosen = best[0]["id"] if candidate is None and best else candidate
        metric = metric_of(best[0]) if best else None
        has_front = len((config := run.config).fitness.objectives) > 1
        return cls(
            run=str(run),
            config=config,
            totals=run.totals(),
            complete=run.is_spent(config.budget),
            by_status=by_status(run.table()),
            remembered=sum(map(bool, run.table()["source"].to_pylist())),
            best=best,
            noise=run.noise(),
            savings=run.savings(),
            front=run.front() if has_front else [],
            constant=run.constant_objectives() if has_front else (),
            operators=tally_operators(run.table()),
            line=[] if chosen is None else run.lineage(chosen),
            verdict=stored_verdict(run),
            baselines=run.baselines(metric[0].removeprefix("validation_")) if metric else {},
        )

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return {
            "run": self.run,
            "evaluations": self.totals.told,
            "budget": None if self.config.budget.is_open_ended else self.config.budget.most_evaluations,
            "minutes_budget": self.config.budget.minutes,
            "uncounted": self._uncounted,
            "train_s": self.totals.train_s,
            "train_minutes_budget": self.config.budget.train_minutes,
            "complete": self.complete,
            "by_status": dict(self.by_status),
            "remembered": self.remembered,
            "best": [_plain(row) for row in self.best],
            "noise": asdict(self.noise),
            "savings": asdict(self.savings),
            "front": front_values(self.front, self.config.fitness.objectives),
            "operators": [asdict(tally) for tally in self.operators],
            "lineage": [_plain(row) for row in self.line],
            "baselines": {name: asdict(result) for name, result in self.baselines.items()},
            "verdict": None if self.verdict is None else self.verdict.to_values(),
        }

    def front_values(self) -> dict[str, Any]:
        """Returns plain values of the front alone for JSON."""
        objectives = self.config.fitness.objectives
        return {
            "run": self.run,
            "objectives": objectives,
            "constant": self.constant,
            "front": front_values(self.front, objectives),
        }

    def render_front(self) -> RenderableType:
        """Returns the candidates that no other beats in all objectives, for people.

        Raises:
            RunError: The run has one objective.
        """
        objectives = self.config.fitness.objectives
        if len(objectives) == 1:
            raise RunError(
                f"{self.run} was searched for its fitness alone, so that it has a best candidate and no front; give "
                "fitness.objectives to a new run"
            )
        view = front_view(self.front, objectives)
        if not self.constant:
            return view
        return Group(view, Text(constant_in_words(self.constant), style="yellow"))

    def _front_title(self) -> str:
        return f"front of {', '.join(self.config.fitness.objectives)}"

    def render(self) -> RenderableType:
        """Returns the view for people."""
        title = Text.assemble(plain(self.config.name, "bold"), "  ", plain(self.run, "dim"))
        parts: list[RenderableType] = [_rule(title), Text(self._summary(), style="dim")]
        if self.best:
            parts.append(best_table(self.best))
        if self.operators:
            parts += [Text(), operators_table(self.operators)]
        if len(self.config.fitness.objectives) > 1:
            parts += [_rule(Text(self._front_title(), style="bold")), self.render_front()]
        if spared := savings_in_words(self.savings):
            parts.append(Text(f"rungs: {spared}", style="dim"))
        if noise := noise_in_words(self.noise, self._metric):
            parts.append(Text(noise, style="dim"))
        if self.verdict is not None:
            parts.append(verdict_view(self.verdict))
        elif self.baselines:
            named = baselines_in_words(self.baselines)
            parts.append(Text(f"baselines on the test part: {named}; no verdict yet", style="dim"))
        if self.line:
            parts += _candidate(self.line)
        return Group(*parts)

    @property
    def _metric(self) -> str:
        metric = metric_of(self.best[0]) if self.best else None
        return metric[0] if metric else ""

    @property
    def _limits(self) -> Budget:
        return Budget(self.config.budget.most_evaluations).widened(self.totals.at_once)

    @property
    def _uncounted(self) -> int:
        return self._limits.evaluations - self.config.budget.most_evaluations

    def _summary(self) -> str:
        budget = self.config.budget
        spent = f"{out_of(self.totals.told, self._limits.evaluations, between=' of ')} evaluated"
        spent += remembered(self.remembered, self.totals.told)
        if budget.minutes is not None:
            spent += f" in a budget of {budget.minutes:g} min"
        if budget.train_minutes is not None:
            spent += f", {self.totals.train_s / 60:.1f} of {budget.train_minutes:g} min trained"
        state = "complete" if self.complete else "not complete"
        ranked = f"; ranked by {self._metric.replace('_', ' ')}" if self._metric else ""
        return f"{spent}, {state}; failures: {failures(self.by_status, uncounted=self._uncounted)}{ranked}"


def _plain(row: Row) -> Row:
    # JSON has no infinity, which stands where a rung had no threshold yet or paused everything.
    thresholds = [threshold if math.isfinite(threshold) else None for threshold in row["thresholds"]]
    architecture = json.loads(row["architecture"])
    return {**row, "metrics": dict(row["metrics"]), "architecture": architecture, "thresholds": thresholds}


def _candidate(line: Sequence[Row]) -> Iterator[RenderableType]:
    row = line[0]
    architecture = from_json(row["architecture"])
    yield _rule(
        Text.assemble((f"candidate #{row['id']}", "bold"), f"  {origin(row['operator'], row['parents'])}")
    )
    yield Text(describe(architecture))
    yield from _cells(architecture)
    facts = Table.grid(padding=(0, 2))
    for label, text in _facts(row):
        facts.add_row(Text(label, style="dim"), plain(text))
    yield facts
    if row["parents"]:
        yield _rule(Text("lineage", style="bold"))
        yield lineage_table(line)


def _cells(architecture: Architecture) -> Iterator[RenderableType]:
    """Yields the equations of each different cell, under the numbers of its layers."""
    layers: dict[Any, list[str]] = {}
    for number, layer in enumerate(architecture.layers, start=1):
        layers.setdefault(layer.cell, []).append(str(number))
    for cell, numbers in layers.items():
        lines = "\n".join(text_lines(cell))
        yield Text(f"cell of layer{'s' if len(numbers) > 1 else ''} {' and '.join(numbers)}", style="dim")
        yield Padding(Text(lines, style="cyan"), (0, 0, 0, 2))


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    if row["metrics"]:
        yield (
            "metrics",
            ", ".join(f"{name.replace('_', ' ')} {figure(value)}" for name, value in row["metrics"]),
        )
    if row["curve"]:
        yield "curve", " ".join(figure(value) for value in row["curve"])
    if row["error"]:
        yield row["status"].replace("_", " "), row["error"]
    if row["trains"]:
        yield "long training", f"{row['trains']}, within this network"
    if row["findings"]:
        scores = row["finding_scores"]
        yield "found", f"{len(scores)} genomes, scored {figure(min(scores))} to {figure(max(scores))}"
    yield "size", size(row["parameters"], row["table_parameters"])
    yield (
        "training",
        f"{row['epochs']} of {row['budget']} epochs in {row['train_s']:.2f} s, seed {row['seed']}",
    )
    if row["rungs"]:
        yield "rungs", _rungs(row)
    if row["source"]:
        yield "remembered from", row["source"]
    if row["backends"]:
        yield "backends", ", ".join(row["backends"])
    yield "worker", f"{row['worker'] or '-'} on {row['node'] or '-'}, attempt {row['attempt']}"
    yield "identity", row["canonical_hash"]


def _rungs(row: Row) -> str:
    """Returns what was needed at each rung when the candidate was asked, in the units of the metric."""
    metric = metric_of(row)
    sign = -1 if metric and metric[1] != row["fitness"] else 1
    needed = {math.inf: "all are paused", WAITING: "all wait", -math.inf: "none is pruned"}
    return ", ".join(
        f"{rung} epochs: {needed.get(threshold) or figure(sign * threshold) + ' needed'}"
        for rung, threshold in zip(row["rungs"], row["thresholds"], strict=True)
    )


def _rule(title: Text) -> Rule:
    return Rule(title, align="left", style="cyan")
