"""`report_page`: the report of a run, from what the run keeps and what its champion does on the test part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evo_nas.config.yaml_text import to_yaml
from evo_nas.errors import DataError
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe, equations
from evo_nas.report.facts import RunFacts, plain_config
from evo_nas.report.page import Card, Page, PageTable, Section, Text
from evo_nas.report.search_figures import search_figures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evo_nas.genome.architecture import Architecture
    from evo_nas.models.ensemble import Model
    from evo_nas.runs import Run
    from evo_nas.runs.rows import Row
    from evo_nas.tasks.dataset import Dataset

MOST_ERRORS = 8


def report_page(run: Run, *, dataset: Dataset | None = None) -> Page:
    """Returns the report of ``run``; it reads the data of the task if there is a champion to show on them.

    Args:
        run: The run.
        dataset: Its data, where they are in no file.

    Raises:
        RunError: There is no run, or it cannot be read.
        ChampionError: No candidate was scored.
    """
    facts = RunFacts.of(run)
    architecture = from_json(str(facts.best[0]["architecture"]))
    sections = [_verdict_section(facts), _champion_section(facts, architecture)]
    if facts.verdict is not None:
        sections.append(_task_section(run, dataset))
    sections += [
        _search_section(facts),
        _lineage_section(facts),
        _failures_section(facts),
        _origin_section(facts),
    ]
    total = len(facts.rows)
    return Page(
        title=facts.record.name,
        subtitle=f"{str(facts.config.task['kind']).replace('_', ' ')}, {facts.config.strategy['kind']} search, "
        f"{total:,} evaluations, begun {facts.record.created_at[:16].replace('T', ' ')} UTC",
        sentence=_sentence(facts),
        cards=list(_cards(facts)),
        sections=[section for section in sections if section is not None],
        footer=f"evo-nas {facts.record.created_by.get('evo-nas', '')}, run {facts.record.run_id[:12]}",
    )


def write_report(
    run: Run, out: Path, *, figures: Path | None = None, dataset: Dataset | None = None
) -> list[Path]:
    """Writes the report of ``run`` to the file ``out`` and returns what was written.

    Args:
        run: The run.
        out: The HTML file; one that exists is replaced.
        figures: A directory for every figure as SVG and PNG; none are written by default.
        dataset: As for `report_page`.

    Raises:
        ConfigError: The package that draws the figures is not installed.
        RunError: As for `report_page`, as is `ChampionError`.
    """
    page = report_page(run, dataset=dataset)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page.html(), encoding="utf-8")
    written = [out]
    if figures is not None:
        figures.mkdir(parents=True, exist_ok=True)
        for figure in page.figures:
            drawn, painted = figures / f"{figure.name}.svg", figures / f"{figure.name}.png"
            drawn.write_text(figure.svg(), encoding="utf-8")
            painted.write_bytes(figure.png())
            written += [drawn, painted]
    return written


def _sentence(facts: RunFacts) -> str:
    if facts.verdict is not None:
        return facts.verdict.sentence
    return (
        "There is no verdict on these evaluations yet: the scores below chose the best network, so they say too "
        "much of it. evo-nas champion makes the verdict."
    )


def _cards(facts: RunFacts) -> Iterator[Card]:
    verdict = facts.verdict
    if verdict is not None:
        yield Card(f"test {verdict.metric}, champion", f"{verdict.champion.test:.4g}")
        for other in verdict.opponents:
            yield Card(f"test {verdict.metric}, {other.name}", f"{other.test:.4g}")
        if name := verdict.strongest_baseline:
            yield Card(f"test {verdict.metric}, {name}", f"{verdict.baselines[name]:.4g}")
        yield Card("parameters", f"{verdict.champion.parameters:,}")
    else:
        best = facts.score_of(facts.best[0])
        yield Card(f"best validation {facts.metric}", f"{best:.4g}")
        yield Card("parameters", f"{facts.best[0]['parameters']:,}")
    yield Card("evaluations", f"{len(facts.rows):,}")
    seconds = sum(row["cpu_s"] or row["train_s"] for row in facts.rows)
    yield Card("computing", _duration(seconds))
    if facts.savings.share:
        yield Card("training spared by rungs", f"{facts.savings.share:.0%}")
    if facts.noise.seeds is not None:
        yield Card("noise of a score", f"± {facts.noise.seeds.std:.2g}")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _verdict_section(facts: RunFacts) -> Section | None:
    verdict = facts.verdict
    if verdict is None:
        return None
    rows = [
        [each.name, f"{each.parameters:,}", f"{each.validation:.4g}", f"{each.test:.4g} ± {each.spread:.2g}"]
        for each in verdict.contestants
    ]
    sign = 1 if verdict.higher_is_better else -1
    rows += [
        [name, "", "", f"{score:.4g}"]
        for name, score in sorted(verdict.baselines.items(), key=lambda pair: -sign * pair[1])
    ]
    header = ("", "parameters", f"validation {verdict.metric}", f"test {verdict.metric}")
    better = "Higher is better." if verdict.higher_is_better else "Lower is better."
    return Section(
        "verdict",
        "Verdict",
        paragraphs=[f"All networks were trained from scratch after the search. {better}"],
        tables=[PageTable(header, rows, numbers=frozenset({1, 2, 3}), ours=frozenset({0}))],
    )


def _champion_section(facts: RunFacts, architecture: Architecture) -> Section:
    what = "champion" if facts.verdict is not None else "best network so far"
    texts = []
    for number, cell in enumerate(dict.fromkeys(layer.cell for layer in architecture.layers), start=1):
        texts.append(Text(f"Equations of cell {number}", "\n".join(equations(cell)), is_open=True))
    return Section(
        "champion",
        f"The {what}",
        paragraphs=[f"Candidate {facts.best[0]['id']}: {describe(architecture)}."],
        texts=texts,
    )


def _task_section(run: Run, dataset: Dataset | None) -> Section | None:
    # These load torch and the data, which a report without a champion spares.
    from evo_nas.champion.champion import load_champion  # noqa: PLC0415
    from evo_nas.report.task_figures import task_figures  # noqa: PLC0415

    try:
        data = dataset or Experiment.of_run(run).dataset
    except DataError as error:
        # The report of an old run should not end with data that were moved.
        return Section("task", "What it does", paragraphs=[f"The data of the task cannot be read: {error}."])
    model = load_champion(run.location).model
    figures = list(task_figures(model, data))
    tables = [_class_table(model, data)] if data.classes else []
    tables = [table for table in tables if table.rows]
    if not figures and not tables:
        return None
    return Section(
        "task",
        "What it does",
        paragraphs=["The champion on the test part, as in the verdict."],
        figures=figures,
        tables=tables,
    )


def _class_table(model: Model, dataset: Dataset) -> PageTable:
    from evo_nas.report.task_figures import class_rows  # noqa: PLC0415 - it loads torch

    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.1%}"

    rows = [
        [each.name, f"{each.examples:,}", share(each.precision), share(each.recall)]
        for each in class_rows(model, dataset)
    ]
    return PageTable(
        ("class", "examples", "right when answered", "found"), rows, "By class", numbers=frozenset({1, 2, 3})
    )


def _search_section(facts: RunFacts) -> Section:
    figures = [figure for figure in search_figures(facts) if figure.name != "lineage"]
    rows = [
        [
            str(place),
            f"#{row['id']}",
            f"{facts.score_of(row):.4g}",
            str(row.get("trainings", 1)),
            f"{row['parameters']:,}",
            describe(from_json(str(row["architecture"]))),
        ]
        for place, row in enumerate(facts.best, start=1)
    ]
    header = ("", "candidate", f"validation {facts.metric}", "trainings", "parameters", "network")
    return Section(
        "search",
        "The search",
        figures=figures,
        tables=[PageTable(header, rows, "The best candidates", numbers=frozenset({2, 3, 4}))],
    )


def _lineage_section(facts: RunFacts) -> Section | None:
    if len(facts.line) < 2:
        return None
    figures = [figure for figure in search_figures(facts) if figure.name == "lineage"]
    rows = [
        [
            f"#{row['id']}",
            row["operator"],
            _score_text(facts, row),
            describe(from_json(str(row["architecture"]))),
        ]
        for row in reversed(facts.line)
    ]
    header = ("candidate", "made by", f"validation {facts.metric}", "network")
    return Section(
        "lineage-of-the-best",
        "Where the best comes from",
        figures=figures,
        tables=[PageTable(header, rows, numbers=frozenset({2}), ours=frozenset({len(rows) - 1}))],
    )


def _score_text(facts: RunFacts, row: Row) -> str:
    score = facts.score_of(row)
    if score is None:
        return "-"
    return f"{score:.4g}" + (f" at epoch {row['epochs']}" if row["status"] == Status.PRUNED else "")


def _failures_section(facts: RunFacts) -> Section | None:
    causes = Counter(
        (row["status"].replace("_", " "), row["error"][:160])
        for row in facts.rows
        if Status(row["status"]).failed
    )
    if not causes:
        return None
    rows = [[status, error or "-", str(count)] for (status, error), count in causes.most_common(MOST_ERRORS)]
    return Section(
        "failures",
        "Failures by cause",
        paragraphs=[f"{sum(causes.values())} of {len(facts.rows):,} evaluations came to nothing."],
        tables=[PageTable(("end", "message", "evaluations"), rows, numbers=frozenset({2}))],
    )


def _origin_section(facts: RunFacts) -> Section:
    versions = ", ".join(f"{name} {number}" for name, number in facts.record.created_by.items())
    data = [[path, digest] for path, digest in facts.record.data.items()]
    return Section(
        "origin",
        "To do it again",
        paragraphs=[
            f"Seed {facts.record.seed}, {versions}. The same configuration, seed and order of results give the same "
            f"candidates; evo-nas verify derives them again from the log of {facts.place}."
        ],
        tables=[PageTable(("data file", "SHA-256"), data)] if data else [],
        texts=[Text("Configuration", to_yaml(plain_config(facts)))],
    )
