"""Fits baselines one after the other, each timed; one that fails or lasts too long does not take the rest along."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np

from evo_nas.errors import DataError
from evo_nas.tasks.example_sums import ExampleSums, Scored

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitted_models import BaselineModel
    from evo_nas.tasks.example_sums import Examples
    from evo_nas.tasks.metrics import Metric

Fit = Callable[[], Scored]
"""Fits one simple model to what a task has read and tests it; `Scored.of` gives its score with its answers."""

REFUSALS = (ArithmeticError, LookupError, MemoryError, RuntimeError, ValueError)
"""How libraries refuse what they cannot fit, such as a single class; a search needs no baseline to go on."""

T = TypeVar("T")
U = TypeVar("U")


class TrainTest(NamedTuple, Generic[T]):
    """What baselines are handed of something that every part has: they learn from one, and are tested on the other.

    It has no place for the validation part. Networks do not learn from it either: it only chooses among them, and a
    baseline has nothing to choose that its training part cannot decide.
    """

    train: T
    test: T

    def map(self, function: Callable[[T], U]) -> TrainTest[U]:
        """Returns what ``function`` makes of each of the two."""
        return TrainTest(function(self.train), function(self.test))


class BaselineNote(UserWarning):
    """Something that a reader of a baseline's score has to know, such as that it saw only a part of the data."""


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """What fitting one baseline gave.

    Attributes:
        score: Its test metric, always finite; None if it has none.
        cpu_s: Seconds of processor time that fitting and scoring took.
        note: Why there is no score, or what to know about it; one line, often empty.
        validation: Its validation metric, where it is kept as a model; see `keeping.Keeping`.
    """

    score: float | None
    cpu_s: float = 0.0
    note: str = ""
    validation: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FittedBaselines(Mapping[str, BaselineResult]):
    """What fitting each baseline gave, by its name.

    Attributes:
        results: Score, seconds and a note of each.
        sums: Of those that say what they answered, the statistic of the metric for each test example.
        files: The files of those that are kept as models, by name, the best on validation first; empty for baselines
            that were fitted earlier, whose run has the files.
    """

    results: Mapping[str, BaselineResult]
    sums: Mapping[str, ExampleSums] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> BaselineResult:
        return self.results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


class Kept(NamedTuple):
    """A baseline as it is kept: its validation metric, and its files by name."""

    validation: float
    files: Mapping[str, bytes]


def fitted_baselines(
    baselines: Mapping[str, Fit],
    *,
    limit_s: float | None = None,
    metric: Metric,
    examples: Examples | None,
    keep: Callable[[str, BaselineModel, float], Kept | None] = lambda *_: None,
) -> FittedBaselines:
    """Fits the baselines one after the other; see `fitted_in_turn`.

    Args:
        baselines: The cheap ones first.
        limit_s: Seconds on the clock after which no further one is begun.
        metric: The metric of the task.
        examples: The examples of the test part; None if what is told of each is not to be kept.
        keep: Returns what is kept of a baseline, given its name, its model and its test metric; None for nothing.
    """
    results: dict[str, BaselineResult] = {}
    sums: dict[str, ExampleSums] = {}
    kept: dict[str, Kept] = {}
    for name, result, tested in _in_turn(baselines, limit_s):
        results[name] = result
        if tested is None:
            continue
        if examples is not None and (of_each := tested.sums(metric, examples)):
            sums[name] = of_each
        if tested.model is None:
            continue
        try:
            made = keep(name, tested.model, tested.score)
        except (DataError, *REFUSALS) as error:
            note = _in_one_line(error, "could not be kept as a model")
            results[name] = replace(result, note="; ".join(filter(None, (result.note, note))))
            continue
        if made is not None:
            kept[name], results[name] = made, replace(result, validation=made.validation)
    sign = -1 if metric.higher_is_better else 1
    best_first = sorted(kept, key=lambda name: sign * kept[name].validation)
    return FittedBaselines(results, sums, {name: kept[name].files for name in best_first})


def fitted_in_turn(
    baselines: Mapping[str, Fit], *, limit_s: float | None = None
) -> Iterator[tuple[str, BaselineResult]]:
    """Fits the baselines in their order and yields the name and the result of each.

    Args:
        baselines: The cheap ones first, since the limit leaves out the last ones.
        limit_s: Seconds on the clock after which no further one is begun. One that has begun runs to its end, since
            its libraries cannot be interrupted; rules of size bound each of them instead.
    """
    for name, result, _ in _in_turn(baselines, limit_s):
        yield name, result


def learnt_from(count: int, *, most: int, what: str) -> npt.NDArray[np.int64]:
    """Returns the positions of the examples to learn from, ascending, and says so if they are not all.

    Args:
        count: How many there are.
        most: How many can be learnt from in a minute or so; the same ones are drawn every time.
        what: What they are, for the note.
    """
    if count <= most:
        return np.arange(count)
    warnings.warn(f"learnt from {most:,} of {count:,} {what}", BaselineNote, stacklevel=3)
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def scores(results: Mapping[str, BaselineResult]) -> dict[str, float]:
    """Returns the score of each baseline that has one."""
    return {name: result.score for name, result in results.items() if result.score is not None}


def validations(results: Mapping[str, BaselineResult]) -> dict[str, float]:
    """Returns the validation score of each baseline that is kept as a model."""
    return {name: result.validation for name, result in results.items() if result.validation is not None}


def _in_turn(
    baselines: Mapping[str, Fit], limit_s: float | None
) -> Iterator[tuple[str, BaselineResult, Scored | None]]:
    began = time.monotonic()
    for name, fit in baselines.items():
        if limit_s is not None and time.monotonic() - began >= limit_s:
            note = f"not fitted within the limit of {limit_s:g} s for all"
            yield name, BaselineResult(None, note=note), None
        else:
            yield name, *_result(fit)


def _result(fit: Fit) -> tuple[BaselineResult, Scored | None]:
    started = time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            tested = fit()
        except DataError as error:
            return BaselineResult(None, time.process_time() - started, str(error)), None
        except REFUSALS as error:
            reason = _in_one_line(error, "could not be fitted")
            return BaselineResult(None, time.process_time() - started, reason), None
    cpu_s = time.process_time() - started
    if not math.isfinite(tested.score):
        return BaselineResult(None, cpu_s, "its test score is not finite"), None
    return BaselineResult(tested.score, cpu_s, "; ".join(_notes(caught))), tested


def _in_one_line(error: Exception, what: str) -> str:
    reason = " ".join(str(error).split())
    return f"{what}: {reason[:160] or type(error).__name__}"


def _notes(caught: list[warnings.WarningMessage]) -> dict[str, None]:
    """Returns, each once, what a reader has to know; other warnings of libraries mean nothing to them."""
    notes: dict[str, None] = {}
    for each in caught:
        if issubclass(each.category, BaselineNote):
            notes[str(each.message)] = None
        elif (
            each.category.__name__ == "ConvergenceWarning"
        ):  # of scikit-learn, which is loaded only where it is used
            notes["its solver did not converge"] = None
    return notes
