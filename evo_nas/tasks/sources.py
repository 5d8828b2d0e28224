"""Where the examples of a task are: in files, or in a data set of Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evo_nas.tasks.huggingface import read_dataset
from evo_nas.tasks.options import TaskOptions
from evo_nas.tasks.paths import DataPaths, expanded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from evo_nas.tasks.examples import Examples
    from evo_nas.tasks.table import Table

Item = TypeVar("Item")


class SourceOptions(TaskOptions):
    """Options that say where examples are; exactly one of `SOURCES` is given.

    Attributes:
        path: Files of all examples, or of the training part; a folder stands for the files in it, ``*`` and ``?`` for
            any characters.
        huggingface: Name of a data set of Hugging Face, or a local folder of one; with the parts that it has.
        subset: Configuration of that data set, where it has several.
        validation_path: Files of what decides; otherwise a part of ``path``.
        test_path: Files of what is reported; otherwise a part of ``path``.
    """

    SOURCES: ClassVar[tuple[str, ...]] = ("path", "huggingface")

    path: DataPaths | None = Field(default=None, examples=["data.csv"])
    huggingface: str | None = Field(default=None, examples=["imdb"])
    subset: str | None = None
    validation_path: DataPaths | None = None
    test_path: DataPaths | None = None

    @field_validator("huggingface")
    @classmethod
    def _folder_under_base(cls, name: str | None, info: ValidationInfo) -> str | None:
        folder = ((info.context or {}).get("base") or Path()) / (name or "")
        return str(folder) if name and folder.is_dir() else name

    @model_validator(mode="after")
    def _names_one_source(self) -> Self:
        given = [name for name in self.SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"{' and '.join(given) or 'none'} of {', '.join(self.SOURCES)} given; give exactly one"
            )
        return self

    def files_by_part(self) -> dict[str, list[Path]]:
        """Returns the files of each part that has some; a data set of Hugging Face has all of its files in one."""
        folder = Path(self.huggingface or "")
        if self.huggingface and folder.is_dir():
            return {"train": sorted(file for file in folder.rglob("*") if file.is_file())}
        paths = {"train": self.path, "validation": self.validation_path, "test": self.test_path}
        return {part: expanded(given) for part, given in paths.items() if given}

    def files(self) -> list[Path]:
        """Returns the files of all parts; a data set of the hub has none here."""
        return [file for files in self.files_by_part().values() for file in files]

    def tables(self) -> dict[str, Table]:
        """Returns the parts of the data set of Hugging Face, if that is what is given.

        Raises:
            DataError: See `read_dataset`.
        """
        return read_dataset(self.huggingface, subset=self.subset) if self.huggingface else {}

    def examples(
        self, read: Callable[[Path], Examples[Item]], of_table: Callable[[Table], Examples[Item]]
    ) -> dict[str, Examples[Item]]:
        """Returns the examples of each part that has some of its own.

        Args:
            read: Reads a file.
            of_table: Takes the examples from a table.

        Raises:
            DataError: Something cannot be read.
        """
        if self.huggingface is not None:
            return {part: of_table(table) for part, table in self.tables().items()}
        return {part: joined(list(map(read, files))) for part, files in self.files_by_part().items()}


def joined(examples: list[Examples[Item]]) -> Examples[Item]:
    """Returns all of ``examples``, at least one, in their order."""
    first, *further = examples
    for other in further:
        first = first.joined(other)
    return first
