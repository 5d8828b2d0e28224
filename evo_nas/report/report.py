"""`report_page`: the report of a run, from what the run keeps and what its champion does on the test part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.champion.comparison import PAIRING_COLUMNS, tests_of
from evo_nas.champion.explanation import explained, explained_in_run
from evo_nas.config.yaml_text import to_yaml
from evo_nas.errors import DataChangedError, DataError
from evo_nas.evaluation import Status
from evo_nas.experiment import Experiment
from evo_nas.genome.codec import from_json
from evo_nas.genome.describe import describe
from evo_nas.report.champion_section import champion_section
from evo_nas.report.evolution_figures import lineage_figure
from evo_nas.report.facts import RunFacts, plain_config
from evo_nas.report.page import Card, Page, PageTable, Section, Text
from evo_nas.report.search_figures import search_figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evo_nas.champion.champion import Champion
    from evo_nas.champion.explanation import Explanation, LineageStep
    from evo_nas.report.class_figures import ClassRow
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
    shown = _shown(run, dataset) if facts.verdict is not None else None
    explanation = _explanation(run, facts, shown)
    sections = [
        _verdict_section(facts),
        champion_section(explanation, is_judged=facts.verdict is not None, candidate=facts.line[0]["id"]),
    ]
    if shown is not None:
        sections.append(_task_section(shown))
    sections += [
        _search_section(facts),
        _lineage_section(facts, explanation),
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
    sign, kept = 1 if verdict.higher_is_better else -1, verdict.baseline_validations
    rows += [
        [name, "", f"{kept[name]:.4g}" if name in kept else "", f"{score:.4g}"]
        for name, score in sorted(verdict.baselines.items(), key=lambda pair: -sign * pair[1])
    ]
    header = ("", "parameters", f"validation {verdict.metric}", f"test {verdict.metric}")
    better = "Higher is better." if verdict.higher_is_better else "Lower is better."
    tables = [PageTable(header, rows, numbers=frozenset({1, 2, 3}), ours=frozenset({0}))]
    paragraphs = [f"All networks were trained from scratch after the search. {better}", *verdict.remarks]
    if verdict.comparisons:
        paragraphs.append(tests_of(verdict.comparisons))
        beside = [each.cells for each in verdict.comparisons]
        tables.append(
            PageTable(PAIRING_COLUMNS, beside, "Beside the others", numbers=frozenset({1, 2, 3, 4, 5}))
        )
    return Section("verdict", "Verdict", paragraphs=paragraphs, tables=tables)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A champion and what it is shown on.

    Attributes:
        champion: The champion.
        experiment: What it comes from, with data that can be read; None if they cannot.
        missing: Why they cannot be read; empty if they can.
    """

    champion: Champion
    experiment: Experiment | None
    missing: str = ""


def _shown(run: Run, dataset: Dataset | None) -> _Shown:
    # It loads torch, which a report without a champion spares.
    from evo_nas.champion.champion import load_champion  # noqa: PLC0415

    champion = load_champion(run.location)
    try:
        experiment = Experiment.of_run(run) if dataset is None else Experiment.of(run.config, dataset=dataset)
        _ = experiment.dataset
    except (DataError, DataChangedError) as error:
        # The report of an old run should not end with data that were moved or changed.
        return _Shown(champion, None, str(error))
    return _Shown(champion, experiment)


def _explanation(run: Run, facts: RunFacts, shown: _Shown | None) -> Explanation:
    if shown is None:
        return explained(from_json(str(facts.line[0]["architecture"])))
    network = getattr(shown.champion.network, "members", [shown.champion.network])[0]
    if shown.experiment is None:
        return explained(network.architecture)
    from evo_nas.champion.probing import probed  # noqa: PLC0415 - it loads torch

    probe = probed(network, shown.experiment.dataset)
    candidate, space = facts.line[0]["id"], shown.experiment.space
    return explained_in_run(run, candidate, space, retrained=network.architecture, probe=probe)


def _task_section(shown: _Shown) -> Section | None:
    # They load torch, which a report without a champion spares.
    from evo_nas.report.class_figures import class_rows, confusion, confusion_figure  # noqa: PLC0415
    from evo_nas.report.task_figures import task_figures  # noqa: PLC0415

    if shown.experiment is None:
        return Section(
            "task", "What it does", paragraphs=[f"The data of the task cannot be read: {shown.missing}."]
        )
    dataset = shown.experiment.dataset
    figures, tables = list(task_figures(shown.champion, dataset)), []
    counts = confusion(shown.champion.network, dataset)
    if counts is not None:
        figures.append(confusion_figure(counts, dataset.classes))
        tables.append(_class_table(class_rows(counts, dataset.classes)))
    if not figures:
        return None
    return Section(
        "task",
        "What it does",
        paragraphs=["The champion on the test part, as in the verdict."],
        figures=figures,
        tables=tables,
    )


def _class_table(rows: Sequence[ClassRow]) -> PageTable:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.1%}"

    header = ("class", "examples", "right when answered", "found")
    texts = [[each.name, f"{each.examples:,}", share(each.precision), share(each.recall)] for each in rows]
    return PageTable(header, texts, "By class", numbers=frozenset({1, 2, 3}))


def _search_section(facts: RunFacts) -> Section:
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
        figures=list(search_figures(facts)),
        tables=[PageTable(header, rows, "The best candidates", numbers=frozenset({2, 3, 4}))],
    )


def _lineage_section(facts: RunFacts, explanation: Explanation) -> Section | None:
    if len(facts.line) < 2:
        return None
    figure = lineage_figure(facts)
    steps = {step.candidate: step for step in explanation.lineage}
    rows = [
        [
            f"#{row['id']}",
            row["operator"],
            _score_text(facts, row),
            _gain_text(steps.get(row["id"])),
            describe(from_json(str(row["architecture"]))),
        ]
        for row in reversed(facts.line)
    ]
    header = ("candidate", "made by", f"validation {facts.metric}", "gain in fitness", "network")
    noise = "" if explanation.noise is None else f" One training has a noise of ± {explanation.noise:.2g}."
    return Section(
        "lineage-of-the-best",
        "Where the best comes from",
        paragraphs=[f"From the founder to the network above, each with what it gained on its parent.{noise}"],
        figures=[] if figure is None else [figure],
        tables=[PageTable(header, rows, numbers=frozenset({2, 3}), ours=frozenset({len(rows) - 1}))],
    )


def _gain_text(step: LineageStep | None) -> str:
    if step is None or step.gain is None:
        return "-"
    return f"{step.gain:+.3g}" + (", within noise" if step.is_noise else "")


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
