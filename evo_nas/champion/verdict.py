"""`Verdict`: what a run found, beside what it has to be measured against."""

from __future__ import annotations

import json
import statistics
import warnings
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations of what it checks
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

from pydantic import TypeAdapter, ValidationError

FORMAT: Literal[1] = 1
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Contestant:
    """A network trained from scratch with several seeds.

    Attributes:
        name: Such as ``champion`` or ``LSTM``.
        architecture: In words.
        parameters: Trainable parameters.
        validation: Mean of the validation metric over the seeds.
        tests: Test metric of each seed whose training came to an end.
        failures: Seeds whose training did not.
    """

    name: str
    architecture: str
    parameters: int
    validation: float
    tests: tuple[float, ...]
    failures: int = 0

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
    """What came out of a run.

    Attributes:
        candidate: Id of the champion.
        evaluations: How many candidates it was chosen from.
        metric: Name of the metric that all figures are in.
        higher_is_better: Its direction.
        champion: The best candidate by validation, retrained.
        opponent: An LSTM of about equal size, trained on the same budget.
        baselines: Test metric of trivial opponents by name.
        format: Of the verdict as JSON.
    """

    candidate: int
    evaluations: int
    metric: str
    higher_is_better: bool
    champion: Contestant
    opponent: Contestant
    baselines: Mapping[str, float]
    format: Literal[1] = FORMAT

    @property
    def lead(self) -> float:
        """How far the champion's mean test metric is ahead of the opponent's; negative if behind."""
        difference = self.champion.test - self.opponent.test
        return difference if self.higher_is_better else -difference

    @property
    def is_clear(self) -> bool:
        """Whether the seeds leave little doubt that the means differ: Welch's t-test, 5 percent."""
        return self.p_value < SIGNIFICANCE

    @property
    def p_value(self) -> float:
        """Chance of a lead as large as this between networks that are equally good; Welch's t-test."""
        from scipy.stats import ttest_ind  # noqa: PLC0415 - only a verdict pays for it

        champion, opponent = self.champion, self.opponent
        if champion.spread == opponent.spread == 0.0:
            return 1.0 if self.lead == 0.0 else 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # one of them may give the same score every time
            p_value: float = ttest_ind(champion.tests, opponent.tests, equal_var=False).pvalue
        return p_value

    @property
    def sentence(self) -> str:
        """The verdict in words; a lead that the seeds do not make clear is called none."""
        return f"{self._against_opponent()} {self._against_baselines()}".strip()

    def to_json(self) -> str:
        """Returns the verdict as JSON."""
        return json.dumps(asdict(self), indent=2, allow_nan=False)

    @staticmethod
    def from_json(content: bytes | str) -> Verdict | None:
        """Returns the verdict that `to_json` wrote; None if another format did, or the content is damaged."""
        try:
            return _reader().validate_json(content, strict=True)
        except ValidationError:
            return None

    def _against_opponent(self) -> str:
        if self.champion.architecture == self.opponent.architecture:
            return "The champion is that LSTM itself."
        if min(len(self.champion.tests), len(self.opponent.tests)) < 2:
            return "Too few trainings came to an end to compare the champion with the LSTM."
        distance = f"{abs(self.lead):.2g} {self.metric}"
        doubt = f"p = {self.p_value:.2g} by Welch's test of {len(self.champion.tests)} seeds"
        if not self.is_clear:
            return f"The champion and the LSTM cannot be told apart: they differ by {distance}, {doubt}."
        place = "ahead of" if self.lead > 0 else "behind"
        return f"The champion is {place} the LSTM by {distance}, {doubt}."

    def _against_baselines(self) -> str:
        sign = 1 if self.higher_is_better else -1
        better = [
            name for name, baseline in self.baselines.items() if sign * baseline >= sign * self.champion.test
        ]
        if better:
            return f"It does not beat {' and '.join(better)}."
        return f"It beats {' and '.join(self.baselines)}." if self.baselines else ""


@cache
def _reader() -> TypeAdapter[Verdict]:
    return TypeAdapter(Verdict)
