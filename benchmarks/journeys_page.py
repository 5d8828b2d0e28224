"""The page of `benchmarks.journeys`: from the steps that are kept to tables."""

from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING, Any

from benchmarks.table import Table, write
from evo_nas.champion.verdict import Verdict
from evo_nas.cli.formatting import figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Steps = Mapping[str, Mapping[str, Any]]

COMMAND = "python -m benchmarks.journeys"
FORMATS = {"native": "predict", "python": "python", "onnx": "onnxruntime", "c": "cc", "torch": "torch alone"}
EQUAL = 1e-3
"""Relative difference of two scores that is rounding: a class more or less is larger on all test parts here."""


def report(folder: Path) -> None:
    """Writes the page of the journeys that are kept in ``folder``."""
    journeys = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    if not journeys:
        return
    tables = [_models(journeys), _tunings(journeys), _exports(journeys), _predictions(journeys)]
    write("journeys", "From a raw file to predictions, by the commands", [*tables, *_ways(journeys)])


def _models(journeys: Mapping[str, Steps]) -> Table:
    rows, remarks = [], []
    for name, steps in journeys.items():
        for step, called in (
            ("search", "short, at the end of the search"),
            ("champion", "`evo-nas champion`"),
        ):
            if (verdict := _verdict(steps, step)) is None:
                continue
            strongest = verdict.strongest_baseline
            others = {each.which: each for each in verdict.opponents}
            rows.append(
                [
                    f"{name}, {verdict.metric}",
                    called,
                    f"{verdict.evaluations}",
                    f"{figure(verdict.champion.test)} ({verdict.champion.parameters:,})",
                    *(
                        f"{figure(others[which].test)} ({others[which].parameters:,})"
                        if which in others
                        else "-"
                        for which in ("lstm", "gru")
                    ),
                    f"{strongest} {figure(verdict.baselines[strongest])}" if strongest else "-",
                    f"{verdict.trials}, {len(verdict.champion.tests)}",
                    f"{verdict.look}",
                ]
            )
            remarks.append(f"{name}, {called}: {verdict.sentence}")
    remarks.append(
        "Test metric of what is kept and exported, the mean of its networks, with the parameters of one of them. "
        "Each contestant has equally many trials of settings and networks. The budgets are tiny: this shows "
        "that the way holds and that its figures are true, not how good a search is."
    )
    remarks.append(
        f"The baselines were measured when they learnt from the validation part, too; `{COMMAND}` measures them anew."
    )
    header = ["data", "verdict", "evaluations", "champion", "LSTM", "GRU"]
    header += ["strongest baseline", "trials, networks", "looks at test"]
    return Table("What was found, and is it better?", COMMAND, header, rows, remarks)


def _tunings(journeys: Mapping[str, Steps]) -> Table:
    rows, remarks = [], []
    for name, steps in journeys.items():
        if (facts := _facts(steps, "finalists")) and facts["sentence"]:
            remarks.append(f"{name}, finalists: {facts['sentence']}")
        if facts := _facts(steps, "tune"):
            rows.append([f"{name}, {facts['metric']}", *_tuning(facts)])
    remarks.append(
        "Means on other cuts of training and validation than the one that chose, with new seeds, so that these figures "
        "differ from those on the test part."
    )
    header = ["data", "trials", "untuned", "best trial", "gain", "tuned is", "what the best trial changes"]
    return Table("Tuning", COMMAND, header, rows, remarks)


def _tuning(facts: Mapping[str, Any]) -> list[str]:
    tuned = [value for value in facts["tuned"] or [] if value is not None]
    gain, half = facts["gain"], facts["half_width"]
    changes = [
        f"{key.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else value}"
        for key, value in facts["trials"][0]["changes"].items()
    ]
    said = "no better"
    if facts["is_better"]:
        said = "better" if half is not None and gain > half else "better, which the noise may hide"
    return [
        f"{len(facts['trials']) + facts['failed']}",
        figure(fmean(facts["untuned"])),
        figure(fmean(tuned)) if tuned else "-",
        "-" if gain is None else f"{gain:.2g}" + (f" ± {half:.2g}" if half is not None else ""),
        said,
        "; ".join(changes) or "nothing",
    ]


def _exports(journeys: Mapping[str, Steps]) -> Table:
    rows = []
    for name, steps in journeys.items():
        for kind, runner in FORMATS.items():
            if (step := steps.get(f"export {kind}")) is None:
                continue
            if step["exit_code"]:
                rows.append([name, kind, "-", "-", "-", f"refused: {step['error']}", "-"])
                continue
            check, asked = step["facts"]["check"], steps.get(f"ask {kind}")
            checked = check["status"] == "checked"
            rows.append(
                [
                    name,
                    kind,
                    f"{step['facts']['bytes'] / 1024:,.0f}",
                    f"{check['difference']:.1e}" if checked else "unchecked",
                    f"{check['tolerance']:g}" if checked else check["reason"],
                    ", ".join(map(str, check["lengths"])) if checked else "-",
                    _asked(steps.get("predict native") if kind == "native" else asked, runner),
                ]
            )
    remarks = [
        "Largest difference: between the answers of the export and those of the model in memory, as the command itself "
        "has found before it wrote anything.",
        "The last column is the metric of the export's own answers for the raw rows of the test part, "
        "without evo-nas where another program runs it, computed from the raw file.",
    ]
    header = ["data", "format", "KiB", "largest difference", "permitted", "lengths", "answers for raw rows"]
    return Table("Exports", COMMAND, header, rows, remarks)


def _asked(step: Mapping[str, Any] | None, runner: str) -> str:
    if step is None:
        return "-"
    if step["exit_code"]:
        return f"{runner}: {step['error']}"
    facts = step["facts"]
    return f"{runner}: {facts['score']:.6g}" + (" (the last of them)" if facts["sequences"] == 1 else "")


def _predictions(journeys: Mapping[str, Steps]) -> Table:
    rows: list[list[str]] = []
    remarks: list[str] = []
    for name, steps in journeys.items():
        verdict = _verdict(steps, "champion")
        predicted, asked = _facts(steps, "predict native"), _facts(steps, "ask onnx")
        tuned, asked_tuned = _facts(steps, "predict tuned"), _facts(steps, "ask tuned")
        if verdict is None or not predicted:
            continue
        # One command forecasts what follows the end of one file, and so the last window alone.
        is_last = asked.get("score_of_last") is not None
        whole = (asked.get("score"), asked_tuned.get("score"))
        if is_last:
            rows.append(
                _compared(
                    f"{name}, {verdict.metric}", asked["sequences"], verdict.champion.test, None, *whole
                )
            )
            whole = (asked["score_of_last"], asked_tuned.get("score_of_last"))
        of_verdict = None if is_last else verdict.champion.test
        row = _compared(
            f"{name}, {verdict.metric}", predicted["sequences"], of_verdict, predicted["score"], *whole
        )
        rows.append([*row[:-2], predicted["said"], _told(tuned.get("score"))])
        if (score := asked_tuned.get("score")) is not None:
            sign = 1 if verdict.higher_is_better else -1
            is_better = sign * (score - verdict.champion.test) > 0
            remarks.append(
                f"{name}: on the test part the tuned network is {'better' if is_better else 'no better'} than the "
                f"champion, {score:.4g} against {verdict.champion.test:.4g}."
            )
    remarks += [
        "All scores are computed from the raw file: from the CSV that `evo-nas predict` wrote, and from the answers of "
        "the ONNX file in onnxruntime.",
        "A forecast is of what follows the end of a file, so that `predict` answers the last window of the test part; "
        "the ONNX file answered each of them. `--score` tells a forecast's error in the units of the file.",
        "The tuned network is another model, the mean of three seeds. It was asked on the test part after "
        "everything was chosen, and nothing was chosen by that.",
    ]
    header = ["data", "sequences", "verdict", "`predict`", "ONNX", "equal", "`--score` says", "tuned"]
    return Table("Predictions from the raw file", COMMAND, header, rows, remarks)


def _compared(
    data: str,
    sequences: int,
    verdict: float | None,
    predicted: float | None,
    asked: float | None,
    tuned: float | None,
) -> list[str]:
    scores = [each for each in (verdict, predicted, asked) if each is not None]
    is_equal = max(scores) - min(scores) <= EQUAL * max(map(abs, scores))
    told = "yes" if is_equal and len(scores) > 1 else "no" if len(scores) > 1 else "-"
    return [data, f"{sequences:,}", _told(verdict), _told(predicted), _told(asked), told, "-", _told(tuned)]


def _told(score: float | None) -> str:
    return "-" if score is None else f"{score:.6g}"


def _ways(journeys: Mapping[str, Steps]) -> list[Table]:
    return [
        Table(
            f"The way of {name}",
            f"{COMMAND} {name}",
            ["step", "command", "seconds", "CPU seconds", "load", "ends"],
            [
                [
                    step,
                    f"`{made['command']}`" if made["command"] else "without evo-nas",
                    f"{made['seconds']:.0f}",
                    "-" if made["cpu_s"] is None else f"{made['cpu_s']:.0f}",
                    f"{made['load']:.1f}",
                    "well" if not made["exit_code"] else f"exit code {made['exit_code']}: {made['error']}",
                ]
                for step, made in steps.items()
            ],
            [
                f"{sum(made['cpu_s'] or 0 for made in steps.values()) / 60:.1f} CPU minutes in all, where they "
                "were measured. Above a load of the number of cores, other programs have waited beside these, and "
                "seconds by the clock say little."
            ],
        )
        for name, steps in journeys.items()
    ]


def _facts(steps: Steps, step: str) -> dict[str, Any]:
    made = steps.get(step)
    return dict(made["facts"]) if made and not made["exit_code"] else {}


def _verdict(steps: Steps, step: str) -> Verdict | None:
    facts = _facts(steps, step)
    return Verdict.from_values(facts["verdict"]) if facts else None
