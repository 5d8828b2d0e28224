"""Walks the whole way from a raw file to predictions on three real data sets, by the commands that a user gives.

    python -m benchmarks.journeys [NAME...]     a classification, a forecast and music; one after the other
    python -m benchmarks.journeys --report      the page alone, of the steps that were walked so far

``search``, ``finalists``, ``champion``, ``tune``, ``export`` in several formats, ``predict``: each is a process of its
own. Then each export answers the raw rows of the test part by itself, and what that is worth is computed from the raw
file alone. Run from the root of the repository. Data lie in ``../shared/data``, or where EVO_NAS_DATA says; runs and
exports in ``runs/journeys``. A step that succeeded is kept in ``benchmarks/results/journeys/`` and not walked again.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable  # noqa: TC003 - read by dataclasses
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.journeys_page import report
from benchmarks.process_tree import ProcessTree
from benchmarks.raw_answers import ANSWERS
from benchmarks.raw_scores import Chorales, JapaneseVowels, OilTemperature, RawData
from benchmarks.table import RESULTS
from evo_nas.champion.verdict import Verdict

DATA = Path(os.environ.get("EVO_NAS_DATA", "../shared/data"))
RUNS = Path("runs/journeys")
WALKED = RESULTS / "journeys"
FORMATS = ("native", "python", "onnx", "c", "torch")
SMALL_VERDICT = "verdict={finalists: 3, cuts: 2, trials: 2, seeds: 2, most_seeds: 2}"
POLL_S = 1.0


@dataclass(frozen=True)
class Journey:
    """One data set, and how much of its configuration is changed.

    Attributes:
        config: Name of a file in ``configs/``.
        raw: Its test part as the raw file has it.
        changes: Overrides beside the verdict at the end of the search.
        trials: Trials of ``tune``.
        file: Gives the file that ``predict`` gets, made of the raw one where that is not read as it is.
    """

    config: str
    raw: RawData
    changes: tuple[str, ...]
    trials: int = 6
    file: Callable[[Path], Path] = field(default=lambda path: path)


def until_the_end_of_test(path: Path) -> Path:
    """Writes the hours until the end of the published test part; the file goes on for three more months."""
    lines = path.read_text(encoding="utf-8").splitlines()[: 1 + OilTemperature.test_ends]
    cut = RUNS / "etth1_until_test_ends.csv"
    cut.parent.mkdir(parents=True, exist_ok=True)
    cut.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return cut


JOURNEYS = {
    "japanese_vowels": Journey(
        "japanese_vowels", JapaneseVowels(), ("budget.evaluations=12", "training.epochs=10")
    ),
    "etth1": Journey(
        "etth1",
        OilTemperature(),
        (
            *("budget.evaluations=8", "training.epochs=3", "task.stride=12"),
            *("task.quantiles=[0.1, 0.5, 0.9]", "space.layers={min: 1, max: 1}"),
        ),
        trials=8,
        file=until_the_end_of_test,
    ),
    "jsb": Journey(
        "jsb",
        Chorales(),
        (
            *("budget.evaluations=6", "training.epochs=4", "space.layers={min: 1, max: 1}"),
            *("space.widths=[64, 96]", "space.batch_sizes=[8]"),
        ),
    ),
}


@dataclass(frozen=True)
class Step:
    """A command, and what came of it.

    Attributes:
        command: As a user would type it.
        seconds: By the wall clock.
        cpu_s: Of all its processes; None if that was not measured.
        load: Mean number of processes that ran or waited for a core, in the last minute.
        exit_code: 0 if it succeeded.
        facts: What it says, in figures.
        error: The last line of its messages, where it did not succeed.
    """

    command: str
    seconds: float
    cpu_s: float | None
    load: float
    exit_code: int
    facts: dict[str, Any]
    error: str = ""


def main(*names: str) -> None:
    WALKED.mkdir(parents=True, exist_ok=True)
    for name in () if names == ("--report",) else names or JOURNEYS:
        _Walk(name, JOURNEYS[name]).go()
        report(WALKED)
    report(WALKED)


class _Walk:
    """One journey: the steps that are kept, and those that are missing."""

    def __init__(self, name: str, journey: Journey) -> None:
        self._journey = journey
        self._kept = WALKED / f"{name}.json"
        self._run = RUNS / name
        self._steps: dict[str, Any] = json.loads(self._kept.read_text()) if self._kept.exists() else {}

    def go(self) -> None:
        """Walks all steps that did not succeed before."""
        journey, run = self._journey, str(self._run)
        changes = (f"base_dir={DATA.resolve()}", SMALL_VERDICT, *journey.changes)
        settings = [part for change in changes for part in ("--set", change)]
        config = f"configs/{journey.config}.yaml"
        self._walk("search", "search", config, "--run", run, *settings, "--json", reads=_verdict)
        self._walk(
            *("finalists", "finalists", run, "-k", "3", "--judge", "--trainings", "2", "--json"),
            reads=_last_line,
        )
        sizes = {"finalists": 3, "cuts": 2, "trials": 3, "seeds": 3, "most-seeds": 4}
        of_champion = [word for key, size in sizes.items() for word in (f"--{key}", f"{size}")]
        self._walk(
            "champion", "champion", run, *of_champion, "--opponents", "lstm,gru", "--json", reads=_verdict
        )
        self._walk(
            *("tune", "tune", run, "--trials", str(journey.trials), "--out", self._place("tuned"), "--json"),
            reads=_last_line,
        )
        for kind in FORMATS:
            self._walk(
                *(f"export {kind}", "export", run, "--format", kind, "--out", self._place(kind)),
                reads=lambda _, kind=kind: _manifest(Path(self._place(kind))),
            )
        # A tuned network is a folder like any other export.
        self._walk(
            *("export tuned", "export", self._place("tuned"), "--format", "onnx"),
            *("--out", self._place("tuned-onnx")),
            reads=lambda _: _manifest(Path(self._place("tuned-onnx"))),
        )
        file = journey.file(DATA / journey.raw.file)
        for which in ("native", "tuned"):
            answers = Path(self._place(f"{which}-answers.csv"))
            self._walk(
                *(f"predict {which}", "predict", self._place(which), "--input", str(file)),
                *("--output", str(answers), "--score"),
                reads=lambda said, answers=answers: self._predicted(said, answers),
            )
        for kind in [kind for kind in ANSWERS if self._succeeded(f"export {kind}")]:
            self._ask(f"ask {kind}", kind, Path(self._place(kind)))
        if self._succeeded("export tuned"):
            self._ask("ask tuned", "onnx", Path(self._place("tuned-onnx")))

    def _place(self, what: str) -> str:
        return f"{self._run}-{what}"

    def _succeeded(self, step: str) -> bool:
        return self._steps.get(step, {}).get("exit_code") == 0

    def _predicted(self, said: str, file: Path) -> dict[str, Any]:
        raw = self._journey.raw
        answers = raw.answers(pd.read_csv(file))
        return {
            "said": said.strip().splitlines()[-1],
            "score": raw.score(DATA, answers),
            "sequences": len(answers),
        }

    def _walk(self, step: str, *arguments: str, reads: Callable[[str], dict[str, Any]]) -> None:
        if self._succeeded(step):
            return
        print(f"{self._run.name}: {step}", flush=True)
        folder = self._run.parent / "messages"
        folder.mkdir(parents=True, exist_ok=True)
        out, err = (folder / f"{self._run.name}-{step.replace(' ', '-')}.{end}" for end in ("out", "err"))
        started = time.monotonic()
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen([_program(), *arguments], stdout=stdout, stderr=stderr)
            tree = ProcessTree(process)
            while process.poll() is None:
                cpu_s = tree.cpu_s()
                time.sleep(min(POLL_S, 0.1 + time.monotonic() - started))
        seconds = time.monotonic() - started
        said = out.read_text(encoding="utf-8")
        lines = err.read_text(encoding="utf-8").strip().splitlines()
        is_written = process.returncode == 0
        self._keep(
            step,
            Step(
                _typed(arguments),
                seconds,
                cpu_s,
                os.getloadavg()[0],
                process.returncode,
                reads(said) if is_written else {},
                "" if is_written else (lines or ["no message"])[-1],
            ),
        )

    def _ask(self, step: str, kind: str, folder: Path) -> None:
        """Lets an export answer the raw rows of the test part, and scores the answers by the raw file."""
        if self._succeeded(step):
            return
        print(f"{self._run.name}: {step}", flush=True)
        started, cpu = time.monotonic(), time.process_time()
        raw = self._journey.raw
        facts, error = {}, ""
        try:
            answers = ANSWERS[kind](folder, raw.sequences(DATA))
            # A command forecasts what follows the end of a file, and so answers the last window alone.
            last = raw.score(DATA, answers[-1:]) if isinstance(raw, OilTemperature) else None
            facts = {"score": raw.score(DATA, answers), "score_of_last": last, "sequences": len(answers)}
        except Exception as failure:  # noqa: BLE001 - whatever an export raises is a result, too
            error = f"{type(failure).__name__}: {str(failure).strip().splitlines()[0]}"
        seconds, cpu_s = time.monotonic() - started, time.process_time() - cpu
        self._keep(step, Step("", seconds, cpu_s, os.getloadavg()[0], int(bool(error)), facts, error))

    def _keep(self, step: str, made: Step) -> None:
        self._steps[step] = asdict(made)
        self._kept.write_text(json.dumps(self._steps, indent=1) + "\n", encoding="utf-8")
        print(f"  {made.seconds:.0f} s, exit code {made.exit_code} {made.error}", flush=True)


def _program() -> str:
    return str(Path(sys.executable).parent / "evo-nas")


def _typed(arguments: tuple[str, ...]) -> str:
    """Returns the command as a user would type it, with the folder of the data by its variable."""
    typed = shlex.join(["evo-nas", *arguments])
    return typed.replace(str(DATA.resolve()), "$EVO_NAS_DATA").replace(str(DATA), "$EVO_NAS_DATA")


def _verdict(said: str) -> dict[str, Any]:
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    verdict = [event for event in events if event["event"] == "judged"][-1]["verdict"]
    read = Verdict.from_values(verdict)
    assert read is not None
    return {"verdict": verdict, "sentence": read.sentence}


def _last_line(said: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    # Where it lies on this machine is no result.
    return {key: value for key, value in values.items() if key not in {"run", "out"}}


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    size = sum((folder / name).stat().st_size for name in manifest["files"])
    return {"check": manifest["check"], "bytes": size, "files": sorted(manifest["files"])}


if __name__ == "__main__":
    main(*sys.argv[1:])
