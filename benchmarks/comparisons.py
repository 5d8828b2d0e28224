"""What a page tells of the champion, the LSTM and the baselines of one data set."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contests import NAMES
from benchmarks.paired import Difference
from benchmarks.trainings import table_rows
from evo_nas.cli.formatting import figure
from evo_nas.genome.describe import describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.contests import Contest, Judged

_FIGURES = ("best baseline", *NAMES, "champion against LSTM", "against champion with LSTM cells")
GIVEN_HEADER = ("data, metric", "to pass", *_FIGURES, "CPU s")
CUT_HEADER = ("data, metric", "the cuts", "of them", *_FIGURES)
NETWORK_HEADER = ("data", "which", "network", "parameters", "table rows", "candidates", "CPU s of a training")


@dataclass(frozen=True)
class Comparison:
    """What is known of one data set on some cuts.

    Attributes:
        contest: The comparison.
        judged: The trainings of each contestant by its name.
        baseline: Name and mean test score of the best baseline; None where none has a score.
    """

    contest: Contest
    judged: Mapping[str, Judged]
    baseline: tuple[str, float] | None

    @classmethod
    def on_given_cut(cls, contest: Contest) -> Comparison | None:
        """Returns what the fresh seeds gave; None if a training is missing."""
        return cls._of(contest, contest.on_given_cut(), contest.baselines()[:1])

    @classmethod
    def on_other_cuts(cls, contest: Contest) -> Comparison | None:
        """Returns what the other cuts gave; None if there are none, or a training is missing."""
        return cls._of(contest, contest.on_other_cuts(), contest.baselines()[1:])

    @classmethod
    def _of(
        cls, contest: Contest, judged: Sequence[Judged], baselines: Sequence[Mapping[str, float]]
    ) -> Comparison | None:
        if not set(NAMES[:2]) <= {each.name for each in judged}:
            return None
        means = {
            name: statistics.fmean(scores[name] for scores in baselines)
            for name in (baselines[0] if baselines else ())
            if all(name in scores for scores in baselines)
        }
        best = max if judged[0].higher_is_better else min
        baseline = best(means.items(), key=lambda item: item[1]) if means else None
        return cls(contest, {each.name: each for each in judged}, baseline)

    @property
    def beats_baseline(self) -> bool:
        """Whether the champion's mean is better than the best baseline."""
        if self.baseline is None:
            return False
        champion, (_, score) = self.judged[NAMES[0]], self.baseline
        return champion.test > score if champion.higher_is_better else champion.test < score

    @property
    def passes(self) -> bool:
        """Whether the champion's mean is at least as good as the figure to pass."""
        champion, figure_to_pass = self.judged[NAMES[0]], self.contest.challenge.to_pass
        if figure_to_pass is None:
            return False
        return (
            champion.test >= figure_to_pass if champion.higher_is_better else champion.test <= figure_to_pass
        )

    def gain(self, name: str) -> Difference | None:
        """Returns how much better the champion is than the contestant ``name``; None if there is no such one."""
        if name not in self.judged:
            return None
        ours, theirs = ([result.fitness for result in self.judged[each].results] for each in (NAMES[0], name))
        return Difference.of(ours, theirs)

    def row(self) -> list[str]:
        """The cells of the table of the given cut."""
        challenge = self.contest.challenge
        to_pass = "-" if challenge.to_pass is None else f"{challenge.to_pass:g}{challenge.note}"
        return [self._data, to_pass, *self._figures(), f"{self._cpu_s:.0f}"]

    def cut_row(self) -> list[str]:
        """The cells of the table of other cuts."""
        count = len(self.judged[NAMES[0]].results)
        return [self._data, self.contest.data_set.cut_as, f"{count}", *self._figures()]

    def network_rows(self) -> list[list[str]]:
        """The rows of the table of networks."""
        return [
            [
                self.contest.name,
                each.name,
                describe(each.architecture),
                f"{each.results[0].parameters:,}",
                f"{table_rows(each.architecture):,}",
                self._searched(each.name),
                f"{statistics.fmean(result.cpu_s for result in each.results):.1f}",
            ]
            for each in self.judged.values()
        ]

    @property
    def _data(self) -> str:
        return f"{self.contest.name}, {self.judged[NAMES[0]].results[0].metric}"

    def _figures(self) -> list[str]:
        baseline = "-" if self.baseline is None else f"{figure(self.baseline[1])} ({self.baseline[0]})"
        tests = [figure(self.judged[name].test) if name in self.judged else "-" for name in NAMES]
        return [baseline, *tests, *(_told(self.gain(name)) for name in NAMES[1:])]

    def _searched(self, name: str) -> str:
        found = self.contest.found.get(name)
        return "-" if found is None else f"{found.scored} of {self.contest.challenge.evaluations} scored"

    @property
    def _cpu_s(self) -> float:
        searches = sum(found.cpu_s for found in self.contest.found.values())
        return searches + sum(result.cpu_s for each in self.judged.values() for result in each.results)


def _told(gain: Difference | None) -> str:
    if gain is None:
        return "-"
    return f"{gain}{' **better**' if gain.is_gain else ' **worse**' if gain.is_loss else ''}"
