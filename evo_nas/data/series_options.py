"""The options that say what the series in files are: columns, time, gaps, holes and what is known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from evo_nas.data.calendar import Cycle
from evo_nas.data.holes import Missing
from evo_nas.data.options import Character, Names, StrictOptions
from evo_nas.data.paths import DataPaths, expanded
from evo_nas.data.steps import is_frequency

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

Gaps = Literal["refuse", "fill", "mask", "keep"]
"""What becomes of steps without a row; see `SeriesOptions`."""
_ALL_OR_NAMES = "all, or a list of one or more names"


def _all_or_names(value: object) -> object:
    if value == "all":
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ValueError(f"must be {_ALL_OR_NAMES}")


# Not a plain union: what is wrong would be said once for each of its types.
Targets = Annotated[
    Literal["all"] | tuple[str, ...],
    Field(json_schema_extra={"permitted": _ALL_OR_NAMES}),
    PlainValidator(_all_or_names),
    # The serializer of the union warns of every tuple that it is given.
    PlainSerializer(lambda names: names if names == "all" else list(names)),
]
ColumnNames = Annotated[tuple[str, ...], Field(strict=False)]
Cycles = Annotated[tuple[Cycle, ...], Field(strict=False)]


class SeriesOptions(StrictOptions):
    """Options that say what the series in files are.

    Attributes:
        path: Tables with one row for each time step and named columns. Without ``series``, each is one series.
        validation_path: Series of the validation part; otherwise it is taken from those at ``path``.
        test_path: Series of the test part; otherwise it is taken from those at ``path``.
        targets: Columns to forecast, or ``all`` that are read.
        inputs: Columns to read; all columns of numbers if not given.
        exclude: Columns that are not read.
        known: Columns whose future is known, such as holidays or prices; they are read up to the horizon.
        time: Column of dates or time stamps, which orders the rows of a series; the only such column if not given.
            Without one, rows are in the order of the file, oldest first.
        day_first: Whether 01/02/2020 is in February; only needed where dates can be read in both ways.
        frequency: Step between rows as pandas spells it, such as ``h``, ``15min``, ``D``, ``B``, ``W``, ``MS`` or
            ``ME``; found from ``time`` if not given.
        gaps: What becomes of steps without a row. ``refuse`` names them; ``fill`` adds rows and draws lines between the
            known neighbours; ``mask`` adds rows whose values are missing; ``keep`` reads rows as they are, and where
            they have no regular step also the logarithm of the time since the row before.
        series: Column with the name of the series that a row belongs to, where a file holds several.
        short: Whether a series that is too short for a forecast in every part is refused or left out.
        calendar: Cycles of ``time`` that are read as sine and cosine.
        missing: What becomes of missing values. ``previous`` repeats the last known value, zero before the first one;
            ``mask`` does so, too, and adds for each such column whether the value is known and the steps since the last
            known one (Che et al., 2018); ``interpolate`` draws lines between the known neighbours. No value after the
            last row that a network reads is ever used. A missing value of a target does not count.
        delimiter: Character between columns; a comma or a tab, by the file's name, if not given.
    """

    path: DataPaths = Field(examples=["series.csv"])
    validation_path: DataPaths | None = None
    test_path: DataPaths | None = None
    targets: Targets = Field(examples=[["temperature"]])
    inputs: Names | None = None
    exclude: ColumnNames = ()
    known: ColumnNames = ()
    time: str | None = None
    day_first: bool | None = None
    frequency: str | None = None
    gaps: Gaps = "refuse"
    series: str | None = None
    short: Literal["refuse", "drop"] = "refuse"
    calendar: Cycles = ()
    missing: Missing = "refuse"
    delimiter: Character | None = None

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> Self:
        targets = () if self.targets == "all" else self.targets
        lists = {
            "targets": targets,
            "inputs": self.inputs or (),
            "exclude": self.exclude,
            "known": self.known,
        }
        for field, names in {**lists, "calendar": self.calendar}.items():
            if len(set(names)) < len(names):
                raise ValueError(f"{field} {list(names)} names a column twice; name each once")
        rivals = [(field, "exclude") for field in ("targets", "inputs", "known")] + [("targets", "known")]
        for one, other in rivals:
            if twice := [name for name in lists[one] if name in lists[other]]:
                raise ValueError(f"column {twice[0]!r} is in {one} and in {other}; name it in one of them")
        return self

    @model_validator(mode="after")
    def _frequency_is_known(self) -> Self:
        if self.frequency is not None and not is_frequency(self.frequency):
            raise ValueError(
                f"frequency is {self.frequency!r}; must be a step that pandas knows, above zero, such as h, 15min, D, "
                "B, W, MS, ME, QS or YS"
            )
        return self

    @model_validator(mode="after")
    def _holes_of_one_kind(self) -> Self:
        # Steps without a row become missing values, and a network reads all of these in the same way.
        if self.gaps == "mask" and self.missing not in {"refuse", "mask"}:
            raise ValueError(
                f"gaps is mask and missing is {self.missing}; rows of a gap are missing values, too: set missing to "
                "mask, or gaps to fill"
            )
        return self

    @property
    def filling(self) -> Missing:
        """How missing values become inputs, those of rows that were added for a gap included."""
        by_gaps: dict[Gaps, Missing] = {"fill": "interpolate", "mask": "mask"}
        return by_gaps.get(self.gaps, "refuse") if self.missing == "refuse" else self.missing

    def files_by_part(self) -> dict[str, list[Path]]:
        """Returns the files of each part that has files of its own; those of ``train`` are cut into the other parts."""
        paths = {"train": self.path, "validation": self.validation_path, "test": self.test_path}
        return {part: expanded(given) for part, given in paths.items() if given}
