"""`RecordedTask`: recorded trainings as something that strategies search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError
from evo_nas.replay.order import RecordedOrder
from evo_nas.replay.recording import Recording, Replayer
from evo_nas.replay.table_space import TableSpace
from evo_nas.strategies.strategy import ONCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.config import FitnessOptions


@dataclass(frozen=True)
class RecordedTask:
    """Architectures whose trainings were recorded.

    Attributes:
        recordings: The trainings of each architecture by its canonical hash; several have different seeds.
        features: For each architecture the integers that it is found by, of which neighbours are similar.
        names: What the features are called.
        founders: Canonical hashes by name of where a search begins.
    """

    recordings: Mapping[str, Sequence[Recording]]
    features: Mapping[str, Sequence[int]]
    names: Sequence[str]
    founders: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.recordings:
            raise ConfigError("nothing was recorded; give at least one training")

    @cached_property
    def space(self) -> TableSpace:
        """The space of the architectures."""
        rows = {key: self.features[key] for key in self.recordings}
        return TableSpace(rows, names=self.names, founders=self.founders)

    @cached_property
    def replayer(self) -> Replayer:
        """The evaluator of candidates of the space."""
        return Replayer(self.recordings)

    @property
    def epochs(self) -> int:
        """Epochs of the recorded trainings that did not fail."""
        return max(len(each.curve) for several in self.recordings.values() for each in several)

    def in_order(
        self,
        keys: Sequence[str],
        *,
        seed: int,
        epochs: int | None = None,
        fitness: FitnessOptions = ONCE,
    ) -> RecordedOrder:
        """Returns a strategy that asks the architectures ``keys`` in their order.

        Args:
            keys: Canonical hashes.
            seed: Seed of the run.
            epochs: Epochs of training; those of the recordings if None.
            fitness: How candidates are scored.
        """
        return RecordedOrder(self.space, keys, seed=seed, epochs=epochs or self.epochs, fitness=fitness)
