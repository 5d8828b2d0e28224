"""Compares two models: on the same test examples, with the same seeds, or with seeds that are not paired.

Everything is told as a *lead*: how far the first model is ahead of the second one in the unit of the metric, positive
where it is better, whatever the direction of the metric.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.example_sums import ExampleSums
    from evo_nas.tasks.metrics import Metric

    Values = npt.NDArray[np.float64]

SIGNIFICANCE = 0.05
RESAMPLES = 5000
"""Bootstrap samples: the standard error of a p-value of .05 is .003."""
FEWEST_BLOCKS = 6
"""Of fewer independent blocks even a lead in all of them would happen by chance in more than 5 % of the cases."""
MOST_SIGNS = 12
"""Pairs up to which all signs are tried, 4096 of them; of more, as many are drawn."""
BATCH_VALUES = 2**22
"""Values of resampled statistics that are in memory at once."""
SIZES = ((0.2, "negligible"), (0.5, "small"), (0.8, "medium"), (math.inf, "large"))
"""Below which absolute effect size which word is used (Cohen, 1988)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far one model is ahead of another.

    Attributes:
        lead: In the unit of the metric; negative if it is behind.
        low: Lower end of the 95 % interval of the lead; None where there is too little to say.
        high: Upper end.
        p_value: Two-sided probability of such a lead if both were equally good; 1 where there is too little to say.
        test: What was done, such as ``a paired bootstrap over 360 test examples``.
        effect: Of seeds, the lead in standard deviations, see `paired_by_seed`; None where nothing varies.
    """

    lead: float
    low: float | None
    high: float | None
    p_value: float
    test: str
    effect: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the two differ significantly, at 5 percent."""
        return self.p_value < SIGNIFICANCE

    @property
    def span(self) -> str:
        """The 95 % interval, as in ``+0.004 to +0.02``; empty where there is too little to say."""
        return "" if self.low is None or self.high is None else f"{self.low:+.2g} to {self.high:+.2g}"

    @property
    def in_words(self) -> str:
        """The lead and its interval, as in ``+0.012, 95 %: +0.004 to +0.02``."""
        return f"{self.lead:+.2g}" + (f", 95 %: {self.span}" if self.span else "")


def size_of(effect: float) -> str:
    """Returns the word for an effect size: negligible, small, medium or large (Cohen, 1988)."""
    return next(word for bound, word in SIZES if abs(effect) < bound or math.isinf(bound))


def paired_bootstrap(
    ours: ExampleSums, theirs: ExampleSums, metric: Metric, *, seed: int = 0, resamples: int = RESAMPLES
) -> Comparison:
    """Returns how far one model is ahead of another on the test examples that both answered.

    The examples are drawn again with replacement, the same ones for both models (Efron and Tibshirani, 1993, chapter
    16), and both metrics are computed from the sums of what was drawn, so that F1 or the perplexity of a text are no
    means of single examples. Examples that depend on each other - overlapping windows, steps of a text - are drawn in
    blocks of successive ones, whose end is followed by the beginning (Politis and Romano, 1992). Percentile intervals
    of few values are too narrow: quantiles are moved outwards to those of Student's t (Hesterberg, 2015).

    Args:
        ours: What the first model answered.
        theirs: What the second one answered, on the same part with the same metric.
        metric: The metric.
        seed: Seed of the drawing.
        resamples: How many samples are drawn.
    """
    places = np.intersect1d(ours.places, theirs.places)
    first, second = ours.at(places), theirs.at(places)
    count, block = len(places), max(first.block, second.block)
    blocks = count // block if count else 0
    named = f"{count:,} test examples" if block == 1 else f"{count:,} test steps in blocks of {block:,}"
    if not count:
        return Comparison(
            0.0, None, None, 1.0, "a paired bootstrap, but no test example was answered by both"
        )
    lead = metric.fitness(first.score(metric)) - metric.fitness(second.score(metric))
    if np.array_equal(first.values, second.values):
        return Comparison(lead, lead, lead, 1.0, f"a paired bootstrap over {named}")
    if blocks < FEWEST_BLOCKS:
        return Comparison(lead, None, None, 1.0, f"a paired bootstrap over {named}, which are too few")
    leads = _resampled_leads(first.values, second.values, metric, block=block, draws=(seed, resamples))
    leads = leads[np.isfinite(leads)]
    if not len(leads):
        return Comparison(
            lead, None, None, 1.0, f"a paired bootstrap over {named}, whose samples have no metric"
        )
    low, high = np.quantile(leads, _widened(np.array([SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2]), blocks))
    p_value = _bootstrap_p_value(leads, blocks)
    return Comparison(lead, float(low), float(high), p_value, f"a paired bootstrap over {named}")


def paired_by_seed(ours: Sequence[float], theirs: Sequence[float], *, higher_is_better: bool) -> Comparison:
    """Returns how far one model is ahead, from trainings of both with the same seeds on the same parts.

    The test is Student's t on the differences; their mean divided by their standard deviation is the effect size
    (Cohen's d of paired differences). `sign_flip_p_value` checks it without the assumption of a normal distribution.

    Args:
        ours: Metric of the first model, one for each seed.
        theirs: That of the second one with the same seeds in the same order.
        higher_is_better: Direction of the metric.
    """
    sign = 1.0 if higher_is_better else -1.0
    differences = [sign * (a - b) for a, b in zip(ours, theirs, strict=True)]
    named = f"a paired t-test of {len(differences)} seeds"
    lead = statistics.fmean(differences) if differences else 0.0
    spread = math.sqrt(_variance(differences)) if len(differences) > 1 else 0.0
    if len(differences) < 2:
        return Comparison(lead, None, None, 1.0, named)
    error = spread / math.sqrt(len(differences))
    return _by_student(lead, error, len(differences) - 1, named, lead / spread if spread > 0 else None)


def unpaired_by_seed(ours: Sequence[float], theirs: Sequence[float], *, higher_is_better: bool) -> Comparison:
    """Returns how far one model is ahead, from trainings with seeds that have nothing to do with each other.

    The test is that of Welch (1947); the effect size is the lead divided by the root of the mean variance.

    Args:
        ours: Metric of the first model, one for each seed.
        theirs: That of the second one; there may be more or fewer.
        higher_is_better: Direction of the metric.
    """
    named = f"Welch's t-test of {len(ours)} and {len(theirs)} seeds"
    if not ours or not theirs:
        return Comparison(0.0, None, None, 1.0, named)
    lead = (1.0 if higher_is_better else -1.0) * (statistics.fmean(ours) - statistics.fmean(theirs))
    # A single value has no variance, so it is no evidence for a difference.
    if min(len(ours), len(theirs)) < 2:
        return Comparison(lead, None, None, 1.0, named)
    variances = [_variance(values) for values in (ours, theirs)]
    errors = [variance / len(values) for variance, values in zip(variances, (ours, theirs), strict=True)]
    total, spread = sum(errors), math.sqrt(sum(variances) / 2)
    freedom = 1.0
    if total > 0 and math.isfinite(total):
        parts = zip(errors, (ours, theirs), strict=True)
        freedom = 1 / sum((error / total) ** 2 / (len(values) - 1) for error, values in parts)
    return _by_student(lead, math.sqrt(total), freedom, named, lead / spread if spread > 0 else None)


def sign_flip_p_value(differences: Sequence[float], *, seed: int = 0) -> float:
    """Returns the two-sided p-value of a permutation test of paired differences (Fisher, 1935).

    Under equality each difference could as well have the other sign. Of up to `MOST_SIGNS` differences all signs are
    tried; so of ``n`` it is at least ``2 ** (1 - n)``, and three seeds cannot reach 5 %.

    Args:
        differences: One for each seed.
        seed: Seed of the drawing, if there are more differences.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not len(values):
        return 1.0
    if len(values) <= MOST_SIGNS:
        signs = 1.0 - 2.0 * ((np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1)
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(2**MOST_SIGNS, len(values)))
        signs[0] = 1.0  # what was seen is one of the possibilities, so that no p-value is 0
    sums = np.abs(signs @ values)
    # What ties in exact arithmetic must not be lost to rounding.
    return float(np.mean(sums >= abs(values.sum()) * (1 - 1e-12)))


def _variance(values: Sequence[float]) -> float:
    with np.errstate(over="ignore"):  # the variance of scores that exploded is infinite, which is no error
        return float(np.var(np.asarray(values, dtype=np.float64), ddof=1))


def _by_student(lead: float, error: float, freedom: float, test: str, effect: float | None) -> Comparison:
    from scipy.stats import t  # noqa: PLC0415 - only making a comparison pays for it, reading one does not

    if error == 0:  # without any spread the test is not defined
        return Comparison(lead, lead, lead, 1.0 if lead == 0 else 0.0, test, effect)
    # Scores so large that their variance overflows tell nothing apart.
    if not math.isfinite(error) or not math.isfinite(lead):
        return Comparison(lead, None, None, 1.0, test)
    reach = float(t.ppf(1 - SIGNIFICANCE / 2, freedom)) * error
    p_value = float(2 * t.sf(abs(lead) / error, freedom))
    return Comparison(lead, lead - reach, lead + reach, p_value, test, effect)


def _resampled_leads(
    ours: Values, theirs: Values, metric: Metric, *, block: int, draws: tuple[int, int]
) -> Values:
    """Returns the lead in each of some samples ``(resamples,)``; values are ``(examples, ...)``."""
    seed, resamples = draws
    rng, count, shape = np.random.default_rng(seed), len(ours), ours.shape[1:]
    both = np.concatenate([ours.reshape(count, -1), theirs.reshape(count, -1)], axis=1)
    leads: list[float] = []
    at_once = max(1, BATCH_VALUES // max(count, both.shape[1]))
    for start in range(0, resamples, at_once):
        drawn = _weights(rng, min(at_once, resamples - start), count, block) @ both
        leads += [
            metric.fitness(metric.value(first)) - metric.fitness(metric.value(second))
            for first, second in drawn.reshape(-1, 2, *shape)
        ]
    return np.array(leads)


def _weights(rng: np.random.Generator, samples: int, count: int, block: int) -> Values:
    """Returns how often each example is in each sample, ``(samples, count)``."""
    needed = -(-count // block)
    starts = rng.integers(0, count, size=(samples, needed))
    places = (starts[..., None] + np.arange(block)) % count
    # The last block is cut, so that every sample has as many examples as the part.
    places = places.reshape(samples, -1)[:, :count] + count * np.arange(samples)[:, None]
    return np.bincount(places.ravel(), minlength=samples * count).reshape(samples, count).astype(np.float64)


def _bootstrap_p_value(leads: Values, blocks: int) -> float:
    # The smallest level whose interval leaves out 0; with one sample more it is never 0 (Davison and Hinkley, 1997).
    tails = [(np.count_nonzero(side) + 1) / (len(leads) + 1) for side in (leads <= 0, leads >= 0)]
    return float(min(1.0, 2 * _narrowed(min(tails), blocks)))


def _widened(levels: Values, blocks: int) -> Values:
    """Returns the levels of quantiles whose interval covers as that of Student's t does (Hesterberg, 2015)."""
    from scipy.stats import norm, t  # noqa: PLC0415

    widened: Values = norm.cdf(math.sqrt(blocks / (blocks - 1)) * t.ppf(levels, blocks - 1))
    return widened


def _narrowed(level: float, blocks: int) -> float:
    """Returns the level that `_widened` makes ``level`` of."""
    from scipy.stats import norm, t  # noqa: PLC0415

    return float(t.cdf(math.sqrt((blocks - 1) / blocks) * norm.ppf(min(level, 0.5)), blocks - 1))
