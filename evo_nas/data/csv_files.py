"""CSV and TSV: what a spreadsheet or pandas writes, read as text without a guess about types."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import csv as arrow_csv

from evo_nas.data.files import content_of, in_blocks, in_one_line, refuse_binary
from evo_nas.data.numerals import is_number
from evo_nas.data.table import Table, trimmed
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DELIMITERS = {".csv": ",", ".tsv": "\t"}
_OTHERS = (";", "\t", "|", ",")
_UNNAMED = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
"""Names that pandas' index gets in CSV, when it is read and written again, and in Parquet."""
_BLANK_LINE = re.compile(rb"\n[\r\n]|\r[\r]")
_WRONG_WIDTH = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Lines:
    """The bytes of a file between its blank ends, and how they are cut into cells.

    Attributes:
        path: The file, for messages.
        content: Its bytes.
        delimiter: The character between cells.
        has_quotes: Whether a quote at the start of a cell encloses it; otherwise it is a character like others.
    """

    path: Path
    content: bytes
    delimiter: str
    has_quotes: bool = True

    def records(self) -> Iterator[list[str]]:
        """Yields the cells of each row; none for a blank line.

        Raises:
            DataError: A quote does not end, or ends before its cell.
        """
        csv.field_size_limit(
            _LONGEST_CELL
        )  # a text or a list in a cell may be longer than the 128 KiB of Python
        lines = io.TextIOWrapper(io.BytesIO(self.content), encoding="utf-8", newline="")
        reader = csv.reader(
            lines,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.has_quotes else csv.QUOTE_NONE,
            strict=True,
        )
        try:
            yield from reader
        except csv.Error as error:
            raise DataError(
                f"{self.path}, line {reader.line_num} cannot be read as CSV: {in_one_line(error)}; are all "
                "quotes closed?"
            ) from error


def read_csv(path: Path, *, delimiter: str | None, kind: str, nameless: bool = False) -> Table:
    """Reads CSV or TSV whose first row names the columns; see `table_files.read_table`."""
    content = content_of(path)
    refuse_binary(path, content)
    leading, content, trailing = _without_blank_ends(content.removeprefix(b"\xef\xbb\xbf"))
    usual = DELIMITERS.get(kind, ",")
    lines = _Lines(path, content, delimiter or usual)
    lines = _with_fitting_quotes(lines if delimiter else _with_fitting_delimiter(lines))
    is_nameless = nameless and kind == ".tsv" and _holds_numbers(lines)
    if is_nameless:
        lines = _with_names(lines)
    header = _header(lines)
    # The number of a row in the file, from its number in what is parsed.
    offset = leading - is_nameless
    blanks = [row + offset for row in _blank_rows(lines)]
    try:
        texts = in_blocks(partial(_texts, lines, header))
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error, offset, blanks) from error
    remarks = []
    if trailing and len(header) == 1:
        remarks.append(f"{path.name}: {trailing} blank lines at the end are not read")
    if lines.delimiter != (delimiter or usual):
        remarks.append(f"{path.name}: columns are separated by {lines.delimiter!r}")
    if not lines.has_quotes:
        remarks.append(f"{path.name}: quotes enclose no cells, but are characters like others")
    if blanks and len(header) > 1:
        remarks.append(f"{path.name}: {len(blanks)} blank lines are not read, the first is row {blanks[0]}")
    return Table(
        str(path),
        {name: trimmed(texts.column(name)) for name in header},
        first_row=2 + offset,  # the header is row 1, as in a spreadsheet
        has_names=not is_nameless,
        index_columns=unnamed(header),
        skipped_rows=tuple(blanks) if len(header) > 1 else (),
        remarks=tuple(remarks),
    )


def unnamed(names: Sequence[str]) -> tuple[str, ...]:
    """Returns those of ``names`` that an index of pandas has where it has no name of its own."""
    return tuple(name for name in names if _UNNAMED.fullmatch(name))


def refuse_repeated(source: Path | str, names: Sequence[str]) -> None:
    """Refuses columns of the same name.

    Raises:
        DataError: A name is there twice.
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{source} has repeated column names, the first {repeated[0]!r}; rename them")


def without_rows(path: Path) -> DataError:
    """Returns the error that a table has no values."""
    return DataError(f"{path} has no row of values; must hold at least one")


def _without_blank_ends(content: bytes) -> tuple[int, bytes, int]:
    """Returns how many blank lines come first, what is between, and how many come last."""
    started = content.lstrip(b"\r\n")
    ended = started.rstrip(b"\r\n")
    first = content[: len(content) - len(started)]
    last = started[len(ended) :]
    return len(first.splitlines()), ended, max(len(last.splitlines()) - 1, 0)


def _with_fitting_delimiter(lines: _Lines) -> _Lines:
    """Returns the lines as they are, or with the delimiter that makes several cells of the first two rows."""
    for delimiter in (lines.delimiter, *_OTHERS):
        fitting = replace(lines, delimiter=delimiter)
        rows = fitting.records()
        try:
            widths = [len(next(rows, [])), len(next(rows, []))]
        except DataError:
            continue  # quotes do not fit this delimiter
        if widths[0] > 1 and widths[1] in {0, widths[0]}:
            return fitting
    return lines


def _with_fitting_quotes(lines: _Lines) -> _Lines:
    """Returns the lines as they are, or without quotes around cells where tabs separate them and quotes do not fit.

    Raises:
        DataError: Quotes do not fit, and tabs do not separate cells.
    """
    if b'"' not in lines.content:
        return lines
    try:
        # Arrow takes a quote without an end for a cell that lasts to the end of the file; strict reading does not.
        sum(1 for _ in lines.records())
    except DataError:
        if lines.delimiter != "\t":
            raise
        # A text may hold any mark but a tab in many TSV files, such as those of GLUE.
        return replace(lines, has_quotes=False)
    return lines


def _header(lines: _Lines) -> list[str]:
    # Arrow reads a header without a word about repeated names, or names that are the first row of numbers.
    rows = lines.records()
    header = next(rows, [])
    if not header:
        raise DataError(f"{lines.path} is empty; must hold a row of column names and rows of values")
    if _looks_like_values(header):
        first = lines.delimiter.join(header)[:60]
        raise DataError(f"{lines.path} starts with numbers, {first}; its first row must name the columns")
    refuse_repeated(lines.path, header)
    if next(rows, None) is None:
        raise without_rows(lines.path)
    return header


def _looks_like_values(header: list[str]) -> bool:
    numbers = [float(name) for name in header if is_number(name)]
    # Years and wavelengths are names of columns, too, but they rise or fall.
    steps = {after > before for before, after in pairwise(numbers)}
    are_names = len(steps) == 1 and (len(numbers) > 2 or all(number.is_integer() for number in numbers))
    return len(numbers) == len(header) or (2 * len(numbers) >= len(header) > 2 and not are_names)


def _holds_numbers(lines: _Lines) -> bool:
    """Whether the first row has numbers only, as in the UCR archive; a short sequence has NaN after its last value."""
    first, *others = next(lines.records(), []) or [""]
    are_numbers = all(is_number(cell) or cell.lower() == "nan" for cell in others)
    return is_number(first) and are_numbers and others != []


def _with_names(lines: _Lines) -> _Lines:
    steps = len(next(lines.records())) - 1
    names = lines.delimiter.join(["label", *map(str, range(1, steps + 1))])
    return replace(lines, content=f"{names}\n".encode() + lines.content)


def _blank_rows(lines: _Lines) -> list[int]:
    """Returns the numbers from 1 of rows that are blank lines; a cell with line breaks is one row."""
    if not _BLANK_LINE.search(lines.content):
        return []
    return [number for number, cells in enumerate(lines.records(), start=1) if not cells]


def _texts(lines: _Lines, header: list[str], block_bytes: int) -> pa.Table:
    # All columns are read as text: Arrow would guess each type from the first block only.
    return arrow_csv.read_csv(
        pa.BufferReader(lines.content),
        # With threads, errors do not name the row.
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=block_bytes),
        parse_options=arrow_csv.ParseOptions(
            delimiter=lines.delimiter,
            quote_char='"' if lines.has_quotes else False,
            newlines_in_values=lines.has_quotes,
            # In the only column, a blank line is a hole: skipping it would move all later rows up.
            ignore_empty_lines=len(header) > 1,
        ),
        # Only an empty cell without quotes is missing here: whether `NA` is depends on the rest of its column.
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _unreadable(path: Path, error: pa.ArrowInvalid, offset: int, blanks: list[int]) -> DataError:
    if "UTF8" in str(error):
        return DataError(f"{path} is not UTF-8 text; save it in UTF-8")
    wrong = _WRONG_WIDTH.search(str(error))
    if wrong is None:
        return DataError(f"{path} cannot be read as CSV: {in_one_line(error)}; mend the file")
    row, expected, found = map(int, wrong.groups())
    row += offset
    for blank in blanks:  # Arrow does not count them
        row += blank <= row
    return DataError(
        f"{path}, row {row} has {found} values; must have {expected}, as many as there are column names: mend the row"
    )
