"""The tasks of `benchmarks.time_to_quality`, and the settings that every system chooses from on each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmarks.data_sets import DataSet
from benchmarks.plain_networks import Choices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.tasks.dataset import Dataset

RATES = (1e-3, 1.5e-2)
RATE_COUNT = 9
CLIPS = (0.25, 1.0, 5.0)
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.5)
WEIGHT_DECAYS = (0.0, 1e-4, 1e-3, 1e-2)


@dataclass(frozen=True)
class QualityTask:
    """A data set, the length of training, and the settings that fit it.

    Attributes:
        name: Its name.
        config: Name of its configuration in ``configs/``.
        epochs: Length of a full training, the same for every system.
        widths: Units of a layer.
        batches: Sequences in a step.
        extra: Further settings by the opponents' names, with the same choices under the names of ``space``.
        space: The same choices in the space of evo-nas.
    """

    name: str
    config: str
    epochs: int
    widths: tuple[int, ...]
    batches: tuple[int, ...]
    extra: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    space: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def dataset(self) -> Dataset:
        """The data, read once in each process."""
        return DataSet(self.config).experiment(*self.overrides()).dataset

    @property
    def choices(self) -> Choices:
        """What the opponents choose from."""
        named = {
            "cell": ("lstm", "gru"),
            "layers": (1, 2),
            "width": self.widths,
            "norm": ("none", "layer"),
            "optimizer": ("adam", "rmsprop"),
            "clip": CLIPS,
            "batch": self.batches,
            "dropout": DROPOUTS,
            "weight_decay": WEIGHT_DECAYS,
            **self.extra,
        }
        return Choices(named, RATES)

    def overrides(self, *, evolve_cell: bool = False) -> tuple[str, ...]:
        """Returns the overrides of the configuration that leave evo-nas the same settings.

        Args:
            evolve_cell: Whether cells evolve, too, which no opponent can do.
        """
        space = {
            "layers": {"min": 1, "max": 2},
            "widths": list(self.widths),
            "batch_sizes": list(self.batches),
            "cells": ["lstm", "gru"],
            "evolve_cell": evolve_cell,
            "norms": ["none", "layer"],
            "skips": False,
            "heads": [0],
            "optimizers": ["adam", "rmsprop"],
            "clips": list(CLIPS),
            "learning_rates": {"min": RATES[0], "max": RATES[1], "count": RATE_COUNT},
            "fronts": ["none"],
            "shortcuts": ["none"],
            **self.space,
        }
        return (
            f"training.epochs={self.epochs}",
            "training.time_limit_s=600",
            "training.schedule=cosine",
            *(f"space.{name}={_flow(value)}" for name, value in space.items()),
        )


def _flow(value: Any) -> str:
    """Returns ``value`` as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


POOLED = {"bidirectional": (False, True), "pooling": ("last", "mean", "max")}
POOLED_SPACE = {"bidirectional": True, "poolings": ["last", "mean", "max"]}
TASKS = {
    task.name: task
    for task in (
        QualityTask("pendigits", "pendigits", 12, (32, 48, 64, 96, 128), (32, 64), POOLED, POOLED_SPACE),
        QualityTask("jsb", "jsb", 18, (64, 96, 128, 192), (8, 16), {}, {"max_parameters": "null"}),
        QualityTask(
            "etth1",
            "etth1",
            6,
            (16, 24, 32, 48, 64),
            (32, 64),
            {"forecast": ("relative", "change")},
            {"forecasts": ["relative", "change"], "segments": [0], "columns": ["together"]},
        ),
        QualityTask(
            "trec",
            "trec",
            8,
            (32, 48, 64, 96, 128),
            (32, 64),
            {**POOLED, "embedding": (32, 64, 128)},
            {**POOLED_SPACE, "embeddings": [32, 64, 128]},
        ),
    )
}
