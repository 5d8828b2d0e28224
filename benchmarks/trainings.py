"""Trainings that are kept, so that a benchmark which is started again makes only those that are missing."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from evo_nas.config import TrainingConfig
from evo_nas.genome.codec import to_json
from evo_nas.training.batches import prepare
from evo_nas.training.forward import score_part
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.data_sets import DataSet
    from evo_nas.experiment import Experiment
    from evo_nas.genome.architecture import Architecture
    from evo_nas.tasks.dataset import Dataset
    from evo_nas.training.batches import PreparedDataset

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})
FOLDER = Path(os.environ.get("EVO_NAS_BENCHMARKS", Path.home() / ".cache" / "evo-nas-benchmarks"))
"""Where trainings are kept, outside of the repository; delete a file there to make its trainings again."""


class Kept:
    """Values by key, in a file of JSON lines that is only appended to; the last line of a key counts."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._values = {entry["key"]: entry["values"] for entry in map(json.loads, lines)}

    def get(self, key: str) -> dict[str, object] | None:
        """Returns the values of ``key``; None if there are none."""
        return self._values.get(key)

    def add(self, key: str, values: Mapping[str, object]) -> None:
        """Keeps ``values`` under ``key``."""
        self._values[key] = dict(values)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, "values": values}) + "\n")


@dataclass(frozen=True)
class Result:
    """What a training gave.

    Attributes:
        validation: Validation metric of the best epoch; NaN if the training failed.
        test: Test metric of the same weights; NaN if it failed.
        train_loss: Loss of training in that epoch; two trainings that differ in anything differ in it.
        parameters: Trainable parameters, those of tables included.
        cpu_s: Seconds of processor time of the training.
        error: Why it failed; empty if it did not.
        metric: Name of the metric.
        higher_is_better: Direction of the metric.
    """

    validation: float
    test: float
    train_loss: float
    parameters: int
    cpu_s: float
    error: str
    metric: str
    higher_is_better: bool

    @property
    def fitness(self) -> float:
        """The test metric with the sign that makes higher better."""
        return self.test if self.higher_is_better else -self.test


class Trainings:
    """Trainings on one cut of a data set, read when the first one that is missing is made.

    Args:
        data_set: The data.
        changes: Overrides that make another cut.
        kept: Where trainings are kept.
        adapt: Changes the data that are read; its name tells its trainings from others.
    """

    def __init__(
        self,
        data_set: DataSet,
        *changes: str,
        kept: Kept,
        adapt: Callable[[Dataset], Dataset] | None = None,
    ) -> None:
        self._data_set = data_set
        self._changes = changes
        self._kept = kept
        self._adapt = adapt

    @cached_property
    def experiment(self) -> Experiment:
        """The data set on this cut."""
        return self._data_set.experiment(*self._changes)

    @cached_property
    def _dataset(self) -> Dataset:
        dataset = self.experiment.dataset
        return dataset if self._adapt is None else self._adapt(dataset)

    @cached_property
    def _data(self) -> PreparedDataset:
        return prepare(self._dataset)

    def key(self, architecture: Architecture, options: Mapping[str, object], seed: int) -> str:
        """Returns the identity of a training: not the program, so what changes its results needs a new file."""
        adapted = [] if self._adapt is None else [self._adapt.__name__]
        facts = [self._data_set.config, self._data_set.changes, self._changes, dict(options), seed, *adapted]
        text = json.dumps(facts, sort_keys=True) + to_json(architecture)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def kept(
        self, architecture: Architecture, seed: int, options: Mapping[str, object] = NO_OPTIONS
    ) -> Result | None:
        """Returns what a training gave on an earlier day; None if it was not made."""
        found = self._kept.get(self.key(architecture, options, seed))
        return None if found is None else Result(**found)  # type: ignore[arg-type]

    def result(
        self, architecture: Architecture, seed: int, options: Mapping[str, object] = NO_OPTIONS
    ) -> Result:
        """Returns what a training gives, now or on an earlier day.

        Args:
            architecture: The network.
            seed: Seed of its training.
            options: Options of training that differ from those of the data set.
        """
        found = self.kept(architecture, seed, options)
        if found is None:
            found = self.trained(architecture, seed, options)
            self.keep(found, architecture, seed, options)
        return found

    def keep(
        self,
        result: Result,
        architecture: Architecture,
        seed: int,
        options: Mapping[str, object] = NO_OPTIONS,
    ) -> None:
        """Keeps ``result`` for other days."""
        self._kept.add(self.key(architecture, options, seed), asdict(result))

    def trained(
        self, architecture: Architecture, seed: int, options: Mapping[str, object] = NO_OPTIONS
    ) -> Result:
        """Makes a training, without keeping it."""
        dataset = self._dataset
        values = self.experiment.config.training.model_dump() | dict(options)
        training = TrainingConfig(**values).without_time_limit()
        started = time.process_time()
        trained = train(architecture, self._data, training, epochs=training.full_epochs, seed=seed)
        cpu_s = time.process_time() - started
        outcome, metric, test = trained.outcome, dataset.metric, math.nan
        if trained.network is not None:
            test = score_part(trained.network, dataset, "test").metric
        result = Result(
            validation=outcome.metrics.get(f"validation_{metric.name}", math.nan),
            test=test,
            train_loss=outcome.metrics.get("train_loss", math.nan),
            parameters=outcome.parameters,
            cpu_s=round(cpu_s, 2),
            error=outcome.error,
            metric=metric.name,
            higher_is_better=metric.higher_is_better,
        )
        print(f"{dataset.name}, seed {seed}: {result}", flush=True)
        return result


def table_rows(architecture: Architecture) -> int:
    """Returns the rows of the hash tables of a network."""
    tables = (architecture.front.ngrams, architecture.shortcut.ngrams)
    return sum(table.rows for table in tables if table is not None)
