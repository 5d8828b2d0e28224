"""``search --folds`` and ``--leave-one-group-out``: a run for each test part, one after the other."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.rule import Rule
from rich.text import Text

from evo_nas.cli.formatting import figure
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain, plain_console
from evo_nas.config import load_config
from evo_nas.data.split_remarks import natural
from evo_nas.data.splitting import SplitOptions
from evo_nas.errors import ConfigError, RunError
from evo_nas.experiment import Experiment
from evo_nas.runs import Run
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from evo_nas.champion.verdict import Verdict
    from evo_nas.config import SearchConfig

    Search = Callable[[str, SearchConfig], Verdict | None]
    """Searches at a place and returns the verdict; None if the search was stopped."""


CONTESTANTS = ("champion", "lstm", "baseline")


@dataclass(frozen=True, slots=True)
class Fold:
    """One of several runs of a configuration that differ in their test part.

    Attributes:
        name: What the test part is.
        place: Directory or URI of the run.
        settings: The configuration with the split of this run.
    """

    name: str
    place: str
    settings: SearchConfig


def folds_of(config: Path, overrides: Sequence[str], *, place: str, folds: int | None) -> list[Fold]:
    """Returns the runs of a configuration, in order.

    Args:
        config: The file of the configuration.
        overrides: Changes to it, each ``dotted.key=value``.
        place: Where the runs are kept, side by side.
        folds: Into how many equal parts the examples are cut; None to leave each group out once.

    Raises:
        ConfigError: The task's examples cannot be drawn, or the configuration is wrong.
        DataError: Data that name the groups cannot be read.
        RunError: The place is itself a run.
    """
    experiment = Experiment.of(load_config(config, overrides))
    if not isinstance(getattr(experiment.task.options, "split", None), SplitOptions):
        raise ConfigError(
            f"task.kind is {experiment.task.kind}, whose examples are not drawn, so that there are no folds of them; "
            "leave --folds and --leave-one-group-out out"
        )
    if Run.at(place).exists:
        raise RunError(f"{place} is a run; folds are runs in a place of their own: give another with --run")
    if folds is not None:
        keys = [[f"task.split.folds={folds}", f"task.split.fold={fold}"] for fold in range(1, folds + 1)]
        names = [f"{fold} of {folds}" for fold in range(1, folds + 1)]
    else:
        names = _groups(experiment)
        # JSON is YAML: a group may have any name.
        keys = [[f"task.split.test_groups={json.dumps([name])}"] for name in names]
    return [
        Fold(name, f"{place}/fold-{number}", load_config(config, (*overrides, *changes)))
        for number, (name, changes) in enumerate(zip(names, keys, strict=True), start=1)
    ]


def search_folds(folds: Sequence[Fold], search: Search, *, as_json: bool, check_data: bool) -> None:
    """Searches the folds one after the other and prints their results; the same call goes on where one was stopped.

    Args:
        folds: What to search.
        search: Searches one of them.
        as_json: Whether to print one line of JSON instead of a table.
        check_data: Whether data can be read here, so that a fold that cannot be cut is found before any is searched.

    Raises:
        SystemExit: A signal ended a search.
    """
    if check_data:
        for fold in folds:
            if not Run.at(fold.place).exists:
                _ = Experiment.of(fold.settings).prepared
    judged: list[tuple[Fold, Verdict]] = []
    try:
        for number, fold in enumerate(folds, start=1):
            if not as_json:
                title = Text.assemble(
                    (f"run {number} of {len(folds)}", "bold"), "  test part ", plain(fold.name)
                )
                plain_console().print(Rule(title, align="left", style="magenta"))
            verdict = search(fold.place, fold.settings)
            if verdict is None:
                break
            judged.append((fold, verdict))
    finally:
        if len(judged) < len(folds):
            done = f"{len(judged)} of {counted(len(folds), 'fold')} are complete"
            sys.stderr.write(f"{done}; the same command goes on with the others\n")
    if judged:
        fields = _fields(judged)
        plain_console().print(json.dumps(fields) if as_json else _view(fields), soft_wrap=as_json)


def _groups(experiment: Experiment) -> list[str]:
    names = {name for some in experiment.dataset.groups.values() for name in some}
    if not names:
        raise ConfigError(
            "--leave-one-group-out needs groups, but the task has none; name their column in task.group"
        )
    return sorted(names, key=natural)


def _fields(judged: Sequence[tuple[Fold, Verdict]]) -> dict[str, Any]:
    """Returns the test metrics of each fold, and their mean and standard deviation, as plain values."""
    rows: list[dict[str, Any]] = [
        {
            "fold": fold.name,
            "run": fold.place,
            "champion": verdict.champion.test,
            "lstm": None if verdict.lstm is None else verdict.lstm.test,
            "baseline": verdict.baselines.get(verdict.strongest_baseline),
            "baseline_name": verdict.strongest_baseline,
        }
        for fold, verdict in judged
    ]
    columns = {name: [row[name] for row in rows] for name in CONTESTANTS}
    complete = {name: values for name, values in columns.items() if None not in values}
    return {
        "event": "folds",
        "metric": judged[0][1].metric,
        "folds": rows,
        "mean": {name: statistics.fmean(values) for name, values in complete.items()},
        "std": {name: statistics.stdev(values) for name, values in complete.items() if len(values) > 1},
    }


def _view(fields: dict[str, Any]) -> RenderableType:
    """Returns a table of the test metrics of each fold."""
    table = plain_table("test part", right=("champion", "LSTM", "best baseline"), left=("its name",))
    for row in fields["folds"]:
        table.add_row(plain(row["fold"]), *_figures(row), plain(row["baseline_name"]))
    for name in ("mean", "std"):
        table.add_row(Text(name, style="bold"), *_figures(fields[name]), "")
    title = Text.assemble(("folds", "bold"), f"  test {fields['metric']}")
    return Group(Rule(title, align="left", style="magenta"), table)


def _figures(row: dict[str, Any]) -> list[str]:
    return ["-" if row.get(name) is None else figure(row[name]) for name in CONTESTANTS]
