"""`Trial`: everything that is known of one candidate and of the trainings that were asked because of it."""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING

from evo_nas.strategies.noise import NoiseEstimator, alike

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evo_nas.evaluation import Candidate, Evaluation, Outcome, Standing
    from evo_nas.strategies.noise import Noise

REMEMBERED = 1000
"""Trials that may be taken up again; a function of the log, as all that a strategy knows, and a bound on its memory."""
LEAST_SCORES = 10
"""Fewer scores do not say which are poor."""
POOR, GOOD = 0.25, 0.5
"""A network that fails with some seeds falls among the lowest quarter of the scores from above the lower half."""
STEP_PARAMETERS = 50_000
"""A step costs as much as that many parameters beside its own: small networks are hardly cheaper than tiny ones.

On digits an LSTM of 64 units takes 1.25 times as long as one of 32 with a quarter of its parameters; on pendigits a
network of 203,000 to 336,000 parameters takes 8 to 9 times as long as one of 18,000.
"""
AS_CHEAP = 1.5
"""Costs that differ by less than this factor count as equal; they are not known better."""
TIE = 0.5
"""Standard errors of a difference below which a tournament is a tie.

Fewer than the one that a lead needs to be believed, since a score within the noise is still the best guess.
"""


def _no_shift(cut: int) -> float:  # noqa: ARG001 - the same for every cut
    return 0.0


class Trial:
    """One architecture and all its evaluations so far: pruned, continued, and repeated ones.

    Args:
        evaluation: The first one.
        shift: By how much networks score higher on a cut than on the first.

    Attributes:
        candidate: The candidate that was asked first; children name it as their parent.
        evaluations: All evaluations, in the order of telling; a continued training takes the place of its beginning.
        ids: Ids of the candidates of all its evaluations, also of those that were continued.
        collapsed: Whether its trainings differ by more than noise explains.
    """

    def __init__(self, evaluation: Evaluation, shift: Callable[[int], float] = _no_shift) -> None:
        self.candidate: Candidate = evaluation.candidate
        self.evaluations: list[Evaluation] = [evaluation]
        self.ids = [evaluation.candidate.id]
        self.collapsed = False
        self._shift = shift
        # What ranks a trial of one training on the first cut; tournaments ask for it again and again.
        self._alone = None if evaluation.candidate.cut else evaluation.standing

    def add(self, evaluation: Evaluation) -> None:
        """Adds the evaluation of a later training."""
        continued = evaluation.candidate.continues
        self.ids.append(evaluation.candidate.id)
        self.evaluations = [each for each in self.evaluations if each.candidate.id != continued]
        self.evaluations.append(evaluation)
        is_alone = len(self.evaluations) == 1 and not evaluation.candidate.cut
        self._alone = evaluation.standing if is_alone else None

    @property
    def is_settled(self) -> bool:
        """Whether its standing is that of one training on the first cut, which nothing learnt of others changes."""
        return self._alone is not None

    @property
    def is_complete(self) -> bool:
        """Whether it has the score of a full training, and no repeated training failed or collapsed."""
        # A repeated training may have been paused where this one went on from later.
        return self.main.is_complete and not self.is_unstable

    @property
    def trainings(self) -> int:
        """How many trainings its standing is the mean of."""
        return len(self._furthest)

    @property
    def cuts(self) -> list[int]:
        """The cut of each training that its standing is the mean of."""
        return [each.candidate.cut for each in self._furthest]

    @property
    def fitness(self) -> float | None:
        """The mean fitness that ranks it; None without one."""
        standing = self.standing
        return None if standing is None else standing.fitness

    @property
    def main(self) -> Evaluation:
        """The evaluation of the first training, or of its continuation."""
        return next(
            (each for each in self.evaluations if each.candidate.repeats is None), self.evaluations[0]
        )

    @property
    def outcome(self) -> Outcome:
        """The outcome of the first training, or of its continuation."""
        return self.main.outcome

    @property
    def is_unstable(self) -> bool:
        """Whether it failed or collapsed with another seed."""
        return self.collapsed or (
            len(self.evaluations) > 1 and any(each.fitness is None for each in self.evaluations)
        )

    @property
    def may_breed(self) -> bool:
        """Whether it is as good as a full training: complete, or paused where all trainings are for now."""
        return not self.collapsed and all(each.is_complete or each.is_paused for each in self.evaluations)

    @property
    def standing(self) -> Standing | None:
        """What ranks it: the mean of its trainings that went furthest; None without a fitness.

        A cut on which all networks score higher or lower than on the first is allowed for.
        """
        if self._alone is not None:
            return self._alone  # the common case, of which a head has thousands a second
        furthest = self._furthest
        if not furthest:
            return None
        standings = [standing for each in furthest if (standing := each.standing) is not None]
        shift = statistics.fmean(self._shift(each.candidate.cut) for each in furthest)
        return replace(
            standings[0],
            fitness=statistics.fmean(standing.fitness for standing in standings) - shift,
            loss=statistics.fmean(standing.loss for standing in standings),
        )

    @property
    def cost(self) -> int:
        """What one training of it costs, in the time of a parameter and step.

        Seconds would say it better, but a run that is repeated with the same seed would then ask other candidates.
        """
        outcomes = [each.outcome for each in self.evaluations]
        return max(
            (STEP_PARAMETERS + outcome.parameters) * max(outcome.steps, outcome.epochs)
            for outcome in outcomes
        )

    @property
    def _furthest(self) -> Sequence[Evaluation]:
        """The evaluations that went furthest, of those that started as the first one did."""
        ranked = [(standing, each) for each in self.evaluations if (standing := each.standing) is not None]
        alike = [
            (standing, each)
            for standing, each in ranked
            if standing.is_inherited == ranked[0][0].is_inherited
        ]
        level = max((standing.level for standing, _ in alike), default=0.0)
        return [each for standing, each in alike if standing.level == level]


def best_within_noise(trials: Sequence[Trial], noise: Noise | None) -> Trial:
    """Returns the trial with the highest standing, or another that cannot be told from it and has an advantage.

    Of those whose means the noise hides from the best, that is the cheapest to train; of the equally cheap it is the
    youngest, which has tried something newer. Size alone decides nothing.

    Args:
        trials: At least one trial with a standing.
        noise: The noise of one training; None if it is unknown, so that the standing decides.
    """
    ranked = [(standing, trial) for trial in trials if (standing := trial.standing) is not None]
    top, best = max(ranked, key=lambda each: each[0])
    if noise is None:
        return best
    equal = [
        trial
        for standing, trial in ranked
        if standing.level == top.level
        and noise.hides((top.fitness - standing.fitness) / TIE, trainings=(best.trainings, trial.trainings))
    ]
    cheapest = min(trial.cost for trial in equal)
    return max(
        (trial for trial in equal if trial.cost <= AS_CHEAP * cheapest), key=lambda trial: trial.candidate.id
    )


class Trials:
    """The trials that may be taken up again, by the ids of their candidates.

    Attributes:
        noise: How much the fitness of an architecture differs from training to training.
        scores: The first scores of the latest trials, by `reach_of`.
        unstable: Number of trials that failed or collapsed with another seed.
    """

    def __init__(self) -> None:
        self.noise = NoiseEstimator()
        self.scores = defaultdict[object, Scores](Scores)
        self.unstable = 0
        self._trials: OrderedDict[int, Trial] = OrderedDict()
        self._first: dict[int, int] = {}

    def add(self, evaluation: Evaluation) -> Trial:
        """Adds an evaluation to its trial and returns that; a trial that was forgotten begins anew."""
        candidate = evaluation.candidate
        earlier = candidate.repeats if candidate.continues is None else candidate.continues
        first = candidate.id if earlier is None else self._first.get(earlier, earlier)
        trial = self._trials.get(first)
        if (
            trial is not None
            and candidate.continues is None
            and _differs_in_start(trial.evaluations[0], evaluation)
        ):
            # Nothing ranks the two together, so that they must not share a mean.
            first, trial = candidate.id, None
        if trial is None:
            trial = self._trials[first] = Trial(evaluation, self.noise.shift)
        else:
            trial.add(evaluation)
        self._first[candidate.id] = first
        while len(self._trials) > REMEMBERED:
            _, forgotten = self._trials.popitem(last=False)
            for number in forgotten.ids:
                self._first.pop(number, None)
        self._learn(trial)
        return trial

    def __contains__(self, trial: Trial) -> bool:
        return self._trials.get(trial.candidate.id) is trial

    def of(self, number: int) -> Trial:
        """Returns the trial that candidate ``number`` belongs to.

        Raises:
            KeyError: It was not told, or is forgotten.
        """
        return self._trials[self._first[number]]

    def _learn(self, trial: Trial) -> None:
        *earlier, new = trial.evaluations
        if earlier:
            was_known = trial.collapsed or any(each.fitness is None for each in earlier)
            self.noise.learn(trial)
            trial.collapsed = trial.collapsed or self._collapsed(earlier, new)
            self.unstable += trial.is_unstable and not was_known
        elif trial.may_breed and new.fitness is not None and not new.outcome.inherited_steps:
            self.scores[reach_of(new)].add(new.fitness)

    def _collapsed(self, earlier: Sequence[Evaluation], new: Evaluation) -> bool:
        first = [self._score(each) for each in earlier if alike(each, new)]
        if not first or len(scores := self.scores[reach_of(new)]) < LEAST_SCORES:
            return False
        before, after = statistics.fmean(first), self._score(new)
        # Few pairs may give too low a noise, so a fall must also lead to where poor networks are. That alone decides
        # while the noise is not known.
        falls = (
            scores.share_below(min(before, after)) < POOR and scores.share_below(max(before, after)) >= GOOD
        )
        return falls and not self.noise.explains(before - after)

    def _score(self, evaluation: Evaluation) -> float:
        assert evaluation.fitness is not None, "only scored evaluations are compared"
        return evaluation.fitness - self.noise.shift(evaluation.candidate.cut)


def reach_of(evaluation: Evaluation) -> tuple[int, float]:
    """Returns what scores from scratch must have in common to be compared: the epochs planned and those made."""
    standing = evaluation.standing
    assert standing is not None, "only scored evaluations are compared"
    return evaluation.candidate.budget, standing.level


def _differs_in_start(one: Evaluation, other: Evaluation) -> bool:
    return (one.outcome.inherited_steps > 0) != (other.outcome.inherited_steps > 0)


def standing_of(trial: Trial) -> Standing:
    """Returns what ranks a trial that has a score."""
    standing = trial.standing
    assert standing is not None, "only scored trials are ranked"
    return standing


class BestTrials:
    """The best of some trials, as they stand since each was last shown.

    Args:
        most: How many are kept.
        is_wanted: Whether a trial counts; only such as have a score and can be ranked with one another.

    Attributes:
        ranking: The trials, best first.
    """

    def __init__(self, most: int, is_wanted: Callable[[Trial], bool]) -> None:
        self._most = most
        self._is_wanted = is_wanted
        self.ranking: list[Trial] = []

    def learn(self, trial: Trial) -> None:
        """Takes in a trial that is new or was trained again, which may have cost it its place."""
        known = {each.candidate.id: each for each in (*self.ranking, trial)}
        wanted = filter(self._is_wanted, known.values())
        self.ranking = sorted(wanted, key=standing_of, reverse=True)[: self._most]


class Scores:
    """The latest complete first scores, in order; says where another one stands among them.

    Args:
        most: How many are remembered.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._latest: deque[float] = deque()
        self._ordered: list[float] = []

    def __len__(self) -> int:
        return len(self._ordered)

    def add(self, score: float) -> None:
        """Adds the latest score; the oldest is forgotten beyond a bound."""
        self._latest.append(score)
        insort(self._ordered, score)
        if len(self._latest) > self._most:
            del self._ordered[bisect_left(self._ordered, self._latest.popleft())]

    def share_below(self, score: float) -> float:
        """Returns the share of the scores that are lower than ``score``; 0 without any."""
        return bisect_left(self._ordered, score) / len(self) if self._ordered else 0.0

    def share_above(self, score: float) -> float:
        """Returns the share of the scores that are higher than ``score``; 0 without any."""
        # Counted from above, since 1 - 4 / 5 is less than 1 / 5.
        return (len(self) - bisect_right(self._ordered, score)) / len(self) if self._ordered else 0.0
