"""Differential evolution: a child is made of differences between others, and replaces its target if it is as good.

Storn and Price, "Differential Evolution - A Simple and Efficient Heuristic for Global Optimization over Continuous
Spaces", J. Global Optimization 1997. Brest, Greiner, Boskovic, Mernik and Zumer, "Self-Adapting Control Parameters in
Differential Evolution", IEEE TEVC 2006, is jDE: step and crossover rate belong to a target and survive with the child
that used them. A difference is added to one of the best targets (best/1/bin, with the best fifth for the best, as in
JADE. Zhang and Sanderson, "JADE: Adaptive Differential Evolution with Optional External Archive", IEEE TEVC 2009).
Steady-state and asynchronous: one target at a time, and a child competes with whoever is there when it comes back.

`differences` says how genes that are choices are added and subtracted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple
from weakref import WeakSet

from pydantic import Field

from evo_nas.randomness import stream
from evo_nas.strategies.differences import difference_added
from evo_nas.strategies.from_scratch import FROM_SCRATCH
from evo_nas.strategies.mutation import moved
from evo_nas.strategies.operators import Individual, fitness_statistics
from evo_nas.strategies.pareto import ranked
from evo_nas.strategies.strategy import Proposal, Strategy, StrategyOptions
from evo_nas.strategies.trials import Trial

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from typing import Self, Unpack

    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.strategy import Terms

LEAST_POPULATION, MOST_POPULATION = 10, 50
POPULATION_SHARE = 1 / 50
FEWEST = 4
"""A target and three others: the one that is moved, and two that differ."""
BEST_SHARE = 0.2
"""Of the targets, one of which is moved. On NK landscapes rand/1 is far behind, and so is JADE's current-to-pbest/1."""
LEAST_STEP, MOST_STEP = 0.1, 1.0
RENEWED = 0.1
"""Chance that a child draws a step of its own, and as often a crossover rate; the values of the paper."""


class Control(NamedTuple):
    """What jDE adapts.

    Attributes:
        step: By how much a difference is scaled; F in the papers.
        crossover: Chance that a gene comes from the mutant and not from the target; CR in the papers.
    """

    step: float
    crossover: float


USUAL = Control(0.5, 0.9)
"""Where the paper begins."""


class DifferentialOptions(StrategyOptions):
    """Options of differential evolution.

    Attributes:
        population: Number of targets; a fiftieth of the evaluations, 10 to 50, unless given.
    """

    population: int | None = Field(
        default=None, ge=FEWEST, description="since a child needs a target and three others", examples=[20]
    )

    def following(self, evaluations: int) -> Self:
        """Returns these options with those filled in that follow the budget and were left out."""
        followed = max(LEAST_POPULATION, min(MOST_POPULATION, int(POPULATION_SHARE * evaluations)))
        return self.model_copy(update={"population": self.population or followed})


class DifferentialEvolution(Strategy[DifferentialOptions]):
    """Moves each of a few targets by differences of the others, by steps that adapt themselves.

    A target is a trial that may breed: complete, or paused where all trainings are for now. What failed or was pruned
    never becomes one. With several objectives the child has to stand before its target in the order of fronts and
    crowding.
    """

    kind: ClassVar[str] = "differential"
    Options = DifferentialOptions

    def __init__(
        self, space: SearchSpace, options: DifferentialOptions | None = None, **terms: Unpack[Terms]
    ) -> None:
        super().__init__(space, options, **terms)
        assert self._options.population is not None, "it follows the budget"
        self._slots: list[Individual | None] = [None] * self._options.population
        self._controls: dict[int, Control] = {}
        self._entered = WeakSet[Trial]()

    def statistics(self) -> Mapping[str, float]:
        """Returns size, mean, std, min and max of the targets' fitness."""
        return fitness_statistics(self._targets)

    @property
    def _targets(self) -> list[Individual]:
        return [each for each in self._slots if each is not None]

    def _slot_of(self, number: int) -> int:
        """Returns the place that candidate ``number`` competes for."""
        # Not in turns: repeats and promotions take numbers, too, and might always take those of the same place.
        return stream(self._seed, "target", number).randrange(len(self._slots))

    def _control_of(self, number: int, target: int) -> Control:
        """Returns what candidate ``number``, a child of ``target``, is made with: a function of the log."""
        # The usual ones where a damaged ledger has lost the target.
        inherited = self._controls.get(target, USUAL)
        rng = stream(self._seed, "control", number)
        drawn = _drawn(rng)
        return Control(
            drawn.step if rng.random() < RENEWED else inherited.step,
            drawn.crossover if rng.random() < RENEWED else inherited.crossover,
        )

    def _propose(self, k: int, rng: random.Random) -> Proposal:
        target, targets = self._slots[self._slot_of(k)], self._targets
        if target is None or len(targets) < FEWEST:
            return self._founder(k) or self._by_chance(rng)
        base = rng.choice(self._ranked(targets)[: max(1, round(BEST_SHARE * len(targets)))])
        others = rng.sample([each for each in targets if each is not target and each is not base], 2)
        control = self._control_of(k, target.trial.candidate.id)
        mutant = self._mutant([base, *others], control.step, rng)
        genome = self._crossed(tuple(target), mutant, control, rng)
        # The best target may be the one that is moved, too.
        ids = tuple(dict.fromkeys(each.trial.candidate.id for each in (target, base, *others)))
        return Proposal(genome, ids, self.kind)

    def _mutant(self, three: Sequence[Individual], step: float, rng: random.Random) -> Genome:
        return tuple(
            difference_added(gene, values, step=step, rng=rng)
            for gene, values in zip(self._space.genes, zip(*three, strict=True), strict=True)
        )

    def _crossed(self, target: Genome, mutant: Genome, control: Control, rng: random.Random) -> Genome:
        """Returns a child that differs from ``target``: by a random step if the others gave it nothing new."""
        child = tuple(
            its if rng.random() < control.crossover else mine
            for mine, its in zip(target, mutant, strict=True)
        )
        if self._space.canonical_hash(child) != self._space.canonical_hash(target):
            return child
        # The paper forces one gene of the mutant, but where the targets agree that changes nothing either.
        active = self._space.active_genes(child)
        if not active:
            return child
        changed = list(child)
        position = rng.choice(active)
        changed[position] = moved(self._space.genes[position], child[position], rng)
        return tuple(changed)

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            is_new = trial not in self._entered and trial.candidate.operator != FROM_SCRATCH
            if trial.may_breed and is_new:
                self._entered.add(trial)
                self._compete(Individual(trial))
            elif not trial.may_breed and trial in self._entered:
                # With another seed it failed, as its children might.
                self._slots = [None if each and each.trial is trial else each for each in self._slots]

    def _compete(self, child: Individual) -> None:
        candidate = child.trial.candidate
        self._controls[candidate.id] = (
            self._control_of(candidate.id, candidate.parents[0])
            if candidate.parents
            else _drawn(stream(self._seed, "control", candidate.id))
        )
        slot = self._slots.index(None) if None in self._slots else self._slot_of(candidate.id)
        target = self._slots[slot]
        if target is None or self._is_as_good(child, target):
            self._slots[slot] = child

    def _is_as_good(self, child: Individual, target: Individual) -> bool:
        """Whether ``child`` does not stand behind ``target``; equal ones drift, as neutral genes do."""
        others = [each for each in self._targets if each is not target]
        order = self._ranked([child, target, *others])
        return next(each for each in order if each is child or each is target) is child

    def _ranked(self, targets: Sequence[Individual]) -> list[Individual]:
        return ranked(targets, noise=self._trials.noise.overall, objectives=self.objectives)


def _drawn(rng: random.Random) -> Control:
    # Those without parents draw, too, where the paper begins with 0.5 and 0.9: a target has a few dozen children in a
    # search, too few to find a rate of its own.
    return Control(rng.uniform(LEAST_STEP, MOST_STEP), rng.random())
