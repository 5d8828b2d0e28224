"""`Verdict`: compares the champion of a run with an LSTM and the baselines."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of what it checks
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.ledger import History, Totals
    from evo_nas.runs import Run

SIGNIFICANCE = 0.05
BASIS = "basis"


def welch_p_value(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Returns the two-sided p-value of Welch's t-test for equal means of two samples."""
    from scipy.stats import ttest_ind  # noqa: PLC0415 - only making a verdict pays for it, reading one does not

    # A single value has no variance, so it is no evidence for a difference.
    if min(len(ours), len(theirs)) < 2:
        return 1.0
    if len(set(ours)) == len(set(theirs)) == 1:  # without any spread the test is not defined
        return 1.0 if ours[0] == theirs[0] else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one of the two may have no spread
        p_value = float(ttest_ind(ours, theirs, equal_var=False).pvalue)
    # Scores so large that their variance overflows tell nothing apart.
    return p_value if math.isfinite(p_value) else 1.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """A network trained from scratch with several seeds.

    Attributes:
        name: ``champion`` or ``LSTM``.
        architecture: Description of the architecture.
        parameters: Trainable parameters.
        validation: Mean of the validation metric over the seeds.
        tests: Test metric of each seed whose training succeeded.
        failures: Number of seeds whose training failed.
        coverage: Mean share of the test values within the outermost quantiles; None without quantiles.
        table_parameters: How many of the parameters are in tables of hashed n-grams.
    """

    name: str
    architecture: str
    parameters: int
    validation: float
    tests: tuple[float, ...]
    failures: int = 0
    coverage: float | None = None
    table_parameters: int = 0

    @property
    def test(self) -> float:
        """Mean of the test metric over the seeds."""
        return statistics.fmean(self.tests)

    @property
    def spread(self) -> float:
        """Standard deviation of the test metric over the seeds."""
        return statistics.stdev(self.tests) if len(self.tests) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run.

    Attributes:
        candidate: Id of the champion.
        evaluations: Number of evaluations that it was chosen from.
        metric: Name of the metric of all scores.
        higher_is_better: Direction of the metric.
        champion: The best candidate by validation, retrained.
        lstm: An LSTM of about the same size, trained for as many epochs.
        p_value: Probability of a difference at least as large if both were equally good, by Welch's t-test.
        baselines: Test metric of simple baselines by name.
        promised_coverage: Difference of the outermost levels of quantiles; None without quantiles.
        pruned_at: Epochs after which the search had pruned it; None if it was trained in full there, as it is here.
        epochs: Epochs of all trainings of the verdict; 0 if an older one does not say.
    """

    candidate: int
    evaluations: int
    metric: str
    higher_is_better: bool
    champion: Contestant
    lstm: Contestant
    p_value: float
    baselines: Mapping[str, float]
    promised_coverage: float | None = None
    pruned_at: int | None = None
    epochs: int = 0

    @property
    def lead(self) -> float:
        """How far the champion's mean test metric is ahead of the LSTM's; negative if behind."""
        difference = self.champion.test - self.lstm.test
        return difference if self.higher_is_better else -difference

    @property
    def is_clear(self) -> bool:
        """Whether the means differ significantly, at 5 percent."""
        return self.p_value < SIGNIFICANCE

    @property
    def strongest_baseline(self) -> str:
        """The name of the baseline with the best test metric; empty if there are no baselines."""
        sign = 1 if self.higher_is_better else -1
        return max(self.baselines, key=lambda name: sign * self.baselines[name], default="")

    @property
    def sentence(self) -> str:
        """The verdict in words; it names a lead only if it is significant."""
        return f"{self._against_lstm()} {self._against_baselines()}".strip()

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

    def _against_lstm(self) -> str:
        if self.champion.architecture == self.lstm.architecture:
            return "The champion is that LSTM itself."
        if min(len(self.champion.tests), len(self.lstm.tests)) < 2:
            return "Too few trainings came to an end to compare the champion with the LSTM."
        distance = f"{abs(self.lead):.2g} {self.metric}"
        doubt = f"p = {self.p_value:.2g} by Welch's test of {len(self.champion.tests)} seeds"
        if not self.is_clear:
            return f"The champion and the LSTM cannot be told apart: they differ by {distance}, {doubt}."
        place = "ahead of" if self.lead > 0 else "behind"
        return f"The champion is {place} the LSTM by {distance}, {doubt}."

    def _against_baselines(self) -> str:
        if not self.baselines:
            return ""
        sign = 1 if self.higher_is_better else -1
        strongest = self.strongest_baseline
        beaten = [name for name, score in self.baselines.items() if sign * score < sign * self.champion.test]
        others = [name for name in self.baselines if name not in beaten]
        parts = [f"beats {_joined(beaten)}"] * bool(beaten) + [f"does not beat {_joined(others)}"] * bool(
            others
        )
        return (
            f"The strongest baseline, {strongest}, reaches {self.baselines[strongest]:.4g} {self.metric}, the champion "
            f"{self.champion.test:.4g}; it {' but '.join(parts)}."
        )


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def stored_verdict(run: Run) -> Verdict | None:
    """Returns the verdict that ``run`` keeps; None if it keeps none on exactly the evaluations that it holds now."""
    values = run.champion.verdict()
    if values is None or values.pop(BASIS, None) != basis_of(run.totals()):
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
