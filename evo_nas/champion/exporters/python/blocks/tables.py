"""Reading files for the command line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Returns the names of the columns of a CSV file, none without a header, and rows."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        raise SystemExit(f"{path} has no rows")
    is_header = not all(map(is_number, rows[0]))
    return (rows[0], rows[1:]) if is_header else ([], rows)


def is_number(text: str) -> bool:
    """Returns whether a cell of a table holds a number, or nothing."""
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def number(text: str) -> float:
    """Returns the number in a cell of a table; nan for an empty one."""
    return float(text.strip() or "nan")


def array(path: Path) -> list[Any]:
    """Returns the sequences of a NumPy file `(n, time, features)` or `(time, features)`."""
    import numpy as np

    values = torch.from_numpy(np.load(path, allow_pickle=False))
    return list(values) if values.dim() == 3 else [values]


def columns_of(
    path: Path, columns: Sequence[str], words: Mapping[str, Sequence[str]]
) -> tuple[list[list[float]], list[dict[str, str]]]:
    """Returns the values of a CSV file in the order of `columns`, and its whole rows.

    Args:
        path: The file.
        columns: Names of the columns; none to read all of them.
        words: Columns of words, each with those that have a column `name=word`.
    """
    header, rows = table(path)
    if not columns or not header:
        return [list(map(number, row)) for row in rows], [{} for _ in rows]
    found = [dict(zip(header, row, strict=False)) for row in rows]
    for row in found:
        for name, known in words.items():
            for word in known:
                row[f"{name}={word}"] = str(float(row.get(name, "").strip() == word))
    missing = [name for name in columns if name not in found[0]]
    if missing:
        raise SystemExit(f"{path} has no column {missing[0]!r}; it has {header}")
    return [[number(row[name]) for name in columns] for row in found], found


def grouped(
    values: Sequence[Any], rows: list[dict[str, str]], group: str, time: str
) -> dict[str, list[Any]]:
    """Returns the steps of each sequence by its name, in the order of time.

    Args:
        values: What there is of each row.
        rows: Whole rows.
        group: Column with the name of a row's sequence; empty if all rows are one.
        time: Column of times; empty if rows are in order.
    """
    order = list(range(len(rows)))
    if time and time in rows[0]:
        texts = [row[time] for row in rows]
        keys = list(map(float, texts)) if all(map(is_number, texts)) else texts
        order = sorted(order, key=lambda at: keys[at])
    found: dict[str, list[Any]] = {}
    for at in order:
        found.setdefault(rows[at].get(group, ""), []).append(values[at])
    return found


def panel(path: Path, series: str, value: str, time: str) -> list[Any]:
    """Returns the series of a CSV file.

    Args:
        path: The file.
        series: Column with the name of each row's series; otherwise a column is one.
        value: Column of the values; the last one if it is empty.
        time: Column of times; empty if rows are in order.
    """
    header, _ = table(path)
    if series in header:
        names = [value or [each for each in header if each not in (series, time)][-1]]
        values, found = columns_of(path, names, {})
        long = grouped(values, found, series, time)
        return [torch.tensor(each, dtype=torch.float64)[:, 0] for each in long.values()]
    wide, found = columns_of(path, [each for each in header if each != time], {})
    columns = torch.tensor(grouped(wide, found, "", time)[""], dtype=torch.float64).T
    # A shorter series ends, or begins, with empty cells.
    there = [(~column.isnan()).nonzero()[:, 0] for column in columns]
    return [
        column[known[0] : known[-1] + 1]
        for column, known in zip(columns, there, strict=True)
        if len(known)
    ]


def whole_text(path: Path) -> str:
    """Returns the text of a file."""
    return path.read_text(encoding="utf-8")


def lines(path: Path) -> list[str]:
    """Returns the lines of a file that are not empty."""
    return [line for line in whole_text(path).splitlines() if line.strip()]
