"""Labelled examples as they are in files, before any processing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar

from evo_nas.data.layout import Layout
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Self

    import numpy as np
    import numpy.typing as npt

    Label = str | npt.NDArray[np.str_] | npt.NDArray[np.float64]
    """A class, a class for each step, or the numbers that are to be predicted."""

Item = TypeVar("Item")
MOST_NAMES = 10
"""Names that one sentence lists."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where examples are, as people look for them: ``reviews.csv, row 12``; the words are made when they are asked for.

    Attributes:
        units: The file of each example and what is counted there, such as ``reviews.csv, row``.
        numbers: The number, or the name, of each example.
    """

    units: Sequence[str]
    numbers: Sequence[int | str]

    @classmethod
    def of(cls, source: str, unit: str, numbers: Sequence[int | str]) -> Self:
        """Returns the places in one file; ``unit`` is what ``numbers`` count, such as ``row``."""
        return cls([f"{source}, {unit}"] * len(numbers), numbers)

    def __getitem__(self, position: int) -> str:
        return f"{self.units[position]} {self.numbers[position]}"

    def enumerated(self, where: Sequence[int]) -> str:
        """Returns the first places of examples at the positions ``where``, by file, and how many more there are."""
        numbers: dict[str, list[str]] = {}
        for position in where[:MOST_NAMES]:
            numbers.setdefault(self.units[position], []).append(str(self.numbers[position]))
        named = "; ".join(f"{unit} {', '.join(some)}" for unit, some in numbers.items())
        return named + _and_more(len(where))

    def chosen(self, where: Iterable[int]) -> Self:
        """Returns the places of the examples at the positions ``where``."""
        pairs = [(self.units[position], self.numbers[position]) for position in where]
        return type(self)(*map(list, zip(*pairs, strict=True))) if pairs else type(self)((), ())


@dataclass(frozen=True)
class Examples(Generic[Item]):
    """Sequences with a label each.

    Attributes:
        source: The files that they come from, for messages.
        items: Texts, or arrays ``(time, features)``.
        labels: Classes; one array ``(time,)`` for each example where every step has a class, or float64
            ``(targets,)`` where numbers are predicted.
        groups: Names of groups that must stay together in a split; None if there are none.
        remarks: What was guessed, one sentence each.
        missing: How many values of each column are missing, where there are columns.
        places: Where each example is; counted from 1 in ``source`` if not given.
        features: The name of each value of a step, where values have names.
        indicators: The positions of values that are 1 for one word of a column and 0 for all others.
        layout: How tables hold the sequences, where they come from tables.
        ends: When each example ends, on one clock for all; None where that is not known.
    """

    source: str
    items: Sequence[Item]
    labels: Sequence[Label]
    groups: Sequence[str] | None = None
    remarks: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    places: Places | None = None
    features: tuple[str, ...] = ()
    indicators: tuple[int, ...] = ()
    layout: Layout = field(default_factory=Layout)
    ends: Sequence[float] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def where(self) -> Places:
        """Where each example is."""
        return self.places or Places.of(self.source, "example", range(1, len(self) + 1))

    def chosen(self, positions: npt.NDArray[np.int64]) -> Examples[Item]:
        """Returns the examples at ``positions``, int64 ``(n,)``."""
        where = positions.tolist()
        return replace(
            self,
            items=[self.items[position] for position in where],
            labels=[self.labels[position] for position in where],
            groups=None if self.groups is None else [self.groups[position] for position in where],
            places=self.where.chosen(where),
            ends=None if self.ends is None else [self.ends[position] for position in where],
        )


def joined(examples: Sequence[Examples[Item]]) -> Examples[Item]:
    """Returns all of ``examples``, at least one, in their order, with the remarks of all.

    Raises:
        DataError: Only some of them have groups.
    """
    first = examples[0]
    for other in examples[1:]:
        if (first.groups is None) != (other.groups is None):
            raise DataError(
                f"{first.source} and {other.source}: only one of them has groups; give both or none"
            )
    # All at once: a folder may hold thousands of files, and joining them in pairs would copy the first ones each time.
    places = [each.where for each in examples]
    return replace(
        first,
        items=list(chain.from_iterable(each.items for each in examples)),
        labels=list(chain.from_iterable(each.labels for each in examples)),
        groups=None
        if first.groups is None
        else list(chain.from_iterable(each.groups or () for each in examples)),
        remarks=tuple(dict.fromkeys(chain.from_iterable(each.remarks for each in examples))),
        missing=summed(each.missing for each in examples),
        places=Places(
            list(chain.from_iterable(each.units for each in places)),
            list(chain.from_iterable(each.numbers for each in places)),
        ),
        ends=None
        if any(each.ends is None for each in examples)
        else list(chain.from_iterable(each.ends or () for each in examples)),
    )


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Returns the sum of ``counts`` by name, zeros included."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def enumerated(names: Iterable[str]) -> str:
    """Returns the first of ``names``, and how many more there are."""
    some = list(names)
    return ", ".join(some[:MOST_NAMES]) + _and_more(len(some))


def _and_more(count: int) -> str:
    return f" and {count - MOST_NAMES:,} more" if count > MOST_NAMES else ""
