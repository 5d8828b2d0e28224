"""`DataRoots`: the places under which configurations may name files; no other file is opened for them."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.data.array_files import file_beside
from evo_nas.data.audio_files import sounds_named_in
from evo_nas.data.paths import expanded, written_paths
from evo_nas.errors import ConfigError, DataError, GenomeError
from evo_nas.genome.cell_text import is_written_out, read_cell_text
from evo_nas.server.problems import ServiceError
from evo_nas.tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.server.root import RunsRoot

HUB = "hf://"
"""The data root that stands for the data sets of the Hugging Face hub."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_LONGEST_SHOWN = 200


class DataRoots:
    """The places under which files may lie.

    Args:
        places: Directories and URIs; `HUB` permits names on the hub.
        runs: The runs of the service, with which a configuration may begin.
    """

    def __init__(self, places: Sequence[str], *, runs: RunsRoot) -> None:
        self.folders = tuple(Path(place).resolve() for place in places if not _URI.match(place))
        self.has_hub = HUB in places
        self._uris = tuple(place.rstrip("/") for place in places if _URI.match(place) and place != HUB)
        self._runs = runs

    @property
    def places(self) -> list[str]:
        """What they are, for people."""
        return [*map(str, self.folders), *self._uris, *([HUB] if self.has_hub else [])]

    def path(self, written: str, *, base: Path | None = None, key: str = "path") -> Path:
        """Returns the path of a file, a folder or a pattern, which need not exist.

        Args:
            written: What was written.
            base: The directory that a relative path starts from; by default the first data root.
            key: Its name in messages.

        Raises:
            ConfigError: It lies outside of the data roots, is hidden, or a link in it leads out of them.
        """
        start = base or next(iter(self.folders), None)
        # Judged as text first: whether something exists outside of the roots is nobody's business.
        if start is None or "\0" in written or written.startswith("~") or ".." in Path(written).parts:
            raise self._outside(key, written)
        path = start / written
        folder = _folder_above(path, self.folders)
        if folder is None or any(part.startswith(".") for part in path.relative_to(folder).parts):
            raise self._outside(key, written)
        if _folder_above(_real(path), self.folders) is None:
            raise ConfigError(
                f"{key} is {_shown(written)}, a link that leads out of the data roots; give the data themselves"
            )
        return path

    def existing(self, written: str, *, key: str, task: Mapping[str, Any]) -> Path:
        """Returns the path of a file, or of a folder or a pattern with files.

        Args:
            written: What was written.
            key: Its name in messages.
            task: The section of the task that reads it.

        Raises:
            ConfigError: It lies outside of the data roots, or a link in it leads out of them.
            DataError: There is no such file.
        """
        path = self.path(written, key=key)
        for file in expanded([path]):
            if not self.path(str(file), key=key).is_file():
                raise DataError(
                    f"{key} is {_shown(written)}, which is no file under a data root; GET /api/v1/data/files lists them"
                )
            self._check_named_by(file, key, task)
        return path

    def folder_of(self, path: Path) -> Path:
        """Returns the data root that ``path``, which was permitted, lies under."""
        return next(folder for folder in self.folders if path.is_relative_to(folder))

    def base_of(self, values: Mapping[str, Any]) -> Path | None:
        """Returns the directory that relative paths of an unchecked configuration start from.

        Raises:
            ConfigError: It lies outside of the data roots.
        """
        written = values.get("base_dir")
        if isinstance(written, str):
            return self.path(written, key="base_dir")
        return next(iter(self.folders), None)

    def has_base_of(self, values: Mapping[str, Any]) -> bool:
        """Whether relative paths of a configuration start from a directory within."""
        try:
            return self.base_of(values) is not None
        except ConfigError:
            return False

    def problems_in(self, values: Mapping[str, Any]) -> list[str]:
        """Returns a line for each place in an unchecked configuration that lies outside."""
        problems: list[str] = []
        try:
            base = self.base_of(values)
        except ConfigError as error:
            return [str(error)]
        task = values.get("task")
        for key, written in _written_in(values):
            try:
                self._check(key, written, base, task if isinstance(task, dict) else {})
            except ConfigError as error:
                problems.append(str(error))
        return problems

    def _check(self, key: str, written: str, base: Path | None, task: Mapping[str, Any]) -> None:
        if key in {"warm_start.runs", "fitness.memory"}:
            self._check_runs(key, written)
        elif key.startswith("space."):
            self._check_cell(key, written, base)
        elif key.endswith("huggingface"):
            self._check_hub(key, written, base)
        else:
            self._check_files(self.path(written, base=base, key=key), key, task)

    def _check_files(self, path: Path, key: str, task: Mapping[str, Any]) -> None:
        try:
            files = expanded([path])
        except (DataError, OSError):  # whoever reads the data says what is missing
            return
        for file in files:
            self.path(str(file), key=key)
            self._check_named_by(file, key, task)

    def _check_named_by(self, file: Path, key: str, task: Mapping[str, Any]) -> None:
        """Checks the files that a file of data names: one with its labels, and those of sound."""
        label, delimiter = task.get("label"), task.get("delimiter")
        if isinstance(label, str) and file_beside(file, label) is not None:
            self.path(label, base=file.parent, key="task.label")
        for sound in _sounds_in(file, delimiter if isinstance(delimiter, str) else None):
            try:
                self.path(str(sound), key=key)
            except ConfigError as error:
                raise ConfigError(f"{key} has {file.name}, which names a file: {error}") from None

    def _check_runs(self, key: str, written: str) -> None:
        if _URI.match(written):
            roots = (*self._uris, *(() if self._runs.is_local else (self._runs.place,)))
            plain = not {"..", "."} & set(written.split("/")) and "%" not in written and "::" not in written
            if not plain or not any(f"{written}/".startswith(f"{root}/") for root in roots):
                raise self._outside(key, written)
        elif not self._is_own(written):
            # Relative paths of runs start from where a search is started, which is not where the data are.
            if not Path(written).is_absolute():
                raise ConfigError(
                    f"{key} is {_shown(written)}; must be an absolute path or URI under a data root or the root of runs"
                )
            self._check_files(self.path(written, key=key), key, {})

    def _is_own(self, written: str) -> bool:
        if written.rstrip("/") == self._runs.place:
            return True
        place, _, name = written.rpartition("/")
        if place != self._runs.place:
            return False
        try:
            self._runs.place_of(name)
        except ServiceError:
            return False
        return True

    def _check_cell(self, key: str, written: str, base: Path | None) -> None:
        if is_written_out(written):
            return
        path = self.path(written, base=base, key=key)
        # A text that is no file here would be looked for in the directory of the service.
        if written != written.strip() or not path.is_file():
            try:
                read_cell_text(written)
            except GenomeError as error:
                raise ConfigError(f"{key} has {_shown(written)}: {error}") from None

    def _check_hub(self, key: str, written: str, base: Path | None) -> None:
        try:
            folder = self.path(written, base=base, key=key)
        except ConfigError:
            folder = None
        if folder is not None and folder.is_dir():
            for file in folder.rglob("*"):
                self.path(str(file), key=key)
        elif not self.has_hub or not _HUB_NAME.fullmatch(written) or Path(written).exists():
            # What exists where a search is started would be read in place of the hub.
            raise ConfigError(
                f"{key} is {_shown(written)}; must be a folder under a data root, or the name of a data set of the hub "
                f"if the service permits it: `evo-nas serve --data {HUB}`"
            )

    def _outside(self, key: str, written: str) -> ConfigError:
        places = ", ".join(self.places)
        allowed = (
            f"must lie under {places}, without `..` and not hidden" if places else "there are no data roots"
        )
        return ConfigError(
            f"{key} is {_shown(written)}; {allowed}: `evo-nas serve --data PLACE` permits a place"
        )


def _written_in(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields dotted key and text of every place that an unchecked configuration names."""
    task = values.get("task")
    if isinstance(task, dict) and isinstance(task.get("kind"), str) and task["kind"] in TASKS:
        for name, written in written_paths(TASKS[task["kind"]].Options, task):
            yield f"task.{name}", written
    warm = values.get("warm_start")
    # A list alone is short for `warm_start.runs`.
    earlier = {"runs": warm} if isinstance(warm, str | list) else warm
    yield from _texts_of("space", values.get("space"), "cells", "seeds")
    yield from _texts_of("warm_start", earlier, "runs")
    yield from _texts_of("fitness", values.get("fitness"), "memory")


def _sounds_in(file: Path, delimiter: str | None) -> frozenset[Path]:
    """Returns the files of sound that a table names."""
    try:
        status = file.stat()
        return _sounds_known(file, delimiter, (status.st_ino, status.st_size, status.st_mtime_ns))
    except (DataError, OSError):  # whoever reads the data says what is wrong with them
        return frozenset()


# A form has its configuration checked again with every change.
@lru_cache(maxsize=64)
def _sounds_known(file: Path, delimiter: str | None, _mark: tuple[int, int, int]) -> frozenset[Path]:
    return frozenset(sounds_named_in(file, delimiter=delimiter))


def _texts_of(name: str, section: object, *keys: str) -> Iterator[tuple[str, str]]:
    if not isinstance(section, dict):
        return
    for key in keys:
        given = section.get(key)
        for written in given if isinstance(given, list) else [given]:
            if isinstance(written, str):
                yield f"{name}.{key}", written


def _folder_above(path: Path, folders: Sequence[Path]) -> Path | None:
    return next((folder for folder in folders if path.is_relative_to(folder)), None)


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links that lead to each other, or a name that is too long
        return path


def _shown(written: str) -> str:
    return written if len(written) <= _LONGEST_SHOWN else f"{written[: _LONGEST_SHOWN - 3]}..."
