"""Which files a configuration names: one, several, a folder or a pattern."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from evo_nas.config import DataPath
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | Path) else value


def _not_empty(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    if not paths:
        raise ValueError("must name at least one file, folder or pattern")
    return paths


DataPaths = Annotated[
    tuple[DataPath, ...],
    Field(strict=False, json_schema_extra={"permitted": "a path, or a list of paths"}),
    AfterValidator(_not_empty),
    BeforeValidator(_as_list),
]
"""A path or a list of paths; a folder stands for the files in it, ``*`` and ``?`` for any characters."""


def expanded(paths: Iterable[Path] | None) -> list[Path]:
    """Returns the files that ``paths`` stand for, those of a folder or pattern by name; none of None.

    Raises:
        DataError: A folder or pattern has no file.
    """
    return [file for path in paths or () for file in _files_of(path)]


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    elif set("*?") & set(path.name):
        files = sorted(file for file in path.parent.glob(path.name) if file.is_file())
    else:
        return [path]
    if not files:
        raise DataError(f"{path} has no file; give a file, a folder with files or a pattern that some match")
    return files
