"""Strategies behind one small interface: ours as it is and as it was, and those of Optuna, DeepHyper and Nevergrad.

Each has a space of its own kind: ordered genes are integers, others are categories. Optuna, whose spaces are written as
programs, asks only for the genes that an architecture has.
"""

from __future__ import annotations

import logging
import tempfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.strategies.operators import Breeder
from evo_nas.strategies.random import RandomSearch

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.genome.space import Gene, Genome, SearchSpace
    from evo_nas.strategies.operators import Individual
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

INFEASIBLE = 10_000
"""Genomes that cannot be built, which cost nothing, after which a sampler counts as stuck."""


class Sampler(ABC):
    """Proposes genomes one after another.

    Args:
        space: Where to search.
        seed: Seed of all its draws.
        evaluations: How many genomes it will be asked for.
    """

    def __init__(self, space: SearchSpace, seed: int, evaluations: int) -> None:
        self.space = space
        self.seed = seed
        self.evaluations = evaluations

    @abstractmethod
    def ask(self) -> Genome | None:
        """Returns the next genome; None if it has no other."""

    @abstractmethod
    def tell(self, fitness: float | None) -> None:
        """Takes in the fitness of the genome that was asked last; None if its training failed."""


class Ours(Sampler):
    """Aging evolution with its defaults, which follow the number of evaluations."""

    def __init__(self, space: SearchSpace, seed: int, evaluations: int) -> None:
        super().__init__(space, seed, evaluations)
        self._strategy = self.strategy()
        self._asked: Candidate | None = None

    def strategy(self) -> Strategy[StrategyOptions]:
        """Returns the strategy."""
        return AgingEvolution(
            self.space, AgingOptions().following(self.evaluations), seed=self.seed, epochs=1
        )

    def ask(self) -> Genome | None:
        """Returns the genome of the next candidate."""
        self._asked = next(iter(self._strategy.ask(1)), None)
        return None if self._asked is None else self._asked.genome

    def tell(self, fitness: float | None) -> None:
        """Tells the strategy."""
        assert self._asked is not None, "something was asked"
        outcome = Outcome(Status.DIVERGED)
        if fitness is not None:
            outcome = Outcome(Status.OK, fitness=fitness, metrics={"validation_loss": -fitness}, epochs=1)
        self._strategy.tell([Evaluation(self._asked, outcome)])


class Chance(Ours):
    """Random search."""

    def strategy(self) -> Strategy[StrategyOptions]:
        """Returns the strategy."""
        return RandomSearch(self.space, seed=self.seed, epochs=1)


class Earlier(Ours):
    """Aging evolution as it was: tournaments of 5 among 50, a fifth of the children by crossover, one gene changed."""

    def strategy(self) -> Strategy[StrategyOptions]:
        """Returns the strategy."""
        options = AgingOptions(population=50, tournament=5, warmup=20, crossover=0.2)
        strategy = AgingEvolution(self.space, options, seed=self.seed, epochs=1)
        strategy._breeder = EarlierBreeder(self.space, tournament=5, crossover=0.2)
        return strategy


class EarlierBreeder(Breeder):
    """Changes one active gene: of the cell, the training or the network, mostly to a neighbour."""

    def __init__(self, space: SearchSpace, *, tournament: int, crossover: float) -> None:
        super().__init__(space, tournament=tournament, crossover=crossover)
        self._share = crossover
        groups: dict[str, list[int]] = {"cell": [], "training": [], "network": []}
        for position, gene in enumerate(space.genes):
            if gene.size > 1:
                prefix = gene.name.split(".", maxsplit=1)[0]
                groups[prefix if prefix in groups else "network"].append(position)
        self._groups = [positions for positions in groups.values() if positions]

    def breed(
        self,
        population: Sequence[Individual],
        rng: random.Random,
        *,
        mates: Sequence[Individual] | None = None,  # noqa: ARG002 - there was one population, and one rate
        rate_of: object = None,  # noqa: ARG002
    ) -> tuple[Genome, list[Individual], str]:
        """Returns a child, its parents and the operator."""
        mother = self._select(population, rng)
        child, parents = list(mother), [mother]
        if rng.random() < self._share:
            parents.append(self._select(population, rng))
            child = [rng.choice(pair) for pair in zip(*parents, strict=True)]
        active = set(self._space.active_genes(tuple(child)))
        while active:
            position = rng.choice(rng.choice(self._groups))
            child[position] = _neighbour(self._space.genes[position], child[position], rng)
            if position in active:
                break
        return tuple(child), parents, "mutation"


def _neighbour(gene: Gene, value: int, rng: random.Random) -> int:
    if gene.ordered and rng.random() < 0.75:
        return rng.choice([near for near in (value - 1, value + 1) if 0 <= near < gene.size])
    other = rng.randrange(gene.size - 1)
    return other if other < value else other + 1


class OptunaTpe(Sampler):
    """The tree-structured Parzen estimator, Optuna's default."""

    def __init__(self, space: SearchSpace, seed: int, evaluations: int) -> None:
        import optuna

        super().__init__(space, seed, evaluations)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._failed = optuna.trial.TrialState.FAIL
        self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        self._trial: Any = None

    def ask(self) -> Genome | None:
        """Returns the next genome that can be built; others are failed trials, which are not counted."""
        for _ in range(INFEASIBLE):
            self._trial = self._study.ask()
            genome = self._suggested()
            if self.space.is_feasible(genome):
                return genome
            self._study.tell(self._trial, state=self._failed)
        return None

    def tell(self, fitness: float | None) -> None:
        """Tells the study."""
        if fitness is None:
            self._study.tell(self._trial, state=self._failed)
        else:
            self._study.tell(self._trial, fitness)

    def _suggested(self) -> Genome:
        named: dict[str, int] = {}
        depth = next((gene for gene in self.space.genes if gene.name == "layers"), None)
        for gene in self.space.genes:
            layer = gene.name.partition(".")[0].removeprefix("layer")
            is_above = depth is not None and layer.isdigit() and int(layer) > depth.choices[named["layers"]]
            is_unused = gene.name.startswith("cell.") and not any(
                value == 0 for name, value in named.items() if _chooses_cell(name)
            )
            named[gene.name] = 0 if gene.size == 1 or is_above or is_unused else self._value(gene)
            if is_above and _chooses_cell(gene.name) and gene.size > 1:
                named[gene.name] = 1  # not the evolved cell, so that the genes of that are not asked for
        return tuple(named[gene.name] for gene in self.space.genes)

    def _value(self, gene: Gene) -> int:
        if gene.ordered:
            return int(self._trial.suggest_int(gene.name, 0, gene.size - 1))
        return int(self._trial.suggest_categorical(gene.name, list(range(gene.size))))


def _chooses_cell(name: str) -> bool:
    """Whether a gene chooses the cell of a layer; choice 0 is the evolved cell."""
    return name.startswith("layer") and name.endswith(".cell")


class DeepHyperSampler(Sampler):
    """What both searches of DeepHyper share."""

    def __init__(self, space: SearchSpace, seed: int, evaluations: int) -> None:
        from deephyper.hpo import HpProblem

        super().__init__(space, seed, evaluations)
        logging.getLogger("deephyper").setLevel(logging.ERROR)
        self._varying = [gene for gene in space.genes if gene.size > 1]
        problem = HpProblem()
        for gene in self._varying:
            choices = list(map(str, range(gene.size)))
            problem.add_hyperparameter((0, gene.size - 1) if gene.ordered else choices, _key(gene))
        self._folder = tempfile.TemporaryDirectory()
        self._search = self.search(problem, self._folder.name)
        self._asked: dict[str, Any] = {}

    @abstractmethod
    def search(self, problem: Any, folder: str) -> Any:
        """Returns the search."""

    def ask(self) -> Genome | None:
        """Returns the next genome that can be built; others are failures, which are not counted."""
        for _ in range(INFEASIBLE):
            self._asked = self._search.ask(1)[0]
            genome = tuple(int(self._asked[_key(gene)]) if gene.size > 1 else 0 for gene in self.space.genes)
            if self.space.is_feasible(genome):
                return genome
            self.tell(None)
        return None

    def tell(self, fitness: float | None) -> None:
        """Tells the search."""
        self._search.tell([(self._asked, "F_infeasible" if fitness is None else fitness)])


class DeepHyperCbo(DeepHyperSampler):
    """Bayesian optimisation with few trees, and candidates by sampling."""

    def search(self, problem: Any, folder: str) -> Any:
        """Returns the search."""
        from deephyper.hpo import CBO

        return CBO(
            problem,
            random_state=self.seed,
            log_dir=folder,
            surrogate_model="ET",
            surrogate_model_kwargs={"n_estimators": 25},
            acq_optimizer="sampling",
            # By default 100 failures end the search; here they are draws that cannot be built, which are not counted.
            acq_optimizer_kwargs={"max_total_failures": -1},
            checkpoint_history_to_csv=False,
        )


class DeepHyperEvolution(DeepHyperSampler):
    """Regularized evolution."""

    def search(self, problem: Any, folder: str) -> Any:
        """Returns the search."""
        from deephyper.hpo import RegularizedEvolution

        return RegularizedEvolution(
            problem, random_state=self.seed, log_dir=folder, checkpoint_history_to_csv=False
        )


class Nevergrad(Sampler):
    """The portfolio of mutation rates that Nevergrad recommends for discrete spaces."""

    def __init__(self, space: SearchSpace, seed: int, evaluations: int) -> None:
        import nevergrad as ng

        super().__init__(space, seed, evaluations)
        genes = {gene.name: _parameter(ng, gene) for gene in space.genes if gene.size > 1}
        parametrization = ng.p.Dict(**genes)
        parametrization.random_state.seed(seed)
        self._optimizer = ng.optimizers.PortfolioDiscreteOnePlusOne(parametrization, budget=evaluations)
        self._asked: Any = None

    def ask(self) -> Genome | None:
        """Returns the next genome that can be built; others are told as very bad, and are not counted."""
        for _ in range(INFEASIBLE):
            self._asked = self._optimizer.ask()
            values = self._asked.value
            genome = tuple(int(values[gene.name]) if gene.size > 1 else 0 for gene in self.space.genes)
            if self.space.is_feasible(genome):
                return genome
            self.tell(None)
        return None

    def tell(self, fitness: float | None) -> None:
        """Tells the optimizer, which minimises."""
        self._optimizer.tell(self._asked, 1e3 if fitness is None else -fitness)


def _parameter(ng: Any, gene: Gene) -> Any:
    if gene.ordered:
        return ng.p.Scalar(lower=0, upper=gene.size - 1).set_integer_casting()
    return ng.p.Choice(list(range(gene.size)))


def _key(gene: Gene) -> str:
    return gene.name.replace(".", "_")


SAMPLERS: dict[str, type[Sampler]] = {
    "evo-nas": Ours,
    "evo-nas before": Earlier,
    "random search": Chance,
    "Optuna TPE": OptunaTpe,
    "DeepHyper CBO": DeepHyperCbo,
    "DeepHyper evolution": DeepHyperEvolution,
    "Nevergrad": Nevergrad,
}
"""The samplers by the names of the table."""
