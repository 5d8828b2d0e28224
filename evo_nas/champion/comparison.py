"""`Comparison`: the champion beside one other model, and how sure it is which of them is better."""

from __future__ import annotations

import math
import statistics
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """The champion beside an opponent or a baseline on the test part.

    Attributes:
        opponent: Name of the other model.
        lead: How far the champion's test metric is ahead; negative if behind.
        p_value: Probability of a difference at least as large if both were equally good.
        effect: The mean difference over the seeds, in standard deviations of the differences; None if not known.
        by: The test, such as ``paired t-test of 3 seeds``.
    """

    opponent: str
    lead: float
    p_value: float
    effect: float | None = None
    by: str = ""

    @property
    def is_clear(self) -> bool:
        """Whether the two differ significantly, at 5 percent."""
        return self.p_value < SIGNIFICANCE

    @property
    def place(self) -> bool | None:
        """Whether the champion is ahead; None if the two cannot be told apart."""
        return self.lead > 0 if self.is_clear else None

    @property
    def doubt(self) -> str:
        """How sure it is, in words."""
        effect = "" if self.effect is None else f", effect size {abs(self.effect):.2g}"
        return f"p = {self.p_value:.2g} by a {self.by}{effect}"

    def in_words(self, metric: str) -> str:
        """Returns the difference and how sure it is."""
        return f"{abs(self.lead):.2g} {metric}, {self.doubt}"


def over_seeds(opponent: str, lead: float, leads: Sequence[float], *, paired: bool) -> Comparison | None:
    """Returns the comparison by a t-test of the leads of single trainings; None for fewer than two.

    Args:
        opponent: Name of the other model.
        lead: How far the champion is ahead of it.
        leads: How far each training of the champion is ahead, of the opponent's with the same seed or of a score.
        paired: Whether both were trained with the same seeds.
    """
    if len(leads) < 2:
        return None
    kind = "paired" if paired else "one-sample"
    spread = statistics.stdev(leads)
    effect = statistics.fmean(leads) / spread if spread > 0 else None
    return Comparison(opponent, lead, _p_value(leads), effect, f"{kind} t-test of {len(leads)} seeds")


def _p_value(differences: Sequence[float]) -> float:
    from scipy.stats import ttest_1samp  # noqa: PLC0415 - only making a verdict pays for it, reading one does not

    if len(set(differences)) == 1:  # without any spread the test is not defined
        return 1.0 if differences[0] == 0 else 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        p_value = float(ttest_1samp(differences, 0.0).pvalue)
    # Scores so large that their variance overflows tell nothing apart.
    return p_value if math.isfinite(p_value) else 1.0
