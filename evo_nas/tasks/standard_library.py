"""A corpus that every machine has: the sources of Python's standard library."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from evo_nas.data.text_files import Corpus, read_text
from evo_nas.tasks.language_model import CorpusOptions, CorpusTask

if TYPE_CHECKING:
    from typing import Self


class StandardLibraryOptions(CorpusOptions):
    """Options of the task ``standard_library``.

    Attributes:
        characters: How much of the sources is read, in the alphabetical order of the modules.
    """

    characters: Annotated[int, Field(ge=10_000)] = 500_000


class StandardLibraryTask(CorpusTask[StandardLibraryOptions]):
    """Language modelling of Python itself; other versions of Python give other texts."""

    kind = "standard_library"
    Options = StandardLibraryOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:  # noqa: ARG003 - it writes no file
        """Returns the first 20,000 characters."""
        return cls(StandardLibraryOptions(characters=20_000))

    def files(self) -> list[Path]:
        """Returns as many modules as are needed, in alphabetical order."""
        chosen, total = [], 0
        for path in sorted(Path(os.__file__).parent.glob("*.py")):
            if path.stat().st_size and total < self.options.characters:
                chosen.append(path)
                total += path.stat().st_size
        return chosen

    def _texts(self) -> dict[str, Corpus]:
        text = "".join(read_text(path, "utf-8") for path in self.files())
        return {"train": Corpus(text[: self.options.characters])}
