"""Ranks what competed in several runs, one data set each, and tests whether the ranks differ (Demsar, 2006).

Ranks need no common unit: one run may be judged by accuracy and the next by a squared error.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.champion.statistics import SIGNIFICANCE
from evo_nas.champion.verdict import listed, stored_verdict
from evo_nas.errors import ChampionError
from evo_nas.runs.champion_store import CHAMPION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.champion.verdict import Verdict
    from evo_nas.runs import Run

BASELINE = "strongest baseline"
FEWEST_RUNS = 5
"""Of fewer runs not even the same order in all of them is rare enough (Wilcoxon and sign test: 1/8 of four)."""


@dataclass(frozen=True, slots=True)
class Results:
    """What competed in one run.

    Attributes:
        run: Name of the run.
        metric: Name of its metric.
        higher_is_better: Direction of the metric.
        tests: Test metric of each competitor by name.
        data: SHA-256 of each file of its data, which tells whether two runs share them.
    """

    run: str
    metric: str
    higher_is_better: bool
    tests: Mapping[str, float]
    data: frozenset[str] = frozenset()

    @classmethod
    def of(cls, run: Run, name: str) -> Results:
        """Returns what the verdict of ``run`` holds, which is shown as ``name``.

        Raises:
            ChampionError: It keeps no verdict on the evaluations that it holds.
        """
        verdict = stored_verdict(run)
        if verdict is None:
            raise ChampionError(
                f"{name} has no verdict yet; `evo-nas resume` makes it, or leave this run out"
            )
        data = frozenset(run.record.data.values())
        return cls(name, verdict.metric, verdict.higher_is_better, _tests(verdict), data)


@dataclass(frozen=True, slots=True)
class Competitor:
    """One of those that are ranked.

    Attributes:
        name: Its name.
        ranks: Its rank in each run; 1 is best, and equals share the mean of their ranks.
        wins: Runs in which it is better than the champion.
        losses: Runs in which it is worse.
        p_value: Of equal mean ranks with the champion, corrected by Holm's method; None for the champion itself, and
            where there are too few runs for a test.
    """

    name: str
    ranks: tuple[float, ...]
    wins: int = 0
    losses: int = 0
    p_value: float | None = None

    @property
    def mean_rank(self) -> float:
        """Mean of its ranks."""
        return statistics.fmean(self.ranks)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The competitors of several runs.

    Attributes:
        results: What each run holds.
        competitors: Those that are in all runs, by mean rank.
        friedman_p: Of equal ranks of all, by Friedman's test as Iman and Davenport (1980) correct it; None with fewer
            than three competitors or too few runs.
        critical_difference: Mean ranks that differ by less cannot be told apart (Nemenyi, 1963); None as above.
        remarks: What was left out, and what to know, one sentence each.
    """

    results: tuple[Results, ...]
    competitors: tuple[Competitor, ...]
    friedman_p: float | None
    critical_difference: float | None
    remarks: tuple[str, ...] = ()

    @property
    def groups(self) -> list[tuple[Competitor, ...]]:
        """The largest groups of successive competitors that the critical difference does not tell apart."""
        reach, found = self.critical_difference, list[tuple[int, int]]()
        if reach is None:
            return []
        ranks = [each.mean_rank for each in self.competitors]
        for first, rank in enumerate(ranks):
            last = max(place for place, other in enumerate(ranks) if other - rank < reach)
            if last > first and (not found or last > found[-1][1]):
                found.append((first, last))
        return [self.competitors[first : last + 1] for first, last in found]

    @property
    def sentence(self) -> str:
        """The result in words; it names a difference only where a test finds one."""
        count = len(self.results)
        champion = next(each for each in self.competitors if each.name == CHAMPION)
        place = f"Over {count} runs the champion has mean rank {champion.mean_rank:.2f} of {len(self.competitors)}"
        if count < FEWEST_RUNS:
            return f"{place}; so few runs can decide nothing, it takes at least {FEWEST_RUNS}."
        if self.friedman_p is not None and self.friedman_p >= SIGNIFICANCE:
            return f"{place}; the ranks of all do not differ more than by chance (Friedman, p = {self.friedman_p:.2g})."
        clear = [
            each for each in self.competitors if each.p_value is not None and each.p_value < SIGNIFICANCE
        ]
        better = [each.name for each in clear if each.mean_rank > champion.mean_rank]
        worse = [each.name for each in clear if each.mean_rank < champion.mean_rank]
        rest = [each.name for each in self.competitors if each not in clear and each is not champion]
        parts = [
            f"{verb} {listed(names)}"
            for verb, names in (
                ("is ranked better than", better),
                ("is ranked worse than", worse),
                ("cannot be told apart from", rest),
            )
            if names
        ]
        return f"{place}; it {', and '.join(parts)} (Holm, 5 %)."

    def to_values(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {
            "runs": [
                {
                    "run": each.run,
                    "metric": each.metric,
                    "higher_is_better": each.higher_is_better,
                    "tests": dict(each.tests),
                }
                for each in self.results
            ],
            "competitors": [
                {
                    "name": each.name,
                    "mean_rank": each.mean_rank,
                    "ranks": list(each.ranks),
                    "wins": each.wins,
                    "losses": each.losses,
                    "p_value": each.p_value,
                }
                for each in self.competitors
            ],
            "friedman_p": self.friedman_p,
            "critical_difference": self.critical_difference,
            "groups": [[each.name for each in group] for group in self.groups],
            "sentence": self.sentence,
            "remarks": list(self.remarks),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Ranking:
        """Returns the ranking that `to_values` told; which files the runs share is not in it."""
        return cls(
            tuple(
                Results(each["run"], each["metric"], each["higher_is_better"], each["tests"])
                for each in values["runs"]
            ),
            tuple(
                Competitor(each["name"], tuple(each["ranks"]), each["wins"], each["losses"], each["p_value"])
                for each in values["competitors"]
            ),
            values["friedman_p"],
            values["critical_difference"],
            tuple(values["remarks"]),
        )


def ranked(results: Sequence[Results]) -> Ranking:
    """Returns the ranks of those that competed in all of ``results``.

    Raises:
        ChampionError: There are fewer than two runs, or nobody but the champion is in all of them.
    """
    if len(results) < 2:
        raise ChampionError(f"there is {len(results)} run; give at least 2, one for each data set")
    common = [name for name in results[0].tests if all(name in each.tests for each in results)]
    if len(common) < 2:
        raise ChampionError("the runs have no opponent in common; judge them with the same opponents")
    fitness = np.array(
        [[each.tests[name] * (1 if each.higher_is_better else -1) for name in common] for each in results]
    )
    ranks, p_values = _ranks(fitness), dict[str, float]()
    enough = len(results) >= FEWEST_RUNS
    if enough:
        p_values = _holm(_against_first(ranks, common.index(CHAMPION)), common)
    ours = fitness[:, common.index(CHAMPION)]
    competitors = [
        Competitor(
            name,
            tuple(ranks[:, place].tolist()),
            int(np.count_nonzero(fitness[:, place] > ours)),
            int(np.count_nonzero(fitness[:, place] < ours)),
            p_values.get(name),
        )
        for place, name in enumerate(common)
    ]
    tested = enough and len(common) > 2
    return Ranking(
        tuple(results),
        tuple(sorted(competitors, key=lambda each: each.mean_rank)),
        _friedman(ranks) if tested else None,
        _critical_difference(*ranks.shape) if tested else None,
        tuple(_remarks(results, common)),
    )


def _tests(verdict: Verdict) -> dict[str, float]:
    tests = {each.name: each.test for each in verdict.opponents}
    if verdict.strongest_baseline:
        tests[BASELINE] = verdict.baselines[verdict.strongest_baseline]
    return {CHAMPION: verdict.champion.test, **tests}


def _ranks(fitness: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.stats import rankdata  # noqa: PLC0415

    ranks: npt.NDArray[np.float64] = rankdata(-fitness, axis=1)
    return ranks


def _friedman(ranks: npt.NDArray[np.float64]) -> float:
    from scipy.stats import f, friedmanchisquare  # noqa: PLC0415

    runs, count = ranks.shape
    if np.ptp(ranks) == 0:
        return 1.0  # all are equal in all runs
    chi_square = float(friedmanchisquare(*ranks.T).statistic)
    # Friedman's own approximation finds too little; in the same order in all runs the corrected one is infinite.
    rest = runs * (count - 1) - chi_square
    if rest <= 1e-9:
        return 0.0
    return float(f.sf((runs - 1) * chi_square / rest, count - 1, (count - 1) * (runs - 1)))


def _critical_difference(runs: int, count: int) -> float:
    from scipy.stats import studentized_range  # noqa: PLC0415

    quantile = float(studentized_range.ppf(1 - SIGNIFICANCE, count, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(count * (count + 1) / (6 * runs))


def _against_first(ranks: npt.NDArray[np.float64], champion: int) -> list[float]:
    """Returns the p-value of each competitor against the champion, by the normal distribution of mean ranks."""
    from scipy.stats import norm  # noqa: PLC0415

    runs, count = ranks.shape
    means = ranks.mean(axis=0)
    error = math.sqrt(count * (count + 1) / (6 * runs))
    return [float(2 * norm.sf(abs(mean - means[champion]) / error)) for mean in means]


def _holm(p_values: Sequence[float], names: Sequence[str]) -> dict[str, float]:
    """Returns the p-values of all but the champion, corrected for their number (Holm, 1979)."""
    given = sorted((p_value, name) for p_value, name in zip(p_values, names, strict=True) if name != CHAMPION)
    corrected, least = dict[str, float](), 0.0
    for place, (p_value, name) in enumerate(given):
        # None may be smaller than one that was tested before it.
        least = max(least, min(1.0, p_value * (len(given) - place)))
        corrected[name] = least
    return corrected


def _remarks(results: Sequence[Results], common: Sequence[str]) -> list[str]:
    remarks = []
    missing = {name for each in results for name in each.tests} - set(common)
    if missing:
        remarks.append(f"not in all runs, so not ranked: {listed(sorted(missing))}")
    if BASELINE in common:
        remarks.append(f"the {BASELINE} of a run is the best on its test part, which favours it")
    shared = [
        (first.run, second.run)
        for place, first in enumerate(results)
        for second in results[place + 1 :]
        if first.data & second.data
    ]
    if shared:
        pairs = listed([f"{first} and {second}" for first, second in shared[:3]])
        remarks.append(f"on the same data, so that the tests take them for more than they are: {pairs}")
    return remarks
