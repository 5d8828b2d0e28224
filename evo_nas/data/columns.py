"""The roles that columns of tables play, and the columns that are read in all tables of a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.audio_files import AudioOptions
from evo_nas.data.examples import enumerated

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from evo_nas.data.table import Table

SEQUENCES = ("x", "X", "inputs", "data")


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns or arrays that play each role, as the configuration names them; None is guessed.

    Attributes:
        label: The class of a sequence, or of a step.
        inputs: The values that are read.
        sequence: The sequence that a row is a step of; None if every row is a whole sequence.
        time: What orders the steps of a sequence.
        group: The names of groups that must stay together in a split.
        exclude: Columns that are not read.
        categorical: Columns of words that are read, each word as an input of its own.
        targets: The numbers that are predicted, guessed if empty; None if there are classes.
        features: How many successive columns are one step if a row is a whole sequence.
        delimiter: The character between columns of text.
        label_per_step: Whether every step has a label of its own.
        holes: Whether inputs may have missing values.
        audio: How files of sound become numbers.
        takes_last: Whether the targets of a sequence are those of its last step; otherwise they must be constant.
        window: Steps of the pieces that sequences are cut into; None if they stay whole.
        stride: Steps from one piece to the next.
    """

    label: str | None = None
    inputs: tuple[str, ...] | None = None
    sequence: str | None = None
    time: str | None = None
    group: str | None = None
    exclude: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    targets: tuple[str, ...] | None = None
    features: int = 1
    delimiter: str | None = None
    label_per_step: bool = False
    holes: bool = False
    audio: AudioOptions = field(default_factory=AudioOptions)
    takes_last: bool = False
    window: int | None = None
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that are read of every table, settled by the tables of the training part.

    Attributes:
        inputs: The values that are read, or the columns that hold a list of them in every row.
        outputs: The label, or the targets.
        categories: The words that have an input of their own, by column.
        time: What orders the steps of a sequence; None for the order of the rows.
        holds_lists: Whether every row of the input holds a whole sequence.
        known: All columns of the first table.
        remarks: What was guessed and what is not read, one sentence each.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    time: str | None = None
    holds_lists: bool = False
    known: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each value that `values` gives."""
        return tuple(
            spelt
            for name in self.inputs
            for spelt in (
                [f"{name}={word}" for word in self.categories[name]] if name in self.categories else [name]
            )
        )

    @property
    def indicators(self) -> tuple[int, ...]:
        """The positions of the values that are 1 for one word of a column and 0 for all others."""
        is_word = [
            is_word
            for name in self.inputs
            for is_word in ([True] * len(self.categories[name]) if name in self.categories else [False])
        ]
        return tuple(np.flatnonzero(is_word).tolist())

    def values(self, table: Table, *, holes: bool) -> npt.NDArray[np.float64]:
        """Returns what is read of ``table``, float64 ``(rows, values)``; see `Table.numbers`."""
        if not self.categories:
            return table.matrix(self.inputs, holes=holes)
        blocks = [
            _one_hot(table.texts(name, empty=holes), self.categories[name])
            if name in self.categories
            else table.numbers(name, holes=holes)[:, None]
            for name in self.inputs
        ]
        return np.concatenate(blocks, axis=1)

    def remarks_on(self, table: Table) -> tuple[str, ...]:
        """Returns how a table was read, and what it has that the first one has not, one sentence each."""
        remarks = [*table.remarks, *table.further(self.known)]
        for name, words in self.categories.items():
            unknown = sorted({*table.texts(name, empty=True)} - {*words, ""})
            if unknown:
                remarks.append(
                    f"{table.source}: {name} has {enumerated(map(repr, unknown))}, unknown in training, read as none "
                    "of its words"
                )
        return tuple(remarks)


def _one_hot(texts: list[str], words: tuple[str, ...]) -> npt.NDArray[np.float64]:
    places = {word: place for place, word in enumerate(words)}
    # A word that training does not know, and a missing one, are none of the words: the last column is cut off.
    return np.eye(len(words) + 1)[[places.get(text, len(words)) for text in texts], :-1]
