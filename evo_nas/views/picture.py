"""Draws a data set: its parts, series or samples, classes, lengths and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.splitting import PARTS
from evo_nas.data.vocabulary import UNKNOWN
from evo_nas.tasks.dataset import Sequences, Stream
from evo_nas.views.data_facts import class_counts, lengths_of, series_columns
from evo_nas.views.svg import Box, document, fitting, label, line, rectangle

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset
    from evo_nas.views.data_facts import SeriesColumn

    Shapes = tuple[list[str], float]
    """Shapes below the height at which they begin, and how high they are together."""

WIDTH, MARGIN = 960.0, 32.0
INNER = WIDTH - 2 * MARGIN
COLOURS = {"train": "#3867d6", "validation": "#e8a33d", "test": "#d1495b"}
SOFT = {"train": "#eef3fd", "validation": "#fdf5e6", "test": "#fbecee"}
LINES = ("#3867d6", "#20a486", "#8854d0", "#e8a33d", "#d1495b", "#7f8c9b")
GREY, PALE = "#7b8794", "#f4f6f8"
MOST_REMARKS, MOST_SERIES, MOST_CLASSES, MOST_TOKENS, MOST_SAMPLES = 10, 8, 16, 16, 8
OVERLAID = 8
"""Sequences of one class in one chart."""
BINS = 40


def picture_of(dataset: Dataset) -> str:
    """Returns the picture of ``dataset`` as SVG."""
    shapes: list[str] = []
    y = MARGIN
    for draw in (_heading, _parts, _series, _samples, _classes, _lengths, _tokens):
        drawn, height = draw(dataset, y)
        shapes += drawn
        y += height
    return document(WIDTH, y + 8, shapes)


def _heading(dataset: Dataset, y: float) -> Shapes:
    shapes = [
        label(
            fitting(dataset.name, INNER, size=24), MARGIN, y + 20, size=24, colour="#1f2933", font_weight=700
        )
    ]
    remarks = list(dataset.remarks[:MOST_REMARKS])
    if len(dataset.remarks) > MOST_REMARKS:
        remarks.append(f"and {len(dataset.remarks) - MOST_REMARKS} further remarks")
    for number, remark in enumerate(remarks):
        shapes.append(label(fitting(remark, INNER), MARGIN, y + 46 + 18 * number, colour=GREY))
    return shapes, 46 + 18 * len(remarks)


def _parts(dataset: Dataset, y: float) -> Shapes:
    """The examples of each part, side by side."""
    total = sum(map(len, dataset.parts.values()))
    shapes, x = [], MARGIN
    for name, part in dataset.parts.items():
        width = max(INNER * len(part) / total, 3)
        shapes.append(rectangle(x, y, min(width, WIDTH - MARGIN - x) - 2, 14, COLOURS[name], rx=3))
        x += width
    x = MARGIN
    for name, part in dataset.parts.items():
        text = f"{name} {len(part):,}"
        shapes += [rectangle(x, y + 24, 10, 10, COLOURS[name], rx=2), label(text, x + 16, y + 33)]
        x += 40 + 7.2 * len(text)
    return shapes, 62


def _series(dataset: Dataset, y: float) -> Shapes:
    """The columns of a forecast over time, on the colours of the parts."""
    columns = series_columns(dataset, MOST_SERIES)
    if not columns:
        return [], 0
    more = dataset.signature.features - len(columns)
    title = "series" + (f", {len(columns)} of {dataset.signature.features} columns" if more else "")
    shapes = [_title(title, y)]
    for number, column in enumerate(columns):
        shapes += _one_series(column, y + 18 + 74 * number)
    return shapes, 18 + 74 * len(columns) + 18


def _one_series(column: SeriesColumn, top: float) -> list[str]:
    left, width, height = MARGIN + 130, INNER - 130, 60.0
    shapes = [rectangle(left, top, width, height, PALE, rx=4)]
    rows = len(column.values)
    edges = np.flatnonzero(np.diff(column.parts, prepend=-2, append=-2))
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if (part := int(column.parts[start])) >= 0:
            x = left + width * start / rows
            shapes.append(rectangle(x, top, width * (end - start) / rows, height, SOFT[PARTS[part]]))
    low, high = float(np.nanmin(column.values)), float(np.nanmax(column.values))
    for name in PARTS:
        values = np.where(column.parts == PARTS.index(name), column.values, np.nan)
        shapes.append(line(values, Box(left, top + 5, width, height - 10), (low, high), COLOURS[name]))
    shapes.append(label(fitting(column.name, 124), MARGIN, top + 22, font_weight=600))
    shapes.append(label(f"{low:.4g} to {high:.4g}", MARGIN, top + 40, size=11, colour=GREY))
    return shapes


def _samples(dataset: Dataset, y: float) -> Shapes:
    """Some sequences of numbers in training: one chart for each class, or for each sample where there are none."""
    part = dataset.train
    if not isinstance(part, Sequences) or dataset.signature.vocabulary or part.inputs.ndim != 3:
        return [], 0
    groups = _groups_of_samples(dataset, part)
    shapes = [
        _title(
            "samples of training" + (", by class" if dataset.classes and part.targets.ndim == 1 else ""), y
        )
    ]
    columns, width, height = 4, (INNER - 36) / 4, 92.0
    lengths = lengths_of(part)
    for number, (name, rows) in enumerate(groups):
        left, top = MARGIN + (number % columns) * (width + 12), y + 18 + (number // columns) * (height + 34)
        shapes.append(rectangle(left, top, width, height, PALE, rx=4))
        items = [part.inputs[row, : lengths[row]] for row in rows]
        shapes += _overlaid(items, Box(left + 6, top + 6, width - 12, height - 12))
        shapes.append(label(fitting(name, width), left, top + height + 16, size=11))
    return shapes, 18 + -(-len(groups) // columns) * (height + 34) + 12


def _groups_of_samples(dataset: Dataset, part: Sequences) -> list[tuple[str, list[int]]]:
    if dataset.classes and part.targets.ndim == 1:
        rows = {
            name: np.flatnonzero(part.targets == place)[:OVERLAID]
            for place, name in enumerate(dataset.classes)
        }
        return [(name, some.tolist()) for name, some in list(rows.items())[:MOST_SAMPLES] if len(some)]
    picked = range(min(MOST_SAMPLES, len(part)))
    if dataset.classes:
        return [(f"sequence {row + 1}", [row]) for row in picked]
    targets = (" ".join(f"{value:.3g}" for value in np.ravel(part.targets[row])[:4]) for row in picked)
    return [(f"target {target}", [row]) for row, target in zip(picked, targets, strict=True)]


def _overlaid(items: Sequence[npt.NDArray[np.generic]], box: Box) -> list[str]:
    values = [item.astype(np.float64) for item in items]
    low, high = min(float(item.min()) for item in values), max(float(item.max()) for item in values)
    # Many features are told apart by their colours; many sequences by being thin.
    features = min(values[0].shape[1], len(LINES))
    opacity = 0.9 if len(values) == 1 else 0.45
    return [
        line(item[:, feature], box, (low, high), LINES[feature], opacity)
        for item in values
        for feature in range(features)
    ]


def _classes(dataset: Dataset, y: float) -> Shapes:
    if not dataset.classes or isinstance(dataset.train, Stream):
        return [], 0
    counts = class_counts(dataset)
    rows = [(name, numbers) for name, numbers in list(counts.items())[:MOST_CLASSES]]
    title = "classes" + (f", {MOST_CLASSES} of {len(counts):,}" if len(counts) > MOST_CLASSES else "")
    return _bars(title, [(name, dict(zip(PARTS, numbers, strict=True))) for name, numbers in rows], y)


def _lengths(dataset: Dataset, y: float) -> Shapes:
    """How long the sequences of training are, where they are not all of one length."""
    lengths = lengths_of(dataset.train)
    if lengths.min() == lengths.max():
        return [], 0
    counts, edges = np.histogram(lengths, bins=min(BINS, int(np.ptp(lengths)) + 1))
    step, height = INNER / len(counts), 90.0
    shapes = [_title("lengths in training", y)]
    for number, count in enumerate(counts.tolist()):
        tall = height * count / max(int(counts.max()), 1)
        shapes.append(
            rectangle(MARGIN + number * step, y + 18 + height - tall, step - 2, tall, COLOURS["train"], rx=2)
        )
    base = y + 18 + height + 16
    shapes.append(label(f"{edges[0]:,.0f} steps", MARGIN, base, size=11, colour=GREY))
    shapes.append(
        label(f"{edges[-1]:,.0f} steps", WIDTH - MARGIN, base, size=11, colour=GREY, text_anchor="end")
    )
    return shapes, 18 + height + 40


def _tokens(dataset: Dataset, y: float) -> Shapes:
    """The commonest tokens of training."""
    part = dataset.train
    if not dataset.vocabulary:
        return [], 0
    if isinstance(part, Stream):
        ids = part.tokens
    else:
        assert isinstance(part, Sequences)
        ids = part.inputs[np.arange(part.inputs.shape[1]) < lengths_of(part)[:, None]].astype(np.int64)
    counts = np.bincount(ids, minlength=len(dataset.vocabulary))
    common = np.argsort(-counts, kind="stable")[:MOST_TOKENS].tolist()
    rows = [
        (_named(dataset.vocabulary[place]), {"train": int(counts[place])})
        for place in common
        if counts[place]
    ]
    return _bars(f"commonest of {len(dataset.vocabulary):,} tokens", rows, y)


def _named(token: str) -> str:
    # As Python spells it, so that a line end among the tokens is seen.
    return "(unknown)" if token == UNKNOWN else repr(token)[1:-1]


def _bars(title: str, rows: Sequence[tuple[str, dict[str, int]]], y: float) -> Shapes:
    """A line for each row: its name, a bar with a piece for each part, and its count."""
    most = max((sum(numbers.values()) for _, numbers in rows), default=1) or 1
    left, width = MARGIN + 130, INNER - 130 - 80
    shapes = [_title(title, y)]
    for number, (name, numbers) in enumerate(rows):
        top, x = y + 18 + 22 * number, left
        shapes.append(label(fitting(name or "(blank)", 124), MARGIN, top + 12))
        for part, count in numbers.items():
            shapes.append(rectangle(x, top, width * count / most, 15, COLOURS[part], rx=2))
            x += width * count / most
        shapes.append(label(f"{sum(numbers.values()):,}", x + 8, top + 12, size=11, colour=GREY))
    return shapes, 18 + 22 * len(rows) + 20


def _title(text: str, y: float) -> str:
    return label(text, MARGIN, y + 6, size=13, colour="#1f2933", font_weight=600)
