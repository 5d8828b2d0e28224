"""Answers of a service as typed values; fields that a newer service adds are ignored."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from evo_nas.champion.verdict import Verdict

StateName = Literal["starting", "running", "stopped", "complete", "judged", "failed", "damaged"]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class RunItem(_Told):
    """One run of a list.

    Attributes:
        name: Its name under the root of the service.
        run: Its directory or URI, as the service names it.
        state: ``starting``, ``running``, ``stopped``, ``complete``, ``judged``, ``failed`` or ``damaged``.
        reason: What a person should know of the state.
        error: Why it cannot be read; the other fields mean nothing then.
        task: Kind of its task.
        strategy: Kind of its strategy.
        created_at: When it was begun, in ISO 8601.
        evaluated: Number of evaluations.
        evaluations: Budget of evaluations; None if only the time is limited.
        failed: Evaluations that came to nothing.
        metric: Name of the validation metric; empty before the first score.
        higher_is_better: Direction of the metric.
        best: Best value of the metric.
        best_at: Epochs after which the best was pruned; None if it was trained in full.
        noise: Standard deviation of the metric between seeds.
        noise_pairs: Pairs of trainings that the noise was estimated from.
        test: Test metric of the champion; None before the verdict.
        complete: Whether the budget is spent.
        last_result: When the last evaluation came, in ISO 8601.
        sparkline: The best so far at up to 40 evaluations.
    """

    name: str
    run: str = ""
    state: str = ""
    reason: str = ""
    error: str = ""
    task: str = ""
    strategy: str = ""
    created_at: str = ""
    evaluated: int = 0
    evaluations: int | None = None
    failed: int = 0
    metric: str = ""
    higher_is_better: bool | None = None
    best: float | None = None
    best_at: int | None = None
    noise: float | None = None
    noise_pairs: int = 0
    test: float | None = None
    complete: bool = False
    last_result: str = ""
    sparkline: tuple[float, ...] = ()


class RunDetail(RunItem):
    """Everything about one run but its evaluations.

    Attributes:
        config: Its configuration with every default, and the latest budget.
        yaml: The same as YAML.
        budget: What it may spend in total.
        totals: What it has spent.
        by_status: Number of evaluations by status.
        best_candidates: The ten best, best first.
        front: Candidates that no other beats in all objectives, if there are several objectives.
        verdict: The verdict on exactly these evaluations; None without one.
        constant: Objectives in which all candidates are equal so far.
        operators: What the children of each operator achieved.
        savings: What rungs have spared.
        noise_report: What repeated trainings say about the scores.
        baselines: Test scores of simple baselines.
        failures: Failures by cause and message.
        latest: The latest event of each kind.
        launches: What the service started for it.
    """

    config: dict[str, Any] = {}
    yaml: str = ""
    budget: dict[str, Any] = {}
    totals: dict[str, Any] = {}
    by_status: dict[str, int] = {}
    best_candidates: tuple[dict[str, Any], ...] = ()
    front: tuple[dict[str, Any], ...] = ()
    verdict: Verdict | None = None
    constant: tuple[str, ...] = ()
    operators: tuple[dict[str, Any], ...] = ()
    savings: dict[str, Any] = {}
    noise_report: dict[str, Any] = {}
    baselines: dict[str, dict[str, Any]] = {}
    failures: tuple[dict[str, Any], ...] = ()
    latest: dict[str, dict[str, Any]] = {}
    launches: tuple[dict[str, Any], ...] = ()

    @field_validator("verdict", mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        # One of another version is left out, as a run leaves it out.
        return Verdict.from_values(values) if isinstance(values, dict) else values


class Launched(_Told):
    """What was started, or told to stop.

    Attributes:
        name: Name of the run.
        state: Its state.
        reason: What a person should know of the state.
        launch: Number of the launch.
        doing: The command.
        at: When it was started.
    """

    name: str
    state: str
    reason: str = ""
    launch: int = 0
    doing: str = ""
    at: str = ""


class LaunchProgress(_Told):
    """What a process that the service started for a run has said so far.

    Attributes:
        number: Number of the launch.
        doing: The command.
        at: When it was started.
        is_alive: Whether it is running.
        was_stopped: Whether it was asked to stop.
        failure: Why it failed; empty if it has not.
        result: What a command beside the search, such as ``tune``, has found; None before.
        lines: The next lines that it has printed.
        next: The place after these lines.
    """

    number: int
    doing: str
    at: str = ""
    is_alive: bool = False
    was_stopped: bool = False
    failure: str = ""
    result: dict[str, Any] | None = None
    lines: tuple[str, ...] = ()
    next: int = 0


class ExportFormat(_Told):
    """A format of exports.

    Attributes:
        name: Its name.
        summary: What it is, in one sentence.
        takes: The options that it takes.
        extra: The optional dependencies that it needs.
        is_installed: Whether the service has them.
    """

    name: str
    summary: str = ""
    takes: tuple[str, ...] = ()
    extra: str = ""
    is_installed: bool = True


class Champion(_Told):
    """The champion of a run.

    Attributes:
        run: Name of the run.
        sentence: The verdict in words.
        is_current: Whether the verdict is on exactly the evaluations that the run holds.
        verdict: The verdict; None if a service of another version made it.
        models: What can be exported.
        explanation: Equations, drawing, lineage and importance; see `champion.explanation.Explanation`.
        formats: The formats of exports.
        continues: ``text`` or ``music`` if the champion continues these; empty if it continues nothing.
        example: Arguments of `RemoteRun.predict` that it answers; None where raw inputs are not known.
    """

    run: str
    sentence: str
    is_current: bool
    verdict: Verdict | None
    models: tuple[str, ...]
    explanation: dict[str, Any]
    formats: tuple[ExportFormat, ...]
    continues: Literal["", "text", "music"] = ""
    example: dict[str, Any] | None = None

    @field_validator("verdict", mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        return Verdict.from_values(values) if isinstance(values, dict) else values


class Prediction(_Told):
    """The predictions of a champion.

    Attributes:
        columns: Names of the columns in their order.
        rows: One for each sequence, step, or time of a forecast.
        text: What a champion of texts lets follow.
        remarks: How the data were understood.
        score: How good the predictions are, if that was asked.
    """

    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    text: str | None = None
    remarks: tuple[str, ...] = ()
    score: str | None = None


class Exported(_Told):
    """An export that was written here.

    Attributes:
        files: Its files.
        check: How the service compared it with the model, such as ``checked; difference=0``.
    """

    files: tuple[Path, ...]
    check: str

    @property
    def is_checked(self) -> bool:
        """Whether its answers were compared with those of the model."""
        return not self.check.startswith("unchecked")


class Verification(_Told):
    """What came of checking a run.

    Attributes:
        run: Its name.
        is_verified: Whether nothing is wrong with it.
        findings: What is wrong, a line each.
        remarks: What could not be checked, a line each.
        sentence: How far it is verified; empty if it is not.
    """

    run: str
    is_verified: bool
    findings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    sentence: str = ""
