"""The formats of the archives of time series: ``.ts`` of sktime and UEA, and tables of UCR.

They are read here and not with sktime or aeon: two text formats do not justify their few dozen dependencies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.data.examples import Examples, Places
from evo_nas.data.files import text_of
from evo_nas.data.numerals import LARGEST, is_number, read_numerals
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.table import Table

    Values = npt.NDArray[np.float64]

_BETWEEN_DIMENSIONS = re.compile(r":(?![^()]*\))")
"""A colon; one within brackets is part of a time of day."""
_STAMPED = re.compile(r"\(([^()]*),([^(),]*)\)")


def read_ts(path: Path, *, needs_labels: bool = True) -> Examples[Values]:
    """Reads sequences of values: one in each line, dimensions separated by colons, the label last.

    A missing value is NaN. The label is the name of a class, or the text of a number where the file says
    ``@targetLabel true``.

    Args:
        path: The file.
        needs_labels: Whether a file without labels, which says so, and a label ``?`` are refused; otherwise such a
            label is empty.

    Raises:
        DataError: The file is missing, empty or has no labels, or a line is malformed.
    """
    lines = text_of(path).split("\n")
    header = _header(path, lines, needs_labels=needs_labels)
    numbered = [
        (number, line.strip())
        for number, line in enumerate(lines, start=1)
        if line.strip() and line.lstrip()[0] not in "#@"
    ]
    if not numbered:
        raise DataError(f"{path} is empty; must hold one sequence in each line")
    items, labels = zip(*(header.parsed(number, line) for number, line in numbered), strict=True)
    remarks = ["every line is a sequence, its label last"]
    if header.has_stamps:
        remarks.append("time stamps are not read; the values of a sequence count as steps of equal length")
    return Examples(
        str(path),
        items=items,
        labels=labels,
        remarks=tuple(remarks),
        missing={"values": sum(int(np.isnan(item).sum()) for item in items)},
        places=Places.of(str(path), "line", [number for number, _ in numbered]),
    )


@dataclass(slots=True)
class _Header:
    """What the lines before ``@data`` say."""

    path: Path
    has_stamps: bool = False
    classes: frozenset[str] = field(default_factory=frozenset)
    dimensions: int | None = None
    needs_labels: bool = True
    is_labelled: bool = True

    def parsed(self, number: int, line: str) -> tuple[Values, str]:
        """Returns the values ``(time, dimensions)`` and the label of a line."""
        place = f"{self.path}, line {number}"
        *dimensions, label = _BETWEEN_DIMENSIONS.split(line if self.is_labelled else f"{line}:?")
        label = label.strip()
        is_open = label == "?" and not self.needs_labels
        if self.classes and label not in self.classes and not is_open:
            raise DataError(
                f"{place} ends in {label!r:.60}; must end in a label: {', '.join(sorted(self.classes))}"
            )
        if not dimensions or not label or (self.dimensions or len(dimensions)) != len(dimensions):
            raise DataError(
                f"{place} has {len(dimensions)} dimensions and the label {label!r:.60}; must have "
                f"{self.dimensions or 'at least 1'} and a label"
            )
        if self.has_stamps:
            dimensions = _without_stamps(place, dimensions)
        columns = [_numbers(place, dimension.split(",")) for dimension in dimensions]
        if len({len(column) for column in columns}) > 1:
            raise DataError(
                f"{place} has dimensions of different lengths; must have numbers in dimensions of one length"
            )
        return np.stack(columns, axis=1), "" if is_open else label


def _header(path: Path, lines: Sequence[str], *, needs_labels: bool) -> _Header:
    header = _Header(path, needs_labels=needs_labels)
    for words in (line.split() for line in lines if line.startswith("@")):
        says = [word.lower() for word in words[1:]]
        match words[0].lower():
            case "@timestamps":
                header.has_stamps = says[:1] == ["true"]
            case "@dimensions" | "@dimension" if says and says[0].isdecimal():
                header.dimensions = int(says[0])
            case "@classlabel":
                header.is_labelled = says[:1] != ["false"]
                header.classes = frozenset(words[2:])
            case "@targetlabel":
                header.is_labelled = says[:1] != ["false"]
    if needs_labels and not header.is_labelled:
        raise DataError(f"{path} has no class labels and no target labels; nothing could be learnt from it")
    return header


def _without_stamps(place: str, dimensions: Sequence[str]) -> list[str]:
    pairs = [_STAMPED.findall(dimension) for dimension in dimensions]
    stamps = [[stamp.strip() for stamp, _ in each] for each in pairs]
    if not stamps[0] or any(each != stamps[0] for each in stamps):
        raise DataError(
            f"{place} must have (time stamp,value) pairs, with the same time stamps in every dimension"
        )
    if not _rises(stamps[0]):
        raise DataError(f"{place} has time stamps that do not rise; sort its values by time")
    return [",".join(value for _, value in each) for each in pairs]


def _rises(stamps: Sequence[str]) -> bool:
    if all(map(is_number, stamps)):
        return all(float(before) < float(after) for before, after in pairwise(stamps))
    return all(
        before < after for before, after in pairwise(stamps)
    )  # years come first in the dates of this format


def _numbers(place: str, cells: Sequence[str]) -> Values:
    """Returns numbers ``(time,)``, NaN for a missing one."""
    numerals = read_numerals(pa.array([cell.strip() for cell in cells], pa.string()))
    unusable = np.flatnonzero(numerals.is_wrong | (np.abs(numerals.numbers) > LARGEST))
    if len(unusable):
        raise DataError(
            f"{place}: value {unusable[0] + 1} is {cells[unusable[0]].strip()!r:.60}; must be a finite number, at most "
            f"{LARGEST:g}, or ? where it is missing"
        )
    return numerals.numbers


def sequences_of_ucr(table: Table) -> Examples[Values]:
    """Returns the sequences of a table without names of columns; NaN after the last value of one is no hole.

    Raises:
        DataError: A value is no number, or a label is missing.
    """
    values = table.matrix([name for name in table.columns if name != "label"], holes=True)
    lengths = [int(np.flatnonzero(~np.isnan(row)).max(initial=-1)) + 1 for row in values]
    items = [row[:length, None] for row, length in zip(values, lengths, strict=True)]
    return Examples(
        table.source,
        items=items,
        labels=table.texts("label"),
        remarks=("columns have no names: every row is a sequence, its first value the label", *table.remarks),
        missing={"values": sum(int(np.isnan(item).sum()) for item in items)},
        places=Places.of(table.source, "row", table.row_numbers()),
    )
