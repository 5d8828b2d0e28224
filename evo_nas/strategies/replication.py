"""`Replication`: trains candidates again with other seeds, to measure the noise and to believe no lucky score.

It does so for four reasons. Every candidate may be asked for several trainings, whose mean counts. A high score is
confirmed before it may breed, and so is the best of the run whatever it was when it came. A share of the candidates,
chosen by chance, is repeated to measure the noise. And where the best of the run leads by no more than noise, it and
the second best play off.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING

from evo_nas.strategies.noise import CONFIRMATION, PLAYOFF, REPEAT
from evo_nas.strategies.proposal import Proposal
from evo_nas.strategies.revisits import Revisit
from evo_nas.strategies.trials import REMEMBERED, BestTrials, Scores, reach_of, standing_of

if TYPE_CHECKING:
    import random

    from evo_nas.config import FitnessOptions
    from evo_nas.evaluation import Candidate
    from evo_nas.strategies.trials import Trial, Trials

CONTEMPORARIES = 50
"""A score is high beside those of its time: late candidates are better than most of the run, and few can be best."""
TOP = 0.2
"""Share of the scores that must be confirmed."""
LEAST_SCORES = 5
"""The first scores have nothing to be high beside."""
CONFIRMATIONS = 0.4
"""Share of the candidates beyond which only scores that are high when they come are confirmed."""
PLAYOFFS = 0.05
"""Largest share of the candidates that may be play-offs."""
MOST_TRAININGS = 6
"""Trainings after which a candidate plays off no more."""
LEADERS = 8
"""Complete trials that are kept as the best; more than two, since a play-off may bring one down."""


class Replication(Revisit):
    """Asks for further trainings, each with a seed of its own and, where there are several, on the next cut.

    None of them can be pruned or inherits weights; where all trainings are paused at a rung for now, so are they.
    Candidates that started from weights of another network are left alone, since a training from scratch cannot be
    compared with theirs.

    Args:
        trials: The trials of the search.
        fitness: How candidates are scored.
        cuts: Cuts of the training and validation rows.
    """

    def __init__(self, trials: Trials, fitness: FitnessOptions, *, cuts: int = 1) -> None:
        self._trials = trials
        self._fitness = fitness
        self._cuts = cuts
        self._scores = defaultdict[object, Scores](lambda: Scores(CONTEMPORARIES))
        self._recent: deque[Trial] = deque(maxlen=CONTEMPORARIES)
        self._leaders = BestTrials(LEADERS, self._may_lead)
        # The trainings that each trial needs, and those that were asked, by operator. Asked ones are known before told
        # ones when a run is resumed, so neither may follow from the other.
        self._needs: OrderedDict[int, tuple[Trial, str, int]] = OrderedDict()
        self._asked: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._repeated = self._confirmed = self._played = 0

    def asked(self, candidate: Candidate) -> None:
        """Counts a further training."""
        if candidate.repeats is None or candidate.continues is not None:
            return
        key = candidate.repeats, candidate.operator
        self._asked[key] = self._asked.get(key, 0) + 1
        self._repeated += candidate.operator == REPEAT
        self._confirmed += candidate.operator == CONFIRMATION
        self._played += candidate.operator == PLAYOFF
        while len(self._asked) > 2 * REMEMBERED:
            self._asked.popitem(last=False)

    def learn(self, trial: Trial) -> None:
        """Decides what a first score needs, and who leads."""
        new = trial.evaluations[-1]
        is_first = new.candidate.repeats is None and not new.outcome.inherited_steps
        if is_first and trial.may_breed and new.fitness is not None:
            scores = self._scores[reach_of(new)]
            scores.add(new.fitness)
            self._recent.append(trial)
            self._needs_of(
                trial, is_high=len(scores) >= LEAST_SCORES and scores.share_above(new.fitness) < TOP
            )
        # Here and not where it is proposed: a resumed search hears of all results before it proposes anything.
        if not self.awaits(trial):
            self._needs.pop(trial.candidate.id, None)
        if self._fitness.confirm and self._fitness.seeds_per_candidate == 1:
            self._leaders.learn(trial)

    def awaits(self, trial: Trial) -> bool:
        """Whether a further training of it is not told yet; one that failed is believed at once."""
        _, operator, needed = self._needs.get(trial.candidate.id, (trial, REPEAT, 0))
        return trial.may_breed and _told(trial, operator) < needed

    def propose(self, k: int, rng: random.Random) -> Proposal | None:
        """Returns the training that is awaited longest, or, within their shares, one for another reason."""
        return self._needed() or self._of_the_best(k) or self._playoff(k) or self._repeat(k, rng)

    @property
    def share(self) -> float:
        """Further trainings that a new candidate will need, on the average."""
        if self._fitness.seeds_per_candidate > 1:
            return self._fitness.seeds_per_candidate - 1
        return TOP if self._fitness.confirm else 0.0

    def _needs_of(self, trial: Trial, *, is_high: bool) -> None:
        number = trial.candidate.id
        if self._fitness.seeds_per_candidate > 1:
            self._needs[number] = trial, REPEAT, self._fitness.seeds_per_candidate - 1
        elif self._fitness.confirm and is_high:
            self._needs[number] = trial, CONFIRMATION, 1
        while len(self._needs) > REMEMBERED:
            self._needs.popitem(last=False)

    def _may_lead(self, trial: Trial) -> bool:
        """Whether it is complete and nothing is awaited of it."""
        return (
            trial.is_complete and not self.awaits(trial) and not trial.evaluations[0].outcome.inherited_steps
        )

    def _needed(self) -> Proposal | None:
        for number, (trial, operator, needed) in self._needs.items():
            if self._asked.get((number, operator), 0) < needed:
                return self._again(trial, operator)
        return None

    def _of_the_best(self, k: int) -> Proposal | None:
        """Returns the confirmation of a best trial that was not high when it came, before others fell behind it."""
        if not self._leaders.ranking or self._confirmed + 1 > CONFIRMATIONS * (k + 1):
            return None
        best = self._leaders.ranking[0]
        is_asked = self._asked.get((best.candidate.id, CONFIRMATION), 0) > 0
        is_known = best.trainings > 1 and (self._cuts == 1 or len(set(best.cuts)) > 1)
        return None if is_asked or is_known or best not in self._trials else self._again(best, CONFIRMATION)

    def _playoff(self, k: int) -> Proposal | None:
        if len(self._leaders.ranking) < 2 or self._played + 1 > PLAYOFFS * (k + 1):
            return None
        pair = first, second = self._leaders.ranking[:2]
        noise = self._trials.noise.overall
        lead = standing_of(first).fitness - standing_of(second).fitness
        trainings = first.trainings, second.trainings
        if noise is None or not noise.hides(lead, trainings=trainings) or min(trainings) >= MOST_TRAININGS:
            return None
        # The one that is known less; a play-off under way is waited for.
        trial = min(pair, key=lambda each: each.trainings)
        is_playing = any(
            self._asked.get((each.candidate.id, PLAYOFF), 0) > _told(each, PLAYOFF) for each in pair
        )
        return None if is_playing or trial not in self._trials else self._again(trial, PLAYOFF)

    def _repeat(self, k: int, rng: random.Random) -> Proposal | None:
        # Trainings that are made anyway show the noise as well.
        if self._fitness.seeds_per_candidate > 1 or self._repeated + 1 > self._fitness.repeats * (k + 1):
            return None
        # By chance and whatever the score: the best are the luckiest, whose second score falls by more than noise.
        unrepeated = [
            each
            for each in self._recent
            if each.may_breed and not self._asked.get((each.candidate.id, REPEAT), 0)
        ]
        return self._again(rng.choice(unrepeated), REPEAT) if unrepeated else None

    def _again(self, trial: Trial, operator: str) -> Proposal:
        number = trial.candidate.id
        before = sum(self._asked.get((number, each), 0) for each in (REPEAT, CONFIRMATION, PLAYOFF))
        return Proposal(
            trial.candidate.genome,
            parents=(number,),
            operator=operator,
            epochs=trial.candidate.budget,
            is_prunable=False,
            pauses_after=None if trial.main.is_complete else trial.main.outcome.epochs,
            repeats=number,
            repetition=before + 1,
            cut=self._cut(trial, operator, repetition=before + 1),
        )

    def _cut(self, trial: Trial, operator: str, *, repetition: int) -> int:
        if self._fitness.seeds_per_candidate > 1:
            return (trial.candidate.cut + repetition) % self._cuts
        if operator != REPEAT:
            # One that it was trained on least, the next one first: a repeat may have taken any.
            following = ((trial.candidate.cut + step) % self._cuts for step in range(1, self._cuts + 1))
            return min(following, key=trial.cuts.count)
        # Every second repeat shows the noise between seeds, and the others what a cut does.
        latest = trial.evaluations[-1].candidate.cut
        if self._repeated % 2 == 0:
            return latest
        return (latest + 1) % self._cuts if latest == 0 else 0


def _told(trial: Trial, operator: str) -> int:
    return sum(
        each.candidate.operator == operator and each.candidate.repeats is not None
        for each in trial.evaluations
    )
