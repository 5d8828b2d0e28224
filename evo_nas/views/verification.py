"""`verification_of`: whether the files of a run are whole, and whether its candidates follow from its log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.experiment import Experiment
from evo_nas.runs.memory import differences_from_sources
from evo_nas.strategies.verification import derivable, verify

if TYPE_CHECKING:
    from evo_nas.ledger import History
    from evo_nas.runs import Run


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of checking a run.

    Attributes:
        run: What the run is called.
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

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return asdict(self)


def verification_of(run: Run, name: str) -> Verification:
    """Reads every file of ``run``, derives its candidates again and compares remembered results with their sources.

    Args:
        run: The run.
        name: What it is called in words.

    Raises:
        EvoNasError: There is no run, or its data cannot be read.
    """
    if damage := [f"{name}: {line}" for line in run.damage()]:
        return Verification(name, is_verified=False, findings=tuple(damage))
    history = run.history()
    different, unreachable = differences_from_sources(history.told)
    remarks = tuple(f"remembered results cannot be compared: {line}" for line in unreachable)
    findings = [f"{name}: {line}" for line in different] or _mismatches(run, history)
    sentence = "" if findings else _sentence(name, history)
    return Verification(name, not findings, tuple(findings), remarks, sentence)


def _mismatches(run: Run, history: History) -> list[str]:
    told, in_flight = derivable(history.told, history.in_flight, lost=history.lost)
    return [
        f"#{each.candidate}: {each.field} is {each.recorded}, but {each.derived} when derived again"
        for each in verify(Experiment.of_run(run).strategy(run), told, in_flight)
    ]


def _sentence(name: str, history: History) -> str:
    candidates = len(history.told) + len(history.in_flight)
    if not history.lost:
        return f"{name} is verified: all {candidates:,} candidates were derived again from the log"
    told, in_flight = derivable(history.told, history.in_flight, lost=history.lost)
    lost = ", ".join(f"{first:,} to {last:,}" for first, last in history.lost)
    return (
        f"{name} is verified as far as can be: {len(told) + len(in_flight):,} of {candidates:,} candidates were "
        f"derived again from the log; the others were asked after evaluations were lost ({lost}), which was accepted"
    )
