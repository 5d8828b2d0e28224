"""`Layout`, `SeriesLayout` and `TextLayout`: how tables hold sequences, to read further ones alike."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the annotations
from dataclasses import dataclass, field

from evo_nas.data.series_options import Gaps  # noqa: TC001 - as above


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table holds sequences.

    Attributes:
        row: The columns of a row in their order, where every row is a whole sequence.
        sequence: Column with the name of each row's sequence, where every row is a step.
        time: Column that orders the steps of a sequence; None if they are in order.
        categories: The words that have an input of their own, by column.
        lists: The columns that hold a list of steps, side by side, where every row is a whole sequence.
        outputs: The columns of what is predicted.
        rate: Samples in a second, where files are sounds.
    """

    row: tuple[str, ...] = ()
    sequence: str | None = None
    time: str | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesLayout:
    """How a table holds series; each row is a step.

    Attributes:
        time: Column that orders the rows; None if they are in order.
        series: Column with the name of each row's series; None if a table is one series.
        day_first: See `SeriesOptions`.
        frequency: The step between rows as pandas spells it; None if there is no regular one.
        gaps: What becomes of steps without a row; see `SeriesOptions`.
    """

    time: str | None = None
    series: str | None = None
    day_first: bool | None = None
    frequency: str | None = None
    gaps: Gaps = "refuse"


@dataclass(frozen=True, slots=True)
class TextLayout:
    """How a table holds texts, or tokens.

    Attributes:
        text: Column of the text, or of the tokens.
        label: Column of the class, or of the tags.
    """

    text: str | None = None
    label: str | None = None
