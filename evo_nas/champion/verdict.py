"""`Verdict`: the champion of a run beside the same network around published cells, and the baselines."""

from __future__ import annotations

import statistics
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of what it checks
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from evo_nas.champion.comparison import Pairing  # noqa: TC001
from evo_nas.champion.opponents import RANDOM
from evo_nas.runs.champion_store import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.ledger import History, Totals
    from evo_nas.runs import Run

BASIS = "basis"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model as it is kept and exported: the mean of networks that were trained from scratch with several seeds.

    Attributes:
        name: ``champion``, or the name of its cell, such as ``LSTM``.
        architecture: Description of the architecture.
        parameters: Trainable parameters of one of its networks.
        validation: Validation metric of the model.
        test: Test metric of the model.
        tests: Test metric of each of its networks alone.
        failures: Number of seeds whose training failed.
        coverage: Share of the test values within the outermost quantiles; None without quantiles.
        table_parameters: How many of the parameters are in tables of hashed n-grams.
        which: Its name for ``evo-nas export --which``.
        validations: Validation metric of each of its networks alone.
        setting: Which of the settings that were tried was best on validation.
        epochs: Epochs of each training; 0 if an older verdict does not say.
        train_s: Seconds of all its trainings, its trials included.
        latency_ms: Milliseconds from the arrival of the last step to the answer, for one sequence.
    """

    name: str
    architecture: str
    parameters: int
    validation: float
    test: float
    tests: tuple[float, ...]
    failures: int = 0
    coverage: float | None = None
    table_parameters: int = 0
    which: str = CHAMPION
    validations: tuple[float, ...] = ()
    setting: str = ""
    epochs: int = 0
    # Measured anew each time, so that equal verdicts may differ in them.
    train_s: float = field(default=0.0, compare=False)
    latency_ms: float | None = field(default=None, compare=False)

    @property
    def mean(self) -> float:
        """Mean of the test metric of its networks alone."""
        return statistics.fmean(self.tests)

    @property
    def spread(self) -> float:
        """Standard deviation of the test metric of its networks alone."""
        return statistics.stdev(self.tests) if len(self.tests) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run; its scores are those of the models that are kept and exported.

    Attributes:
        candidate: Id of the champion.
        evaluations: Number of evaluations that it was chosen from.
        metric: Name of the metric of all scores.
        higher_is_better: Direction of the metric.
        champion: What the search found, retrained.
        opponents: The same network around published cells, of about the same size and tuned with as many trials; where
            asked, also what a search at random has found.
        comparisons: The champion beside each opponent and each baseline.
        baselines: Test metric of simple baselines by name.
        promised_coverage: Difference of the outermost levels of quantiles; None without quantiles.
        pruned_at: Epochs after which the search had pruned it; None if it was trained in full there.
        epochs: Epochs of a full training of the search.
        trials: Settings that were tried for each contestant.
        look: How often the test part of the run has been looked at, this time included.
        lost: Opponents of which no training succeeded, with the reason.
        finalists: How many of the best networks were judged on other cuts and seeds, and what that says.
    """

    candidate: int
    evaluations: int
    metric: str
    higher_is_better: bool
    champion: Contestant
    opponents: tuple[Contestant, ...]
    comparisons: tuple[Pairing, ...]
    baselines: Mapping[str, float]
    promised_coverage: float | None = None
    pruned_at: int | None = None
    epochs: int = 0
    trials: int = 1
    look: int = 1
    lost: Mapping[str, str] = field(default_factory=dict)
    finalists: str = ""

    @property
    def contestants(self) -> tuple[Contestant, ...]:
        """The champion and its opponents."""
        return (self.champion, *self.opponents)

    @property
    def lstm(self) -> Contestant | None:
        """The LSTM among the opponents; None without one."""
        return next((each for each in self.opponents if each.which == "lstm"), None)

    @property
    def best_on_validation(self) -> Contestant:
        """The contestant that validation, which alone may choose, recommends; among equals the champion."""
        sign = 1 if self.higher_is_better else -1
        return max(self.contestants, key=lambda each: sign * each.validation)

    @property
    def strongest_baseline(self) -> str:
        """The name of the baseline with the best test metric; empty if there are no baselines."""
        sign = 1 if self.higher_is_better else -1
        return max(self.baselines, key=lambda name: sign * self.baselines[name], default="")

    @property
    def sentence(self) -> str:
        """The verdict in words; it names a lead only if it is significant."""
        parts = (
            self._against_opponents(),
            self._against_baselines(),
            self._recommendation(),
            self._of_looks(),
        )
        return " ".join(filter(None, parts))

    def to_values(self) -> dict[str, Any]:
        """Returns the verdict as plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_values(values: Mapping[str, Any]) -> Verdict | None:
        """Returns the verdict that `to_values` gave; None if another version wrote it."""
        try:
            return _reader().validate_python(values)
        except ValidationError:
            return None

    def against(self, name: str) -> Pairing | None:
        """Returns the comparison with an opponent or a baseline; None if there is none."""
        return next((each for each in self.comparisons if each.opponent == name), None)

    def _against_opponents(self) -> str:
        itself = [each for each in self.opponents if each.architecture == self.champion.architecture]
        others = [each for each in self.opponents if each not in itself]
        sentences = [
            "The random search has found the champion's network, too."
            if each.which == RANDOM
            else f"The champion is that {each.name} itself."
            for each in itself
        ]
        compared = [each for each in (self.against(other.name) for other in others) if each is not None]
        if others and not compared:
            sentences.append("Too few trainings came to an end to compare the champion with its opponents.")
        if compared:
            sentences.append(f"The champion {self._places(compared, article='the ')}.")
        sentences += [
            f"Every training of the {name} failed ({reason})." for name, reason in self.lost.items()
        ]
        return " ".join(sentences)

    def _against_baselines(self) -> str:
        if not self.baselines:
            return ""
        strongest = self.strongest_baseline
        said = (
            f"The strongest baseline, {strongest}, reaches {self.baselines[strongest]:.4g} {self.metric}, the champion "
            f"{self.champion.test:.4g}"
        )
        compared = [each for each in (self.against(name) for name in self.baselines) if each is not None]
        if not compared:
            return f"{said}."
        beaten, level, ahead = (
            [each.opponent for each in compared if each.place is place] for place in (True, None, False)
        )
        parts = [f"beats {listed(beaten)}"] * bool(beaten)
        parts += [f"cannot be told apart from {listed(level)}"] * bool(level)
        parts += [f"is behind {listed(ahead)}"] * bool(ahead)
        against = self.against(strongest)
        doubt = f" ({against.in_words(self.metric)})" if against is not None else ""
        return f"{said}{doubt}; it {_contrasted(parts)}."

    def _places(self, compared: Sequence[Pairing], *, article: str) -> str:
        """Returns where the champion stands beside others, as the end of a sentence."""
        words = {True: "is ahead of", False: "is behind"}
        parts = []
        for place in (True, None, False):
            here = [each for each in compared if each.place is place]
            if here:
                start = "cannot be told apart from" if place is None else words[place]
                parts.append(
                    f"{start} "
                    + listed([f"{article}{each.opponent} ({each.in_words(self.metric)})" for each in here])
                )
        return _contrasted(parts)

    def _recommendation(self) -> str:
        best = self.best_on_validation
        if best.which == self.champion.which:
            return ""
        return (
            f"On validation, which chooses, the {best.name} is better ({best.validation:.4g} against "
            f"{self.champion.validation:.4g}): take it with `evo-nas export RUN --which {best.which}`."
        )

    def _of_looks(self) -> str:
        if self.look == 1:
            return ""
        return (
            f"The test part of this run has been looked at {self.look} times, so that its scores are no longer "
            "those of data that never had an influence."
        )


def listed(names: Sequence[str]) -> str:
    """Returns ``names`` as a sentence has them: with commas, and an "and" before the last."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _contrasted(parts: Sequence[str]) -> str:
    """Returns what a model is ahead of, level with and behind; only the last is set against the others."""
    return " but ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def stored_verdict(run: Run, totals: Totals | None = None) -> Verdict | None:
    """Returns the verdict that ``run`` keeps; None if it keeps none on exactly the evaluations that it holds now.

    Args:
        run: The run.
        totals: What it has spent, if that is known.
    """
    values = run.champion.verdict()
    if values is None or values.pop(BASIS, None) != basis_of(totals or run.totals()):
        return None
    return Verdict.from_values(values)


def basis_of(held: Totals | History) -> dict[str, Any]:
    """Returns what identifies the evaluations that a verdict was made of.

    A run only grows, so their number does, unless a loss was accepted: then other evaluations may have come instead.
    """
    told = held.told if isinstance(held.told, int) else len(held.told)
    return {"told": told, "lost": [list(places) for places in held.lost]}


@cache
def _reader() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)
