"""Labelled examples as they are in files, before any processing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Generic, TypeVar

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    Label = str | npt.NDArray[np.str_]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Examples(Generic[Item]):
    """Sequences with a label each.

    Attributes:
        source: The files that they come from, for messages.
        items: Texts, or arrays ``(time, features)``.
        labels: Classes; one array ``(time,)`` for each example where every step has a class.
        groups: Names of groups that must stay together in a split; None if there are none.
        remarks: What was guessed, one sentence each.
        missing: How many values of each column are missing, where there are columns.
    """

    source: str
    items: Sequence[Item]
    labels: Sequence[Label]
    groups: Sequence[str] | None = None
    remarks: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)

    def joined(self, other: Examples[Item]) -> Examples[Item]:
        """Returns these examples followed by ``other``."""
        if (self.groups is None) != (other.groups is None):
            raise DataError(
                f"{self.source} and {other.source}: only one of them has groups; give both or none"
            )
        return replace(
            self,
            items=[*self.items, *other.items],
            labels=[*self.labels, *other.labels],
            groups=None if self.groups is None else [*self.groups, *(other.groups or ())],
            missing=summed([self.missing, other.missing]),
        )

    def chosen(self, positions: npt.NDArray[np.int64]) -> Examples[Item]:
        """Returns the examples at ``positions``, int64 ``(n,)``."""
        where = positions.tolist()
        return replace(
            self,
            items=[self.items[position] for position in where],
            labels=[self.labels[position] for position in where],
            groups=None if self.groups is None else [self.groups[position] for position in where],
        )


def joined(examples: Sequence[Examples[Item]]) -> Examples[Item]:
    """Returns all of ``examples``, at least one, in their order."""
    return reduce(Examples.joined, examples)


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Returns the sum of ``counts`` by name, zeros included."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)
