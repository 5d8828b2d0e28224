"""What the strategies with a Gaussian process share: when it is fitted, what it learns, which genomes it prefers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.config.objectives import FITNESS
from evo_nas.errors import ConfigError
from evo_nas.strategies.encoding import Encoder
from evo_nas.strategies.observations import Observations

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Container, Iterable, Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.genome.space import Genome, SearchSpace
    from evo_nas.strategies.gaussian_process import Hyperparameters
    from evo_nas.strategies.trials import Trial

    Scorer = Callable[[Sequence[Genome]], list[float]]


class BayesianOptimizer:
    """Predicts which genomes improve on what is known.

    Its state is a function of the trials that it learnt, in order: a fit depends on the data at fixed numbers of trials
    and on nothing that was fitted before. It is made when it is needed first, so that a long history costs one fit.

    Args:
        space: The search space.
        kind: Kind of the strategy, for the error.
        initial: Trials with a score before the first fit.
        trials: Trials that the process knows at most: the best and the latest.
        positions: Positions of the genes that it knows; all that vary, and the cells as graphs, if None.
        objectives: Names of what is optimised, the fitness first.

    Attributes:
        observations: What was learnt.

    Raises:
        ConfigError: BoTorch is not installed.
    """

    def __init__(
        self,
        space: SearchSpace,
        *,
        kind: str,
        initial: int,
        trials: int,
        positions: frozenset[int] | None = None,
        objectives: Sequence[str] = (FITNESS,),
    ) -> None:
        try:
            # Here, since it imports torch and BoTorch.
            from evo_nas.strategies import gaussian_process  # noqa: PLC0415
        except ImportError as error:
            raise ConfigError(
                f"strategy.kind is {kind}, which needs BoTorch; run pip install 'evo-nas[bayes]', or choose another "
                "strategy"
            ) from error
        self._process = gaussian_process
        graphs = positions is None and space.cell_code is not None
        self._encoder = Encoder(space, positions=positions, graphs=graphs)
        self._objectives = tuple(objectives)
        self.observations = Observations(initial, most=trials, objectives=objectives)
        self._asked: dict[int, Genome] = {}
        self._fitted: tuple[object, Hyperparameters] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether enough is known for a first fit."""
        return self.observations.fit_data is not None

    def remember(self, candidates: Iterable[Candidate]) -> None:
        """Takes in candidates that were asked; what trains a network again has a target already."""
        self._asked |= {
            each.id: each.genome for each in candidates if each.continues is None and each.repeats is None
        }

    def pending(self, in_flight: Container[int], awaited: Iterable[Trial]) -> list[Genome]:
        """Returns the genomes that have no target yet, by their ids.

        Args:
            in_flight: Ids of the candidates in flight.
            awaited: Trials that will be settled when a further training is told.
        """
        self._asked = {number: genome for number, genome in self._asked.items() if number in in_flight}
        told = {trial.candidate.id: trial.candidate.genome for trial in awaited}
        return [genome for _, genome in sorted((self._asked | told).items())]

    def scorer(self, pending: Sequence[Genome], rng: random.Random) -> Scorer:
        """Returns what says of genomes how much they promise, the higher the better.

        Args:
            pending: Genomes without a target.
            rng: Draws how much each of several objectives counts.
        """
        hyperparameters = self._hyperparameters()
        weights = {name: rng.expovariate(1.0) for name in self._objectives}
        genomes, targets = self.observations.training(weights)
        encoder = self._encoder
        process = self._process.GaussianProcess(
            encoder.blocks,
            hyperparameters,
            rows=encoder.rows(genomes),
            targets=targets,
            pending=encoder.rows(pending),
        )
        return lambda wanted: process.log_improvement(encoder.rows(wanted))

    def _hyperparameters(self) -> Hyperparameters:
        data = self.observations.fit_data
        assert data is not None, "nothing is asked of it before it is ready"
        if self._fitted is None or self._fitted[0] is not data:
            genomes, targets = data
            rows = self._encoder.rows(genomes)
            self._fitted = data, self._process.fitted(self._encoder.blocks, rows, targets)
        return self._fitted[1]
