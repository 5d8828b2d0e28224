"""Checks the sections whose keys depend on a kind (task, strategy), on another room (space), or on the data."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from evo_nas.config import checked, configured, nearest
from evo_nas.data.paths import data_paths, resolved
from evo_nas.errors import ConfigError
from evo_nas.genome.blocks import Front, FrontKind
from evo_nas.genome.options import SpaceOptions, cells_under
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.strategies.strategy import check_objectives
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Self

    from pydantic import BaseModel

    from evo_nas.config import SearchConfig, TrainingConfig
    from evo_nas.config.fitness import Inheritance
    from evo_nas.strategies.strategy import Strategy, StrategyOptions
    from evo_nas.tasks.dataset import Dataset

Choice = TypeVar("Choice")


class Sections(NamedTuple):
    """The checked options of the sections that ``config`` itself cannot check."""

    strategy: StrategyOptions
    space: SpaceOptions
    task: BaseModel

    @classmethod
    def of(cls, config: SearchConfig) -> Self:
        """Checks every section as far as possible without data; relative data paths stay as written.

        Raises:
            ConfigError: An option is wrong.
        """
        strategy_class = _chosen(STRATEGIES, config.strategy, section="strategy")
        strategy = _strategy(config.strategy)
        _check_inheritance(config.fitness.inheritance, strategy_class)
        if config.warm_start.weights and config.fitness.inheritance != "parent":
            raise ConfigError(
                f"warm_start.weights is true, but fitness.inheritance is {config.fitness.inheritance}; must be parent, "
                "so that what began with weights also passes them on: set it, or leave out warm_start.weights"
            )
        check_objectives(strategy_class, config.fitness)
        check_opponents(config.verdict.opponents, config.strategy)
        return cls(strategy, _space(config.space, config.base_dir), _task(config.task))


def problems_in(values: Mapping[str, Any]) -> list[str]:
    """Returns everything that is wrong with a configuration, one line each, where `Sections.of` stops at the first.

    What holds between sections is checked once each of them is right.
    """

    def told(check: Callable[[], object]) -> list[str]:
        try:
            check()
        except ConfigError as error:
            return str(error).split("\n")
        return []

    found = told(lambda: configured(values))
    base = values.get("base_dir")
    sections: dict[str, Callable[[dict[str, Any]], object]] = {
        "strategy": _strategy,
        "space": lambda section: _space(section, Path(base) if isinstance(base, str | Path) else Path.cwd()),
        "task": _task,
    }
    for name, check in sections.items():
        section = values.get(name)
        # That it is no section, or names no kind, was found above.
        if isinstance(section, dict) and (name == "space" or isinstance(section.get("kind"), str)):
            found += told(partial(check, section))
    return found or told(lambda: Sections.of(configured(values)))


def _strategy(section: Mapping[str, Any]) -> StrategyOptions:
    chosen = _chosen(STRATEGIES, section, section="strategy")
    return checked(chosen.Options, _options(section), at="strategy")


def _space(section: Mapping[str, Any], base: Path) -> SpaceOptions:
    return checked(SpaceOptions, cells_under(section, base), at="space")


def _task(section: Mapping[str, Any]) -> BaseModel:
    chosen = _chosen(TASKS, section, section="task")
    # ``~`` is expanded here, since on another machine it may mean another directory.
    return resolved(checked(chosen.Options, _options(section), at="task"), Path())


def spelled_out(config: SearchConfig) -> SearchConfig:
    """Returns ``config`` with every default filled in, so that leaving an option out equals giving its default."""
    options = Sections.of(config)._asdict()
    return config.model_copy(
        update={
            section: getattr(config, section) | model.model_dump(mode="json")
            for section, model in options.items()
        }
    )


def following_budget(config: SearchConfig) -> SearchConfig:
    """Returns ``config`` with the strategy's options that were left out and follow its budget filled in."""
    options = Sections.of(config).strategy.following(config.budget.expected_evaluations)
    return _with_strategy(config, options.model_dump(mode="json"))


def as_begun(config: SearchConfig, recorded: SearchConfig) -> SearchConfig:
    """Returns ``config`` with the strategy's options that were left out and follow the budget as ``recorded`` has them.

    They follow the budget that a run began with: a strategy that changed with a raised budget would no longer ask for
    the candidates that were recorded.
    """
    if recorded.strategy["kind"] != config.strategy["kind"]:
        return config
    options = Sections.of(config).strategy
    filled = options.following(config.budget.expected_evaluations).model_dump(mode="json")
    given = options.model_dump(mode="json")
    return _with_strategy(config, _filled_as(recorded.strategy, given, filled))


def spelled_out_as_begun(config: SearchConfig, recorded: SearchConfig) -> SearchConfig:
    """Returns ``config`` with every default filled in, and what it leaves open as the run began with it.

    Open are the epochs, which may have been measured, and options that follow the budget.

    Args:
        config: Any configuration.
        recorded: That of the run, with every default filled in.
    """
    if config.training.epochs is None:
        measured = {"epochs": recorded.training.epochs}
        config = config.model_copy(update={"training": config.training.model_copy(update=measured)})
    return spelled_out(as_begun(config, recorded))


def _filled_as(
    recorded: Mapping[str, Any], given: Mapping[str, Any], filled: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns, of the options that are not ``given`` as they are ``filled``, the recorded values."""
    begun: dict[str, Any] = {}
    for name in recorded.keys() & given.keys():
        if given[name] == filled[name]:
            continue
        begun[name] = recorded[name]
        if isinstance(given[name], dict) and isinstance(recorded[name], dict):
            # The section of another strategy: what is given in it counts.
            begun[name] = given[name]
            if given[name].get("kind") == recorded[name].get("kind"):
                begun[name] = given[name] | _filled_as(recorded[name], given[name], filled[name])
    return begun


def _check_inheritance(mode: Inheritance, strategy: type[Strategy[StrategyOptions]]) -> None:
    """Checks that the candidates of a strategy begin with weights of the kind ``mode``."""
    permitted: list[Inheritance] = ["none"]
    if strategy.breeds:
        permitted.append("parent")
    if strategy.breeds or strategy.shares_weights:
        permitted.append("bank")
    if mode not in permitted:
        reason = "shares no weights" if mode == "bank" else "breeds no children that could inherit"
        raise ConfigError(
            f"fitness.inheritance is {mode}, but strategy.kind is {strategy.kind}, which {reason}; must be "
            f"{' or '.join(permitted)}"
        )


def check_opponents(opponents: Sequence[str], strategy: Mapping[str, Any]) -> None:
    """Checks that a search at random does not have itself as an opponent.

    Raises:
        ConfigError: It has.
    """
    kind = strategy["kind"]
    if kind in opponents:
        raise ConfigError(
            f"verdict.opponents has {kind}, and strategy.kind is {kind}, too; leave one of them out, since the run is "
            "such a search itself"
        )


def _with_strategy(config: SearchConfig, options: Mapping[str, Any]) -> SearchConfig:
    return config.model_copy(update={"strategy": config.strategy | dict(options)})


def _chosen(registry: Mapping[str, Choice], options: Mapping[str, Any], *, section: str) -> Choice:
    kind = options["kind"]
    if kind not in registry:
        raise ConfigError(f"{section}.kind is {kind}; {nearest(kind, sorted(registry))}")
    return registry[kind]


def _options(section: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key != "kind"}


def path_keys(config: SearchConfig) -> frozenset[str]:
    """Returns the dotted keys of ``config`` whose values are data paths."""
    return frozenset(f"task.{name}" for name in data_paths(Sections.of(config).task))


def check_data(space: SpaceOptions, training: TrainingConfig, dataset: Dataset) -> None:
    """Checks what only the data can tell of a section.

    Raises:
        ConfigError: The space or the truncation does not suit the data.
    """
    _check_direction(space, dataset)
    _check_spellings(space, dataset)
    if training.truncation is not None:
        _check_truncation(training.truncation, space, dataset)
    if dataset.episodes is not None and training.adaptation is None:
        raise ConfigError(
            f"{dataset.name} consists of episodes, to each of which a network adapts; give training.adaptation, such "
            "as {steps: 5}"
        )


def _check_direction(options: SpaceOptions, dataset: Dataset) -> None:
    if dataset.causal and options.bidirectional:
        raise ConfigError(
            f"space.bidirectional is true, but the task is {dataset.name}, where a layer that reads backwards "
            "would see what is to be predicted; set it to false"
        )


def _check_spellings(options: SpaceOptions, dataset: Dataset) -> None:
    tokens, spelled = dataset.signature.vocabulary, len(dataset.vocabulary)
    reading = [text for text in options.fronts if Front.of(text).kind is FrontKind.SUBWORDS]
    if reading and tokens and spelled != tokens:
        raise ConfigError(
            f"space.fronts has {reading[0]!r}, which reads how tokens are written, and {dataset.name} names {spelled} "
            f"of its {tokens} tokens; leave it out, or give the data set a vocabulary"
        )


def _check_truncation(steps: int, options: SpaceOptions, dataset: Dataset) -> None:
    if not isinstance(dataset.train, Sequences):
        raise ConfigError(
            f"training.truncation is {steps}, but the task is {dataset.name}; it is for sequences that stand alone: "
            "leave it out for forecasts, and for texts, which are read in pieces of task.steps anyway"
        )
    if options.bidirectional:
        raise ConfigError(
            f"training.truncation is {steps} and space.bidirectional is true; a layer that reads backwards cannot "
            "carry its states from piece to piece: set it to false, or leave out truncation"
        )
