"""Cuts whose parts are at hand as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.tasks.dataset import Dataset, Part


@dataclass(frozen=True, slots=True)
class PartsCut:
    """Another training and validation part, which need no preparation of their own.

    Attributes:
        train: The training part.
        validation: The validation part.
    """

    train: Part
    validation: Part

    @property
    def said(self) -> str:
        """What is in its parts."""
        return f"{len(self.train):,} training and {len(self.validation):,} validation examples"

    def applied(self, dataset: Dataset) -> Dataset:
        """Returns the data of this cut; see `Cut.applied`."""
        return dataset.with_parts(self.train, self.validation, dataset.test)
