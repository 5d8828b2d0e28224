"""The options of tasks on numeric sequences from files, and the reading of all their parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from pydantic import PositiveInt, model_validator

from evo_nas.data.array_files import file_beside
from evo_nas.data.array_sequences import sources_by_part
from evo_nas.data.audio_files import AudioOptions, sounds_named_in
from evo_nas.data.columns import Roles
from evo_nas.data.examples import enumerated
from evo_nas.data.holes import Missing
from evo_nas.data.options import Character, Names, StrictOptions
from evo_nas.data.sequence_files import SequenceReader
from evo_nas.data.split_remarks import natural
from evo_nas.errors import DataError
from evo_nas.tasks.raw_inputs import NumericInputs
from evo_nas.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.data.features import Features
    from evo_nas.data.sources import SourceOptions

    Numeric = npt.NDArray[np.float64]

ColumnOptionsT_co = TypeVar("ColumnOptionsT_co", bound="ColumnOptions", covariant=True)


class ColumnOptions(StrictOptions):
    """Options that say which columns or arrays of files are read, and how.

    Attributes:
        inputs: Columns that are read, or the array; all other columns of numbers if not given. Further files are read
            by these names, whatever the order of their columns.
        exclude: Columns that are not read.
        categorical: Columns of words that are read as well, each word as an input that is 1 where it stands and 0
            elsewhere; only where a row is a step.
        sequence: Column with the name of the sequence that a row is a step of; if not given, every row is a sequence.
        time: Column of dates, time stamps or numbers that orders the steps of a sequence; the only column of dates if
            not given, otherwise the order of the rows.
        features: Where every row is a sequence, how many successive columns are one step.
        missing: What to do with missing values that are read: ``refuse`` them; ``mask`` them, which sets them to the
            mean of training and adds two inputs, whether the value is known and how long ago the last one was
            (Che et al., 2018); ``interpolate`` between the values around; or repeat the ``previous`` one.
        audio: How files of sound become numbers.
        delimiter: Character between columns of text; a comma or a tab, by the file's name, if not given.
    """

    inputs: Names | None = None
    exclude: Names | None = None
    categorical: Names | None = None
    sequence: str | None = None
    time: str | None = None
    features: PositiveInt = 1
    missing: Missing = "refuse"
    audio: AudioOptions = AudioOptions()
    delimiter: Character | None = None

    @model_validator(mode="after")
    def _names_each_column_once(self) -> Self:
        for field in ("inputs", "exclude", "categorical"):
            names = getattr(self, field) or ()
            if len(set(names)) < len(names):
                raise ValueError(f"{field} {list(names)} names a column twice; name each once")
        if self.time is not None and self.sequence is None:
            raise ValueError(
                "time orders the steps of a sequence; name their column in sequence, or leave time out"
            )
        return self

    def roles(
        self,
        *,
        group: str | None,
        label: str | None = None,
        targets: tuple[str, ...] | None = None,
        label_per_step: bool = False,
    ) -> Roles:
        """Returns the columns that play each role; see `Roles`."""
        return Roles(
            label=label,
            inputs=self.inputs,
            sequence=self.sequence,
            time=self.time,
            group=group,
            exclude=self.exclude or (),
            categorical=self.categorical or (),
            targets=targets,
            features=self.features,
            delimiter=self.delimiter,
            label_per_step=label_per_step,
            holes=self.missing != "refuse",
            audio=self.audio,
        )


class NumericTask(Task[ColumnOptionsT_co]):
    """A task on numeric sequences from files."""

    def files(self) -> Sequence[Path]:
        """Returns the files that the options name, and those that are named in turn; see `Task.files`.

        A table may name files of sound, and an ``.npy`` file has its labels in another one.
        """
        files, options = super().files(), self.options
        label = getattr(options, "label", None)
        beside = [file_beside(path, label) for path in files if label]
        sounds = [sound for path in files for sound in sounds_named_in(path, delimiter=options.delimiter)]
        return list(dict.fromkeys([*files, *filter(None, beside), *sounds]))


def read_numeric(
    source: SourceOptions, roles: Roles, *, may_share_names: bool = False
) -> dict[str, Examples[Numeric]]:
    """Reads the files of each part that has files of its own.

    Args:
        source: Where the examples are.
        roles: Which columns play which role.
        may_share_names: Whether sequences of one name in two parts are different ones.

    Raises:
        DataError: Files cannot be read, their sequences do not fit each other, or a sequence is in two parts.
    """
    reader = SequenceReader(roles)
    tables = source.tables()
    parts = (
        {part: [table] for part, table in tables.items()}
        if tables
        else sources_by_part(source.files_by_part(), roles)
    )
    files: dict[str, Examples[Numeric]] = {}
    part_of: dict[str, str] = {}
    for part, some in parts.items():
        files[part] = reader.read(some)
        _check(files[part], roles, width=files["train"].items[0].shape[1])
        torn = sorted(reader.names & part_of.keys())
        if torn and not may_share_names:
            raise DataError(
                f"{files[part].source}: sequence {torn[0]!r} is in the {part} files and in the {part_of[torn[0]]} "
                "files; put all of it into one part; where these are different sequences, give them different names, "
                "or set split.duplicates to keep"
            )
        if torn and roles.group is None and files[part].groups is not None:
            files[part] = _with_groups_of_their_own(files[part], part, torn)
        part_of |= dict.fromkeys(reader.names, part)
    return files


def _with_groups_of_their_own(
    examples: Examples[Numeric], part: str, shared: Sequence[str]
) -> Examples[Numeric]:
    """Returns the pieces of a part whose sequences only happen to have the names of sequences of another part."""
    said = (
        f"{len(shared):,} sequences of the {part} files have names of other parts and count as different ones"
    )
    groups = [f"{part} {name}" for name in examples.groups or ()]
    return replace(
        examples,
        groups=groups,
        remarks=(*examples.remarks, f"{said}: {enumerated(sorted(shared, key=natural))}"),
    )


def _check(examples: Examples[Numeric], roles: Roles, *, width: int) -> None:
    if roles.group is not None and examples.groups is None:
        raise DataError(
            f"{examples.source}: group is {roles.group!r}, but a file of this kind has no column for it; leave group "
            "out, or give a table"
        )
    for position, item in enumerate(examples.items):
        if item.shape[1] != width or not len(item):
            raise DataError(
                f"{examples.where[position]} has shape {item.shape}; every sequence needs at least one step of {width} "
                f"{'value' if width == 1 else 'values'}"
            )
        if np.isinf(item).any():
            raise DataError(
                f"{examples.where[position]} has an infinite value; mend it or leave the sequence out"
            )
        if np.isnan(item).any() and not roles.holes:
            raise DataError(
                f"{examples.where[position]} has a missing value; mend it, leave the sequence out, or set missing to "
                "mask, interpolate or previous"
            )


def recorded(features: Features, window: int | None = None) -> NumericInputs:
    """Returns what was done to sequences, of which the last ``window`` steps are read, as a network keeps it."""
    mean, scale = (tuple(values.tolist()) for values in (features.scaler.mean, features.scaler.scale))
    how, masked = features.filling.how, features.filling.masked
    return NumericInputs(mean, scale, features.names, how, masked, layout=features.layout, window=window)


FAR = 1000.0
"""Deviations between the mean of a column and zero, beyond which less than four digits of a deviation are left."""


class PlainReading:
    """What simple models read of sequences: values in their own units, with holes filled and without masks.

    A column far from zero is read less its mean, rounded, since its values would lose their digits in 32 bits; whole
    numbers stay whole.

    Args:
        features: What networks read.
        window: As for `recorded`.

    Attributes:
        inputs: From raw values to what is read.
    """

    def __init__(self, features: Features, window: int | None = None) -> None:
        how = "interpolate" if features.filling.how == "mask" else features.filling.how
        is_far = np.abs(features.scaler.mean) > FAR * features.scaler.scale
        mean = tuple(np.where(is_far, np.round(features.scaler.mean), 0.0).tolist())
        scale = (1.0,) * len(mean)
        self.inputs = NumericInputs(mean, scale, features.names, how, layout=features.layout, window=window)

    def __call__(self, examples: Examples[Numeric]) -> list[npt.NDArray[np.float32]]:
        """Returns what is read of each sequence, float32 ``(time, values)``."""
        return [self.inputs(item, place=examples.where[at]) for at, item in enumerate(examples.items)]
