"""The contract of every display of a running search, and the two that print lines."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from evo_nas.cli.pace import Pace
from evo_nas.cli.stopping import write_past_buffers
from evo_nas.cli.wording import Scale, duration, failures, trained, workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from rich.console import Console

    from evo_nas.evaluation import Evaluation
    from evo_nas.genome.space import Genome
    from evo_nas.loop import Progress


@dataclass(frozen=True)
class Subject:
    """What a display is about.

    Attributes:
        name: Of the search.
        run: Where it is kept.
        scale: Its metric.
        describe: Puts the architecture of a genome into words.
    """

    name: str
    run: str | Path
    scale: Scale
    describe: Callable[[Genome], str]


class Display(ABC):
    """Shows where a search stands: a listener of the loop, and a context around it."""

    def __init__(
        self, subject: Subject, console: Console, *, frame: AbstractContextManager[object] | None = None
    ) -> None:
        self._subject = subject
        self._console = console
        self._frame = frame or nullcontext()
        self._pace = Pace()

    def __call__(self, progress: Progress) -> None:
        """Takes note of ``progress`` and shows it, at once or when it is next due."""
        self._pace.observe(progress)
        self._show(progress)

    def __enter__(self) -> Display:
        self._frame.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._frame.__exit__(kind, error, trace)

    def note_stop(self, text: str) -> None:
        """Says that a signal came, in the midst of whatever goes on; called by its handler."""
        write_past_buffers(text)

    @abstractmethod
    def _show(self, progress: Progress) -> None: ...


class _Occasional(Display):
    """Prints now and then, and whenever the search has ended."""

    every_s: ClassVar[float]
    _due_s = 0.0

    def _show(self, progress: Progress) -> None:
        if progress.elapsed_s >= self._due_s or progress.finished or progress.interrupted:
            self._due_s = progress.elapsed_s + self.every_s
            self._print(progress)

    @abstractmethod
    def _print(self, progress: Progress) -> None: ...


class LineDisplay(_Occasional):
    """Prints a plain line every few seconds, for logs."""

    every_s = 10.0

    def _print(self, progress: Progress) -> None:
        self._console.out(self.line(progress), highlight=False)

    def line(self, progress: Progress) -> str:
        """Returns ``progress`` on one line."""
        best, scale = progress.best, self._subject.scale
        return "  ".join(
            (
                f"{progress.told:,}/{progress.budget.evaluations:,} evaluated{trained(progress)}",
                f"{self._pace.per_minute:,.0f}/min",
                f"ETA {duration(self._pace.remaining_s(progress))}",
                f"best {scale.metric} {scale.text(best.fitness)} (#{best.candidate.id})"
                if best
                else "none scored",
                f"workers: {workers(progress)}",
                f"failures: {failures(progress.by_status)}",
            )
        )


class JsonDisplay(_Occasional):
    """Prints one JSON object a line, for machines."""

    every_s = 1.0
    _described: tuple[int, str] = (-1, "")

    def _print(self, progress: Progress) -> None:
        occupancy = progress.occupancy
        print_event(
            self._console,
            "progress",
            told=progress.told,
            told_at_start=progress.told_at_start,
            train_s=round(progress.train_s, 3),
            asked=progress.asked,
            budget=progress.budget.evaluations,
            train_s_budget=progress.budget.train_s,
            elapsed_s=round(progress.elapsed_s, 3),
            per_minute=round(self._pace.per_minute, 3),
            remaining_s=self._pace.remaining_s(progress),
            by_status={str(status): count for status, count in progress.by_status.items()},
            best=self._best(progress.best),
            fitness=dict(progress.fitness),
            workers={
                "alive": occupancy.workers,
                "busy": occupancy.busy,
                "lost": occupancy.lost_workers,
                "waiting": occupancy.waiting,
                "obstacle": occupancy.obstacle,
                "dropped": occupancy.dropped,
                "seconds": {cause: round(seconds, 3) for cause, seconds in occupancy.seconds.items()},
            },
            finished=progress.finished,
            interrupted=progress.interrupted,
        )

    def _best(self, best: Evaluation | None) -> dict[str, Any] | None:
        if best is None or best.fitness is None:
            return None
        scale = self._subject.scale
        return {
            "id": best.candidate.id,
            scale.metric: scale.value(best.fitness),
            "fitness": best.fitness,
            "parameters": best.outcome.parameters,
            "operator": best.candidate.operator,
            "parents": best.candidate.parents,
            "canonical_hash": best.candidate.canonical_hash,
            "architecture": self._in_words(best),
        }

    def _in_words(self, best: Evaluation) -> str:
        if self._described[0] != best.candidate.id:
            self._described = best.candidate.id, self._subject.describe(best.candidate.genome)
        return self._described[1]


def print_event(console: Console, event: str, /, **fields: Any) -> None:
    """Prints one JSON object on a line of its own."""
    console.out(json.dumps({"event": event, **fields}), highlight=False)
