"""Ray Tune's searchers over the genes of a space; it loads Ray, so it is imported when such a strategy is built.

Liaw et al., "Tune: A Research Platform for Distributed Model Selection and Training", 2018.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ray import tune
from ray.air.constants import TRAINING_ITERATION

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ray.tune.search import Searcher

    from evo_nas.genome.gene import Gene, Genome

METRIC = "fitness"
Point = dict[str, Any]
"""A value for each gene that can vary, as a searcher has it."""


@dataclass(frozen=True, slots=True)
class Library:
    """A library that Tune has a searcher for.

    Attributes:
        module: Its module.
        build: Makes Tune's searcher.
        is_continuous: Whether it knows real numbers only, so that a gene is the part of a line that a number falls on.
        learns_pruned: Whether it can learn that a training was pruned, and later that it went on.
    """

    module: str
    build: Callable[..., Searcher]
    is_continuous: bool = False
    learns_pruned: bool = False


def _optuna(*, seed: int, startup: int, points: list[Point]) -> Searcher:
    import optuna  # noqa: PLC0415 - only this searcher needs it
    from ray.tune.search.optuna import OptunaSearch  # noqa: PLC0415

    # What is in flight counts as poor, so that its neighbours are not asked before it is known.
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)
    return OptunaSearch(metric=METRIC, mode="max", sampler=sampler, points_to_evaluate=points)


def _hyperopt(*, seed: int, startup: int, points: list[Point]) -> Searcher:
    from ray.tune.search.hyperopt import HyperOptSearch  # noqa: PLC0415

    return HyperOptSearch(
        metric=METRIC,
        mode="max",
        random_state_seed=seed,
        n_initial_points=startup,
        points_to_evaluate=points or None,
    )


def _bayesopt(*, seed: int, startup: int, points: list[Point]) -> Searcher:  # noqa: ARG001 - it models from the start
    from ray.tune.search.bayesopt import BayesOptSearch  # noqa: PLC0415

    # It may neither wait for results nor end by itself: how many are asked at once must not change what is asked.
    return BayesOptSearch(
        metric=METRIC,
        mode="max",
        random_state=seed,
        random_search_steps=0,
        skip_duplicate=False,
        patience=2**62,
        points_to_evaluate=points,
    )


LIBRARIES: Mapping[str, Library] = {
    "optuna": Library("optuna", _optuna, learns_pruned=True),
    "hyperopt": Library("hyperopt", _hyperopt),
    "bayesopt": Library("bayes_opt", _bayesopt, is_continuous=True),
}
"""The searchers that ask the same again when they are rebuilt; each was tested."""


class GeneSearcher:
    """One of Tune's searchers over the genes that can vary; the others have one value anyway.

    Args:
        name: Which one.
        genes: The genes of the space.
        seed: Seed of its own generator.
        startup: Results before it begins to model, if it can be told.
        founders: Genomes that it suggests first.

    Raises:
        ConfigError: Its library is not installed.
    """

    def __init__(
        self, name: str, genes: Sequence[Gene], *, seed: int, startup: int, founders: Sequence[Genome]
    ) -> None:
        self._library = library = LIBRARIES[name]
        try:
            import_module(library.module)
        except ImportError as error:
            raise ConfigError(
                f"searcher is {name}, whose library cannot be imported ({error}); install it with "
                "`pip install 'evo-nas[tune]'`"
            ) from error
        self._genes = {gene.name: (place, gene) for place, gene in enumerate(genes) if gene.size > 1}
        self._default = tuple(gene.default for gene in genes)
        self._points: dict[str, Point] = {}
        with _quiet():
            # A generator of NumPy takes no larger seed.
            self._searcher = library.build(
                seed=seed % 2**31, startup=startup, points=[self._point(genome) for genome in founders]
            )
            space = {name: self._domain(gene) for name, (_, gene) in self._genes.items()}
            self._searcher.set_search_properties(METRIC, "max", space)

    def suggest(self, key: str) -> Genome:
        """Returns the next genome, which counts as in flight under ``key`` until it is told."""
        if not self._genes:
            return self._default
        with _quiet():
            point = self._searcher.suggest(key)
        assert isinstance(point, dict), "these searchers neither wait nor end"
        self._points[key] = point
        return self._genome(point)

    def complete(self, key: str, fitness: float) -> None:
        """Tells the score of a suggestion."""
        self._tell(key, {METRIC: fitness, TRAINING_ITERATION: 1})

    def fail(self, key: str) -> None:
        """Tells that a suggestion has no score."""
        self._tell(key, None, error=True)

    def prune(self, key: str, fitness: float, *, epochs: int) -> None:
        """Tells that the training of a suggestion was pruned after ``epochs``, with ``fitness``."""
        self._searcher.on_trial_result(key, {METRIC: fitness, TRAINING_ITERATION: epochs})
        self._tell(key, None)

    def complete_later(self, key: str, fitness: float) -> None:
        """Tells the score of a suggestion whose training was pruned and has gone on."""
        self._searcher.add_evaluated_point(self._points[key], fitness)

    def _tell(self, key: str, result: dict[str, Any] | None, *, error: bool = False) -> None:
        if self._genes:
            with _quiet():
                self._searcher.on_trial_complete(key, result, error=error)

    def _domain(self, gene: Gene) -> object:
        if self._library.is_continuous:
            return tune.uniform(0.0, float(gene.size))
        return tune.randint(0, gene.size) if gene.ordered else tune.choice(list(range(gene.size)))

    def _point(self, genome: Genome) -> Point:
        shift = 0.5 if self._library.is_continuous else 0
        return {name: genome[place] + shift for name, (place, _) in self._genes.items()}

    def _genome(self, point: Point) -> Genome:
        values = list(self._default)
        for name, (place, gene) in self._genes.items():
            values[place] = min(int(point[name]), gene.size - 1)
        return tuple(values)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the libraries from writing and warning about every step; their settings stay as they were."""
    levels = {name: logging.getLogger(name).level for name in ("optuna", "hyperopt")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for name in levels:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
