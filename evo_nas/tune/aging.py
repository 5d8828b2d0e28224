"""`AgingEvolutionSearch`: aging evolution as a searcher of Ray Tune.

Its state is what it was asked and told, in order. That is what it saves, as JSON, and what it is rebuilt from.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray.air.constants import TRAINING_ITERATION
from ray.tune.result import DEFAULT_METRIC
from ray.tune.search import UNDEFINED_METRIC_MODE, UNDEFINED_SEARCH_SPACE, Searcher

from evo_nas.errors import ConfigError
from evo_nas.evaluation import Evaluation, Outcome, Status
from evo_nas.genome.space import SearchSpace
from evo_nas.strategies.aging import AgingEvolution, AgingOptions
from evo_nas.tune.domains import DomainSpace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.evaluation import Candidate

FORMAT = 1


class AgingEvolutionSearch(Searcher):
    """Aging evolution for any `Tuner`.

    For example::

        search = AgingEvolutionSearch(metric="loss", mode="min", evaluations=200)
        tuner = tune.Tuner(
            train,
            param_space={"rate": tune.loguniform(1e-4, 1e-1), "width": tune.choice([32, 64, 128])},
            tune_config=tune.TuneConfig(search_alg=ConcurrencyLimiter(search, 4), num_samples=200),
        )

    Over a `SearchSpace` a configuration has ``genome``, a list for ``space.decode``, and ``architecture``, the same as
    JSON.

    A trial that failed, or reported no finite number, is known as failed and never breeds. With ``max_t`` a trial that
    a scheduler stopped before as many iterations counts as pruned: it is never compared with complete ones.

    Args:
        space: A search space of Tune, or one of this package; None for the ``param_space`` of the tuner.
        metric: Name of what trials report; that of the tuner by default.
        mode: ``min`` or ``max``; that of the tuner by default.
        points_to_evaluate: Configurations to begin with; not for a `SearchSpace`, which has founders.
        seed: Seed of its choices.
        evaluations: Trials that are expected; population, tournament and warm-up follow it.
        resolution: Values of a continuous number.
        max_t: Iterations of a complete trial; None if all that end are complete.
        options: Options of the evolution.

    Raises:
        ConfigError: The space cannot be searched.
    """

    def __init__(  # noqa: PLR0913 - the arguments that searchers of Tune have, and its own
        self,
        space: Mapping[str, Any] | SearchSpace | None = None,
        metric: str | None = None,
        mode: str | None = None,
        *,
        points_to_evaluate: Sequence[Mapping[str, Any]] | None = None,
        seed: int = 1,
        evaluations: int = 120,
        resolution: int = 65,
        max_t: int | None = None,
        options: AgingOptions | None = None,
    ) -> None:
        if mode not in (None, "min", "max"):
            raise ConfigError(f"mode is {mode!r}; must be min or max")
        super().__init__(metric=metric, mode=mode)
        if metric is None and mode is not None:
            self._metric = DEFAULT_METRIC
        self._points = tuple(points_to_evaluate or ())
        self._seed = seed
        self._resolution = resolution
        self._max_t = max_t
        self._aging = (options or AgingOptions()).following(evaluations)
        self._events: list[dict[str, Any]] = []
        self._given = space
        self._space: DomainSpace | SearchSpace | None = None
        if space is not None:
            self._set_space(space)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **_: Any
    ) -> bool:
        """Takes from a tuner what was not given, and returns whether that was anything."""
        if self._space is not None and self._metric and self._mode:
            return False
        self._metric, self._mode = metric or self._metric, mode or self._mode
        if self._metric is None and self._mode is not None:
            self._metric = DEFAULT_METRIC
        self._set_space(config if self._given is None else self._given)
        return True

    def suggest(self, trial_id: str) -> Any:
        """Returns the configuration of a new trial, a mapping, or `FINISHED`, a text, if the space is exhausted."""
        if self._space is None:
            raise RuntimeError(UNDEFINED_SEARCH_SPACE.format(cls=type(self).__name__, space="space"))
        if not self._metric or not self._mode:
            raise RuntimeError(
                UNDEFINED_METRIC_MODE.format(cls=type(self).__name__, metric=self._metric, mode=self._mode)
            )
        candidate = self._asked(trial_id)
        if candidate is None:
            return Searcher.FINISHED
        self._events.append({"asked": trial_id})
        return self._config(candidate)

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,  # noqa: FBT001, FBT002 - Tune's
    ) -> None:
        """Learns what became of a trial; one that is not its own is ignored."""
        if trial_id not in self._candidates:
            return
        told = {
            "told": trial_id,
            "value": None if error or not result else _finite(result.get(str(self._metric))),
            "iterations": int((result or {}).get(TRAINING_ITERATION, 0)),
        }
        self._tell(told)
        self._events.append(told)

    def save(self, checkpoint_path: str) -> None:
        """Writes what it was asked and told, in order, as JSON."""
        content = {"format": FORMAT, "seed": self._seed, "genes": self._genes, "events": self._events}
        Path(checkpoint_path).write_text(json.dumps(content), encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Goes on from what `save` wrote; the space must be the same, and may be given later by a tuner.

        Raises:
            ConfigError: It was written by a searcher with another seed or space.
        """
        saved = json.loads(Path(checkpoint_path).read_text(encoding="utf-8"))
        if (saved["format"], saved["seed"]) != (FORMAT, self._seed):
            raise ConfigError(
                f"{checkpoint_path} has format {saved['format']} and seed {saved['seed']}; this searcher has {FORMAT} "
                f"and {self._seed}: build it as the one that was saved"
            )
        if self._space is not None and saved["genes"] != self._genes:
            raise ConfigError(f"{checkpoint_path} is of another search space; build the searcher as it was")
        self._events = list(saved["events"])
        if self._space is not None:
            self._replay()

    def __getstate__(self) -> dict[str, Any]:
        """Returns what rebuilds it, without the state of the evolution."""
        rebuilt = {"_strategy", "_space", "_candidates"}
        return {name: value for name, value in self.__dict__.items() if name not in rebuilt}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuilds it by replaying what it was asked and told."""
        self.__dict__.update(state)
        self._space = None
        if self._given is not None:
            self._set_space(self._given)

    @property
    def _genes(self) -> list[list[Any]]:
        return [] if self._space is None else [[gene.name, gene.size] for gene in self._space.genes]

    def _set_space(self, space: Mapping[str, Any] | SearchSpace) -> None:
        self._given = space
        if isinstance(space, SearchSpace):
            if self._points:
                raise ConfigError(
                    "points_to_evaluate is given with a SearchSpace, which has founders; leave it out"
                )
            self._space = space
        else:
            self._space = DomainSpace(space, resolution=self._resolution, points=self._points)
        self._replay()

    def _replay(self) -> None:
        """Builds the evolution anew and repeats all that it was asked and told."""
        space = self._space.as_search_space() if isinstance(self._space, DomainSpace) else self._space
        assert space is not None, "it is set before"
        self._strategy = AgingEvolution(space, self._aging, seed=self._seed, epochs=1)
        self._candidates: dict[str, Candidate] = {}
        for event in self._events:
            if "asked" in event:
                self._asked(event["asked"])
            else:
                self._tell(event)

    def _asked(self, trial_id: str) -> Candidate | None:
        for candidate in self._strategy.ask(1):
            self._candidates[trial_id] = candidate
            return candidate
        return None

    def _tell(self, told: Mapping[str, Any]) -> None:
        candidate = self._candidates.pop(told["told"])
        self._strategy.tell([Evaluation(candidate, self._outcome(told["value"], told["iterations"]))])

    def _outcome(self, value: float | None, iterations: int) -> Outcome:
        if value is None:
            return Outcome(Status.FAILED, error="the trial failed or reported no finite number")
        is_early = self._max_t is not None and iterations < self._max_t
        return Outcome(
            Status.PRUNED if is_early else Status.OK,
            fitness=value if self._mode == "max" else -value,
            metrics={str(self._metric): value},
            metric=str(self._metric),
            epochs=iterations,
        )

    def _config(self, candidate: Candidate) -> dict[str, Any]:
        if isinstance(self._space, DomainSpace):
            return self._space.config(candidate.genome)
        assert self._space is not None, "it was asked"
        return {
            "genome": list(candidate.genome),
            "architecture": self._space.to_json(candidate.genome),
        }


def _finite(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
