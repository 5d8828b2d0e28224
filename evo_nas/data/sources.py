"""The options that say where the examples of a task are: in files, or in a data set of Hugging Face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from evo_nas.data.examples import Item, joined
from evo_nas.data.huggingface import read_dataset
from evo_nas.data.options import StrictOptions
from evo_nas.data.paths import DataPaths, HubName, expanded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from evo_nas.data.examples import Examples
    from evo_nas.data.table import Table


class SourceOptions(StrictOptions):
    """Options that say where examples are; exactly one of `SOURCES` is given.

    Attributes:
        path: Files of all examples, or of the training part.
        huggingface: Name of a data set of Hugging Face, or a local folder of one; its splits become the parts.
        subset: Configuration of that data set.
        validation_path: Files of the validation part; otherwise it is taken from ``path``.
        test_path: Files of the test part; otherwise it is taken from ``path``.
    """

    SOURCES: ClassVar[tuple[str, ...]] = ("path", "huggingface")

    path: DataPaths | None = Field(default=None, examples=["data.csv"])
    huggingface: HubName | None = Field(default=None, examples=["imdb"])
    subset: str | None = None
    validation_path: DataPaths | None = None
    test_path: DataPaths | None = None

    @model_validator(mode="after")
    def _names_one_source(self) -> Self:
        given = [name for name in self.SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"{' and '.join(given) or 'none'} of {', '.join(self.SOURCES)} given; give exactly one"
            )
        return self

    def files_by_part(self) -> dict[str, list[Path]]:
        """Returns the files of each part that has files of its own."""
        paths = {"train": self.path, "validation": self.validation_path, "test": self.test_path}
        return {part: expanded(given) for part, given in paths.items() if given}

    def tables(self) -> dict[str, Table]:
        """Returns the parts of the data set of Hugging Face; nothing if the examples are in files.

        Raises:
            DataError: See `read_dataset`.
        """
        return read_dataset(self.huggingface, subset=self.subset) if self.huggingface else {}

    def examples(
        self, read: Callable[[Path], Examples[Item]], of_table: Callable[[Table], Examples[Item]]
    ) -> dict[str, Examples[Item]]:
        """Returns the examples of each part that has examples of its own.

        Args:
            read: Reads a file.
            of_table: Takes the examples from a table.

        Raises:
            DataError: Something cannot be read.
        """
        if self.huggingface is not None:
            return {part: of_table(table) for part, table in self.tables().items()}
        return {part: joined(list(map(read, files))) for part, files in self.files_by_part().items()}
