"""Evolutionary architecture search for recurrent networks, on a laptop or a Ray cluster.

The Python interface::

    verdict = evo_nas.search("configs/quickstart.yaml")     # starts the search, or resumes it
    champion = evo_nas.load_champion("runs/quickstart")     # `champion.model` is a torch.nn.Module
    answers = champion.predict(raw)                         # classes or numbers for raw sequences
    table = evo_nas.load_run("runs/quickstart")             # every evaluation as a pyarrow.Table

    run = evo_nas.Run.at("runs/quickstart")                 # what is kept of a search: best, lineage, baselines
    session = evo_nas.open_session("runs/quickstart")       # a search event by event, here or in a cluster

    dataset = evo_nas.dataset_from_arrays(inputs, targets, kind="classification")
    evo_nas.search({"name": "mine"}, dataset=dataset)       # on arrays in memory

    classifier = evo_nas.EvoClassifier().fit(X, y)          # the same as an estimator of scikit-learn

    client = evo_nas.Client("http://127.0.0.1:8765")        # searches of a service: `evo-nas serve`

    @evo_nas.register_strategy                              # strategies and tasks of your own, by their kind
    class MyStrategy(Strategy[MyOptions]): ...              # of evo_nas.strategies.strategy; tests: evo_nas.testing

    @evo_nas.register_exporter                              # export formats of your own, by their name
    class MyExporter(Exporter): ...                         # of evo_nas.champion.exporters.exporter

Importing this package loads neither torch nor ray; each name loads what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evo_nas.api import (
        Run,
        dataset_from_arrays,
        load_champion,
        load_run,
        open_session,
        register_exporter,
        register_strategy,
        register_task,
        search,
    )
    from evo_nas.client import Client
    from evo_nas.estimators import EvoClassifier, EvoForecaster, EvoRegressor

__all__ = [
    "Client",
    "EvoClassifier",
    "EvoForecaster",
    "EvoRegressor",
    "Run",
    "dataset_from_arrays",
    "load_champion",
    "load_run",
    "open_session",
    "register_exporter",
    "register_strategy",
    "register_task",
    "search",
]


_ROOMS = {"Client": "client", **{name: "estimators" for name in __all__ if name.startswith("Evo")}}
"""Where a name is that is not in `api`."""


def __getattr__(name: str) -> Any:
    # Loaded on first use: `api` imports torch, and the estimators scikit-learn, which take seconds.
    if name in __all__:
        return getattr(import_module(f"evo_nas.{_ROOMS.get(name, 'api')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
