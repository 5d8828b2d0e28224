"""`Layout`: how a table holds sequences, so that tables to come are read in the same way."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table holds sequences.

    Attributes:
        row: The columns of a row in their order, where every row is a whole sequence.
        sequence: Column with the name of each row's sequence, where every row is a step.
        time: Column that orders the steps of a sequence; None if they are in order.
        categories: The words that have an input of their own, by column.
    """

    row: tuple[str, ...] = ()
    sequence: str | None = None
    time: str | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
