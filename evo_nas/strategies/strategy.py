"""`Strategy`: the interface of all search strategies, and the bookkeeping that they share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, NotRequired, Required, Self, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, ConfigDict

from evo_nas.config import FitnessOptions
from evo_nas.config.schema import DEFAULT_EVALUATIONS
from evo_nas.errors import ConfigError
from evo_nas.evaluation import Candidate
from evo_nas.genome.codec import hash_of_json
from evo_nas.randomness import derive_seed, stream
from evo_nas.strategies.from_scratch import FromScratch
from evo_nas.strategies.promotions import Bracket, Plan, Promotions
from evo_nas.strategies.proposal import Founder
from evo_nas.strategies.proposal import Proposal as Proposal  # noqa: PLC0414 - where strategies look for it
from evo_nas.strategies.regularisation import RegularisationTuning, frozen_genes
from evo_nas.strategies.replication import Replication
from evo_nas.strategies.trials import Trials
from evo_nas.weights import BANK

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence

    from evo_nas.evaluation import Evaluation
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.revisits import Revisit
    from evo_nas.strategies.suggestions import Inbox
    from evo_nas.strategies.trials import Trial

OWN_DRAWS = 32
"""Draws for one candidate, all of them known or infeasible, after which a strategy goes on by chance."""
REDRAWS = 128
"""Draws after which the space counts as exhausted: so many by chance find one that is left of ten nearly always."""


ONCE = FitnessOptions(rungs=None)
"""Every candidate is trained once, to the end."""


class StrategyOptions(BaseModel):
    """Base of the options that follow ``strategy.kind`` in a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def following(self, evaluations: int) -> Self:  # noqa: ARG002 - the contract's signature
        """Returns these options with those filled in that follow the budget and were left out.

        Args:
            evaluations: Candidates that the search is expected to evaluate.
        """
        return self


OptionsT_co = TypeVar("OptionsT_co", bound=StrategyOptions, covariant=True)


class Terms(TypedDict, total=False):
    """What every strategy is built with, beside the space and its own options; a subclass hands it on whole.

    Attributes:
        seed: The run's seed.
        epochs: Epochs of training of every candidate for which the strategy chooses no other number.
        fitness: How candidates are scored; by default each is trained once, to the end.
        cuts: Cuts of the training and validation rows; new candidates learn from the first.
        founders: Networks that are known to be good, the best first; by default those of the space.
        inbox: Where suggestions from outside wait, for a strategy that takes them.
    """

    seed: Required[int]
    epochs: Required[int]
    fitness: NotRequired[FitnessOptions]
    cuts: NotRequired[int]
    founders: NotRequired[Sequence[Founder]]
    inbox: NotRequired[Inbox]


class Strategy(ABC, Generic[OptionsT_co]):
    """Chooses the next candidates.

    The loop that uses it::

        while not stopping(progress):
            executor.submit(strategy.ask(executor.free_slots()))
            evaluations = executor.collect(timeout_s=1.0)
            ledger.append(evaluations, born=...)     # commit first
            strategy.tell(evaluations)               # then tell

    Laws, which `evo_nas.testing.strategies` holds every implementation to:

    * The state is a function of the configuration, the candidates asked and the evaluations told, in
      order. A strategy is rebuilt by `resume`; nothing is ever pickled.
    * Candidate ``k`` depends on the run seed, ``k``, the evaluations told before it was asked and the
      candidates with smaller ids; never on time, on the batch size or on which process asks.
    * A candidate is told once, and only after it was asked.
    * No two candidates of a run mean the same architecture trained for as many epochs; those in flight count. Only a
      revisit trains one again, and says which.

    A subclass names its ``kind`` and its ``Options`` and fills two hooks: `_propose` draws a genome, `_learn`
    takes in trials. Rungs, confirmations and repeats are made here, the same for every strategy. One that proposes long
    trainings fills `_learn_long`, too: these are no trials, so that nothing ever ranks, repeats or promotes them.

    Args:
        space: The search space.
        options: Options of this strategy; the defaults if None.
        terms: What every strategy is built with.

    Raises:
        ConfigError: The strategy cannot serve the space or this way of scoring.
    """

    kind: ClassVar[str]
    Options: type[OptionsT_co]
    breeds: ClassVar[bool] = False
    """Whether it names parents whose weights a child may inherit."""
    shares_weights: ClassVar[bool] = False
    """Whether all its candidates, the founders included, begin with the weights of the bank if there is one."""
    trains_long: ClassVar[bool] = False
    """Whether it asks for long trainings, which leave weights in the run, and which need data to train on."""
    takes_suggestions: ClassVar[bool] = False
    """Whether another program can propose networks for it."""
    extra: ClassVar[str] = ""
    """Optional dependencies that it needs, as in ``pip install 'evo-nas[EXTRA]'``; empty for none."""
    least_objectives: ClassVar[int] = 1
    """Objectives that ``fitness.objectives`` has to name at least."""

    def __init__(
        self, space: SearchSpace, options: OptionsT_co | None = None, **terms: Unpack[Terms]
    ) -> None:
        self._space = space
        self._options = (options or self.Options()).following(DEFAULT_EVALUATIONS)
        self._seed = terms["seed"]
        self._epochs = epochs = terms["epochs"]
        self._fitness = terms.get("fitness") or ONCE
        check_objectives(type(self), self._fitness)
        self._founders = tuple(terms.get("founders") or (Founder(*named) for named in space.seeds()))
        self._frozen = frozen_genes(space, self._fitness, epochs)
        self._trials = Trials()
        self._promotions = Promotions(self._fitness, epochs, noise=self._noise_of_seeds)
        self._replication = Replication(self._trials, self._fitness, cuts=terms.get("cuts", 1))
        revisits: list[Revisit] = [self._replication, self._promotions]
        if self._fitness.inheritance != "none":
            revisits.append(FromScratch())
        if self._frozen:
            revisits.append(RegularisationTuning(space))
        self._revisits = tuple(revisits)
        self._awaited: dict[int, Trial] = {}
        self._asked = 0
        self._told = 0
        self._in_flight: set[int] = set()
        # The weights that candidates in flight begin with, by the ids of these.
        self._begun_with: dict[int, str] = {}
        # By epochs, since a set of pairs would cost a tuple more for every candidate of a long run.
        self._known: defaultdict[int, set[str]] = defaultdict(set)

    @property
    def objectives(self) -> tuple[str, ...]:
        """Names of what is optimised, the fitness first; see `config.objectives`."""
        return self._fitness.objectives

    def ask(self, n: int, *, left: int | None = None) -> list[Candidate]:
        """Returns the next ``n`` candidates, ids ascending; fewer when the space is exhausted.

        Args:
            n: How many are wanted.
            left: How many the budget still permits, ``n`` included. Nothing new is begun that would leave no room for
                what those in flight will need to go on. None for no limit.
        """
        candidates: list[Candidate] = []
        while len(candidates) < n:
            candidate = self._next(revisits_only=left is not None and self._is_tight(left - len(candidates)))
            if candidate is None:
                break
            self._remember_asked([candidate])
            candidates.append(candidate)
        return candidates

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Updates the state with evaluations, in the given order.

        Raises:
            ValueError: A candidate was never asked, or is told a second time.
        """
        for evaluation in evaluations:
            if evaluation.candidate.id not in self._in_flight:
                raise ValueError(f"candidate {evaluation.candidate.id} is told but not in flight")
            self._in_flight.remove(evaluation.candidate.id)
            self._begun_with.pop(evaluation.candidate.id, None)
        for evaluation in evaluations:
            # One by one, since a trial changes with each: told together, they must give the same state.
            self._told += 1
            if evaluation.candidate.trains:
                self._learn_long(evaluation)
                continue
            trial = self._settled(evaluation)
            if trial is not None:
                self._learn([trial])

    def resume(self, told: Sequence[Evaluation], in_flight: Sequence[Candidate]) -> None:
        """Rebuilds the state from a ledger: the told evaluations in order, and the candidates in flight.

        Candidates that were asked after the last commit are in neither list; `ask` gives them again. A gap in
        the ids, left by an accepted loss, stays a gap.

        Raises:
            ValueError: This strategy was already asked, or an id repeats.
        """
        if self._asked:
            raise ValueError("only a fresh strategy can be resumed")
        self._remember_asked(evaluation.candidate for evaluation in told)
        self._remember_asked(in_flight)
        if len(self._in_flight) != len(told) + len(in_flight):
            raise ValueError("an id is told or in flight twice")
        self.tell(told)

    def follow(self, recorded: Sequence[Candidate]) -> None:
        """Prepares a fresh strategy for asking again for candidates that are ``recorded``.

        Only one that takes part of its candidates from outside has to know them.
        """

    def statistics(self) -> Mapping[str, float]:
        """Returns statistics of the current population's fitness, and what else it tells; empty if there is none."""
        return {}

    def wanted_weights(self) -> set[str]:
        """Returns the digests of kept weights that a candidate in flight begins with, or that a later one may.

        Whatever else was told is removed from the run, after the commit that made it superfluous.
        """
        self._awaited = {trial.candidate.id: trial for trial in self._unsettled}
        wanted = {*self._begun_with.values(), *(trial.outcome.weights for trial in self._awaited.values())}
        wanted |= {founder.weights for founder in self._founders[self._asked :]}
        return wanted.union(*(revisit.wanted_weights() for revisit in self._revisits)) - {"", BANK}

    @abstractmethod
    def _propose(self, k: int, rng: random.Random) -> Proposal | None:
        """Returns a genome for candidate ``k``; called again, with ``rng`` advanced, if the genome is unusable.

        None says that nothing is left to propose, as far as is known now.
        """

    def _learn(self, trials: Sequence[Trial]) -> None:
        """Updates the state with trials that were just settled, in order.

        A trial is settled when nothing more is awaited of it: it failed, was pruned or is complete. One that goes on
        later, or is repeated, is settled again.
        """

    def _learn_long(self, evaluation: Evaluation) -> None:
        """Takes in a stretch of a long training that this strategy had proposed."""

    def _settled(self, evaluation: Evaluation) -> Trial | None:
        """Adds an evaluation to its trial and returns that, unless another training of it is awaited."""
        trial = self._trials.add(evaluation)
        for revisit in self._revisits:
            revisit.learn(trial)
        if self._awaits(trial):
            self._awaited[trial.candidate.id] = trial
            return None
        self._awaited.pop(trial.candidate.id, None)
        return trial

    @property
    def _unsettled(self) -> list[Trial]:
        """The trials of which another training is awaited, without those that a revisit gave up without a word."""
        return [trial for trial in self._awaited.values() if self._awaits(trial)]

    def _awaits(self, trial: Trial) -> bool:
        return any(revisit.awaits(trial) for revisit in self._revisits)

    def _weights_of(self, parent: Trial) -> str:
        """Returns what a child of ``parent`` starts from; empty for scratch."""
        if self._fitness.inheritance == "bank":
            return BANK
        # What a pruned training left is no network but a training to go on with.
        inherits = self._fitness.inheritance == "parent" and parent.outcome.status.complete
        return parent.outcome.weights if inherits else ""

    @property
    def _shared_weights(self) -> str:
        """What a candidate without parents starts from; empty for scratch."""
        return BANK if self.shares_weights and self._fitness.inheritance == "bank" else ""

    def _is_tight(self, left: int) -> bool:
        """Whether ``left`` more hardly suffice for those in flight and one more to go on or be trained again."""
        share = self._promotions.share + self._replication.share
        return bool(self._in_flight) and left - 1 < share * (len(self._in_flight) + 1)

    def _next(self, *, revisits_only: bool = False) -> Candidate | None:
        # A generator of its own for each candidate, so that the size of a batch changes nothing.
        rng = stream(self._seed, "ask", self._asked)
        for revisit in self._revisits:
            again = revisit.propose(self._asked, rng)
            if again is not None and self._is_wanted(again):
                return self._candidate(again)
        if revisits_only:
            return None
        for attempt in range(REDRAWS):
            # A strategy that only repeats itself goes on by chance before the space counts as exhausted.
            own = attempt < OWN_DRAWS
            proposal = self._propose(self._asked, rng) if own else self._by_chance(rng)
            if proposal is None:
                return None
            if self._frozen and proposal.is_prunable:
                proposal = replace(proposal, genome=self._usual(proposal.genome))
            # A long training goes on as a revisit; no strategy has others of its own.
            if self._is_wanted(proposal):
                return self._candidate(proposal)
        return None

    def _candidate(self, proposal: Proposal) -> Candidate:
        canonical_hash = self._identity(proposal)
        epochs = self._epochs_of(proposal)
        plan = self._plan(proposal)
        # The first training's seed needs no number, so that it is the same with and without repeats.
        again = (proposal.repetition,) if proposal.repetition else ()
        return Candidate(
            id=self._asked,
            genome=proposal.genome,
            canonical_hash=canonical_hash,
            parents=proposal.parents,
            operator=proposal.operator,
            seed=derive_seed(self._seed, "training", canonical_hash, epochs, *again),
            budget=epochs,
            asked_after=self._told,
            rungs=plan.rungs,
            thresholds=plan.thresholds,
            cut=proposal.cut,
            repeats=proposal.repeats,
            continues=proposal.continues,
            starts_from=proposal.starts_from,
            trains=proposal.trains,
        )

    def _identity(self, proposal: Proposal) -> str:
        """Returns the canonical hash of what is trained: an architecture, or a long training and what surrounds it."""
        canonical_hash = self._space.canonical_hash(proposal.genome)
        return hash_of_json(f"{proposal.trains} {canonical_hash}") if proposal.trains else canonical_hash

    def _noise_of_seeds(self) -> float | None:
        noise = self._trials.noise.seeds
        return None if noise is None else noise.std

    def _plan(self, proposal: Proposal) -> Plan:
        if not proposal.is_prunable:
            paused = proposal.pauses_after
            return Plan() if paused is None else Plan((paused,), (math.inf,))
        is_inherited = bool(proposal.starts_from) and proposal.continues is None
        return self._promotions.plan(
            Bracket(self._epochs_of(proposal), proposal.is_inherited or is_inherited), above=proposal.done
        )

    def _founder(self, k: int) -> Proposal | None:
        """Returns the founder that candidate ``k`` is, or None; the first candidates are the founders, in order."""
        if k >= len(self._founders):
            return None
        proposal = self._founding(self._founders[k])
        # In a small space two names may mean the same architecture; what the strategy likes then replaces the second.
        return proposal if self._is_new(proposal) else None

    def _founding(self, founder: Founder) -> Proposal:
        """Returns the proposal that ``founder`` is."""
        return Proposal(
            founder.genome,
            parents=(),
            operator=founder.operator,
            starts_from=founder.weights or self._shared_weights,
        )

    def _by_chance(self, rng: random.Random) -> Proposal:
        return Proposal(
            self._space.random(rng), parents=(), operator="random", starts_from=self._shared_weights
        )

    def _usual(self, genome: Genome) -> Genome:
        """Returns ``genome`` as it is asked: with the usual regularisation where short trainings cannot judge it."""
        return self._space.with_default_regularisation(genome) if self._frozen else genome

    def _is_wanted(self, proposal: Proposal) -> bool:
        return proposal.is_revisit or self._is_new(proposal)

    def _is_new(self, proposal: Proposal) -> bool:
        """Whether the genome can be built, and its architecture was never asked for as many epochs."""
        # The cheaper check comes first; feasibility needs the number of parameters.
        is_known = self._identity(proposal) in self._known[self._epochs_of(proposal)]
        return not is_known and self._space.is_feasible(proposal.genome)

    def _epochs_of(self, proposal: Proposal) -> int:
        return self._epochs if proposal.epochs is None else proposal.epochs

    def _remember_asked(self, candidates: Iterable[Candidate]) -> None:
        for candidate in candidates:
            self._known[candidate.budget].add(candidate.canonical_hash)
            self._in_flight.add(candidate.id)
            if candidate.starts_from:
                self._begun_with[candidate.id] = candidate.starts_from
            for revisit in () if candidate.trains else self._revisits:
                revisit.asked(candidate)
            # Not a count: ids that a damaged ledger lost must not be used again.
            self._asked = max(self._asked, candidate.id + 1)


def check_objectives(strategy: type[Strategy[StrategyOptions]], fitness: FitnessOptions) -> None:
    """Checks that there are as many objectives as ``strategy`` needs.

    Raises:
        ConfigError: There are fewer.
    """
    if len(fitness.objectives) < strategy.least_objectives:
        raise ConfigError(
            f"fitness.objectives is [{', '.join(fitness.objectives)}]; strategy.kind {strategy.kind} needs at least "
            f"{strategy.least_objectives}: name another, such as parameters, or choose another kind, such as aging"
        )
