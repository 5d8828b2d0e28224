"""The Python interface; `evo_nas` itself offers these names without loading what they need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.champion import Verdict, load_champion, verdict_of
from evo_nas.config import SearchConfig, configured, load_config
from evo_nas.errors import ConfigError
from evo_nas.experiment import ExecutorKind, Experiment
from evo_nas.ledger import LedgerReader, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from evo_nas.loop import Listener

__all__ = ["load_champion", "load_run", "search"]


def search(
    config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig,
    run: str | os.PathLike[str] | None = None,
    *,
    executor: ExecutorKind = "ray",
    accept_data_loss: bool = False,
    listeners: Sequence[Listener] = (),
) -> Verdict:
    """Searches until the budget is spent, or goes on with a search that was stopped, and judges the champion.

    Args:
        config: A YAML file, its content as a mapping, or a checked configuration.
        run: Run directory or ``s3://bucket/name``, ``runs/<name of the configuration>`` by default.
        executor: ``ray`` for worker processes, ``inline`` to train in this one.
        accept_data_loss: Whether to go on without committed evaluations that are damaged or missing.
        listeners: Called with a `loop.Progress` after each turn.

    Raises:
        EvoNasError: Configuration, data or run directory cannot be used; the message says what to do.
    """
    settings = _settings(config)
    place = run if run is not None else Path("runs") / settings.name
    experiment = Experiment.of(settings)
    if accept_data_loss or not experiment.is_complete(place):
        with experiment.open(place, executor=executor, accept_data_loss=accept_data_loss) as searching:
            searching.run(listeners)
    return verdict_of(place, experiment=experiment)


def load_run(run: str | os.PathLike[str]) -> pa.Table:
    """Returns every evaluation of a run, one row each in the order of telling; see `ledger.SCHEMA`.

    Raises:
        RunError: There is no run at ``run``, or it cannot be read.
    """
    return LedgerReader(open_store(run)).table()


def _settings(config: str | os.PathLike[str] | Mapping[str, Any] | SearchConfig) -> SearchConfig:
    if isinstance(config, SearchConfig):
        return config
    if isinstance(config, Mapping):
        return configured(config)
    if isinstance(config, str | os.PathLike):
        return load_config(os.fspath(config))
    raise ConfigError(
        f"config is a {type(config).__name__}; must be the path of a YAML file, its content as a mapping, or a "
        "SearchConfig"
    )
