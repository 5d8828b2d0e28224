"""Any searcher of Ray Tune that can be rebuilt from the log, on this space, executor and ledger.

Optuna and HyperOpt: Bergstra, Bardenet, Bengio and Kegl, "Algorithms for Hyper-Parameter Optimization" (TPE),
NIPS 2011.
BayesOpt: Nogueira, "Bayesian Optimization: Open source constrained global optimization tool for Python", 2014.

A searcher sees one flat choice for each gene. What it suggests is repaired where it cannot be built, and it is told the
score of the repaired network for what it had suggested. It is rebuilt by asking and telling it everything again
in the order of the log, so it takes in results only when it is asked the next time.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from pydantic import Field

from evo_nas.errors import ConfigError
from evo_nas.randomness import derive_seed, stream
from evo_nas.strategies.pruning import resolve_rungs
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence
    from typing import Unpack

    from evo_nas.evaluation import Candidate, Evaluation, Standing
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.strategy import Terms
    from evo_nas.strategies.trials import Trial

TRIES = 4
"""Suggestions for one candidate, all of them known, after which it is drawn at random: a searcher may insist."""


class TuneOptions(StrategyOptions):
    """Options of a searcher of Ray Tune.

    Attributes:
        searcher: Which one: ``optuna`` and ``hyperopt`` are tree-structured Parzen estimators, ``bayesopt`` a Gaussian
            process for spaces of a few genes. The last two cannot learn from pruned trainings, so they need
            ``fitness.rungs: null``.
        startup: Scored suggestions before ``optuna`` or ``hyperopt`` begins to model; until then it draws at random.
    """

    searcher: Literal["optuna", "hyperopt", "bayesopt"] = "optuna"
    startup: int = Field(default=20, ge=1, le=10_000)


class _News(NamedTuple):
    """What is to be told to the searcher.

    Attributes:
        told: How many evaluations the strategy had been told with this one.
        candidate: The candidate.
        standing: Its standing; None without a score.
    """

    told: int
    candidate: Candidate
    standing: Standing | None


@dataclass(slots=True)
class _Suggested:
    """A suggestion, and the candidate that it became or may become."""

    key: str
    candidate: int
    genome: Genome


class TuneSearch(Strategy[TuneOptions]):
    """Asks a searcher of Ray Tune, which knows of each architecture what it was told first.

    Only ``optuna`` also learns of a pruned training that went on. What failed, or began with inherited weights, teaches
    it nothing; with several objectives it sees the fitness alone.
    """

    kind: ClassVar[str] = "tune"
    Options = TuneOptions

    def __init__(
        self, space: SearchSpace, options: TuneOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        from evo_nas.strategies.tune_searchers import LIBRARIES, GeneSearcher  # noqa: PLC0415 - it loads Ray

        name = self._options.searcher
        rungs = resolve_rungs(self._fitness, self._epochs)
        if rungs and not LIBRARIES[name].learns_pruned:
            raise ConfigError(
                f"strategy.searcher is {name}, which cannot learn that a pruned training goes on, and trainings are "
                f"pruned at epochs {', '.join(map(str, rungs))}; set fitness.rungs to null, or take optuna"
            )
        self._names = {self._usual(founder.genome): founder.operator for founder in self._founders}
        self._searcher = GeneSearcher(
            name,
            space.genes,
            seed=derive_seed(self._seed, "tune", name),
            startup=self._options.startup,
            founders=list(self._names),
        )
        self._seen = 0
        self._news: deque[_News] = deque()
        # Candidates that were asked after the searcher was last brought up to date.
        self._asked_since: deque[Candidate] = deque()
        self._open: _Suggested | None = None
        self._tries = (-1, 0)
        self._suggestions = 0
        self._in_searcher: dict[int, str] = {}
        self._pruned_in_searcher: dict[int, str] = {}
        self._scores: dict[str, float] = {}

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        self._catch_up()
        self._settle_open(None)
        self._feed(self._told)
        tried = self._tries[1] if self._tries[0] == k else 0
        if tried == TRIES:
            return self._by_chance(rng)
        self._tries = (k, tried + 1)
        genome = self._suggested(k)
        return Proposal(genome, parents=(), operator=self._names.get(genome, self._options.searcher))

    def _learn(self, trials: Sequence[Trial]) -> None:
        self._news.extend(_News(self._seen, trial.candidate, trial.standing) for trial in trials)

    def _settled(self, evaluation: Evaluation) -> Trial | None:
        self._seen += 1
        return super()._settled(evaluation)

    def _remember_asked(self, candidates: Iterable[Candidate]) -> None:
        new = list(candidates)
        super()._remember_asked(new)
        self._asked_since.extend(new)

    def _catch_up(self) -> None:
        """Takes in the candidates that were asked since; in a resumed run it suggests them again."""
        for candidate in sorted(self._asked_since, key=lambda each: each.id):
            if self._tries[0] < candidate.id and candidate.operator in self._operators:
                self._settle_open(None)
                self._feed(candidate.asked_after)
                for tried in range(1, TRIES + 1):
                    self._tries = (candidate.id, tried)
                    if self._suggested(candidate.id) == candidate.genome:
                        break
                    self._settle_open(candidate)
            self._settle_open(candidate)
        self._asked_since.clear()

    @property
    def _operators(self) -> set[str]:
        """The operators of candidates for which the searcher was asked."""
        return {"random", self._options.searcher, *self._names.values()}

    def _suggested(self, k: int) -> Genome:
        """Returns the next suggestion for candidate ``k``, repaired."""
        self._suggestions += 1
        key = str(self._suggestions)
        genome = self._searcher.suggest(key)
        # By the suggestion alone, so that it is repaired in the same way when it is suggested again.
        genome = self._space.repaired(self._usual(genome), stream(self._seed, "repair", self._suggestions))
        self._open = _Suggested(key, k, self._usual(genome))
        return self._open.genome

    def _settle_open(self, candidate: Candidate | None) -> None:
        """Finds out what became of the last suggestion, now that ``candidate`` is known to have been asked."""
        last = self._open
        if last is None:
            return
        self._open = None
        if candidate is not None and (candidate.id, candidate.genome) == (last.candidate, last.genome):
            self._in_searcher[candidate.id] = last.key
            return
        # It was known already: the searcher learns what it scored, if that was told by now.
        score = self._scores.get(self._space.canonical_hash(last.genome))
        if score is None:
            self._searcher.fail(last.key)
        else:
            self._searcher.complete(last.key, score)

    def _feed(self, told: int) -> None:
        """Tells the searcher the news among the first ``told`` evaluations."""
        while self._news and self._news[0].told <= told:
            self._pass_on(self._news.popleft())

    def _pass_on(self, news: _News) -> None:
        number, standing = news.candidate.id, news.standing
        is_useful = standing is not None and not standing.is_inherited
        is_complete = standing is not None and standing.level == math.inf
        if standing is not None and is_useful and is_complete:
            self._scores[news.candidate.canonical_hash] = standing.fitness
        if number in self._pruned_in_searcher:
            if standing is not None and is_useful and is_complete:
                self._searcher.complete_later(self._pruned_in_searcher.pop(number), standing.fitness)
            return
        key = self._in_searcher.pop(number, None)
        if key is None:
            return
        if standing is None or not is_useful:
            self._searcher.fail(key)
        elif is_complete:
            self._searcher.complete(key, standing.fitness)
        else:
            self._searcher.prune(key, standing.fitness, epochs=int(standing.level))
            self._pruned_in_searcher[number] = key
