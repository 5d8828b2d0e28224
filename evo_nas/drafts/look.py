"""`TableLook`: what a table shows at a glance, for the guesses of all kinds of tasks."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.guesses import TARGETS, are_words, guessed_label, guessed_text, names_rows
from evo_nas.data.time import time_columns
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from evo_nas.data.table import Table
    from evo_nas.drafts.parts import GivenFiles

_SEQUENCE = re.compile(
    r"(?i)(?:.*[_ .-])?(?:sequence|seq|series|session|trial|recording|record|sample|unit|engine|run|episode|utterance|"
    r"store|item|product|sensor|station|site|patient|device|machine|household|meter|sid|ts_?id|id)(?:[_ #.-]*"
    r"(?:id|no|nr|number|name))?"
)
_GROUP = re.compile(
    r"(?i)(?:.*[_ .-])?(?:group|person|subject|user|patient|participant|writer|speaker|author|student|family|site)"
    r"(?:[_ .-]*(?:id|no|nr|number|name))?"
)
FEWEST_STEPS = 3
"""Rows that a sequence has on average, for a column to name sequences."""


@dataclass(frozen=True)
class TableLook:
    """What a table shows.

    Attributes:
        files: The files that are drafted for.
        table: The first table of the training part.
    """

    files: GivenFiles
    table: Table

    def __len__(self) -> int:
        return len(self.table) * len(self.files.train)

    @cached_property
    def times(self) -> list[str]:
        """Columns of dates and time stamps."""
        return time_columns(self.table)

    @cached_property
    def lists(self) -> list[str]:
        """Columns with a list in every row."""
        return self.table.list_columns()

    @cached_property
    def _plain(self) -> list[str]:
        """Columns with one value in every row, neither lists nor records."""
        return [name for name in self.table.columns if self.table.kind_of(name).name != "lists"]

    @cached_property
    def numeric(self) -> list[str]:
        """Columns of numbers that may be measured: no times, no index, no numbers of rows."""
        return [
            name
            for name in self.table.numeric_columns()
            if name not in self.times and not names_rows(name, self.table.numbers(name, holes=True))
        ]

    @cached_property
    def sequence(self) -> str | None:
        """The column that names the sequence or series of a row: by its name, and since its values come again."""
        names = [name for name in self._plain if name not in self.times]
        return next((name for name in names if _SEQUENCE.fullmatch(name) and self._names_runs(name)), None)

    @cached_property
    def group(self) -> str | None:
        """A column of people or the like, whose examples should stay together."""
        rows = len(self.table)
        for name in self._plain:
            free = name not in (self.sequence, *self.times)
            if free and _GROUP.fullmatch(name) and 3 <= len(self.counts(name)) < rows / 2:
                return name
        return None

    @cached_property
    def label(self) -> str | None:
        """The column of the label that a task would guess; None if there is none, or several are equally likely."""
        taken = [name for name in (self.sequence, self.group, *self.times) if name is not None]
        try:
            label = guessed_label(self.table, taken)
        except DataError:
            return None
        if label not in self._plain:
            return None
        return label if 2 <= len(self.counts(label)) <= max(len(self.table) / 2, 2) else None

    @cached_property
    def text(self) -> str | None:
        """The column of the text, likewise."""
        try:
            text = guessed_text(self.table, [*self.times, *([self.label] if self.label else [])])
        except DataError:
            return None
        return text if text in self._plain else None

    @cached_property
    def target(self) -> str | None:
        """A column of numbers whose name says that it is to be predicted."""
        names = {name.lower(): name for name in self.numeric}
        return next((names[name] for group in TARGETS for name in group if name in names), None)

    @cached_property
    def resembles_time(self) -> float:
        """How much a row resembles the row before, the median over columns: near 1 for series, 0 for drawn rows."""
        likenesses = [self._likeness(name) for name in self.numeric]
        return float(np.median(likenesses)) if likenesses else 0.0

    @cached_property
    def holes(self) -> int:
        """How many values of columns of numbers are missing."""
        missing = self.table.missing()
        return sum(missing[name] for name in self.numeric)

    def counts(self, name: str) -> Counter[str]:
        """Returns how often each value of column ``name`` is there."""
        return Counter(self.table.texts(name, empty=True))

    def is_words(self, name: str) -> bool:
        """Whether a column holds words."""
        return are_words(self.table, name)

    def is_constant_within(self, name: str) -> bool:
        """Whether column ``name`` has one value for each sequence."""
        assert self.sequence is not None
        pairs = set(
            zip(self.table.texts(self.sequence, empty=True), self.table.texts(name, empty=True), strict=True)
        )
        return len(pairs) == len(self.counts(self.sequence))

    def _names_runs(self, name: str) -> bool:
        values = self.table.texts(name, empty=True)
        distinct = len(set(values))
        runs = sum(1 for _ in groupby(values))
        # Runs and not only repetitions: rows of one sequence follow each other, those of a class seldom do. Rows in
        # the order of time alternate between series, each in its turn.
        return 2 <= distinct <= len(values) / FEWEST_STEPS and (runs == distinct or bool(self.times))

    def _likeness(self, name: str) -> float:
        values = self.table.numbers(name, holes=True)
        pairs = np.stack([values[:-1], values[1:]])
        before, after = pairs[:, ~np.isnan(pairs).any(axis=0)]
        if len(before) < 3 or before.std() == 0 or after.std() == 0:
            return 0.0
        return float(np.corrcoef(before, after)[0, 1])
