"""Data: the files that may be chosen, a configuration guessed from some, and how they are understood."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from evo_nas.config import nearest
from evo_nas.config.yaml_text import inline_yaml, parse_yaml
from evo_nas.data.paths import expanded
from evo_nas.drafts import draft_of
from evo_nas.drafts.draft import slug
from evo_nas.drafts.parts import GivenFiles
from evo_nas.errors import ConfigError, EvoNasError
from evo_nas.server.configurations import GivenConfig, read_config
from evo_nas.server.context import Context, Shared
from evo_nas.server.problems import ProblemPart, ServiceError, parts_of
from evo_nas.tasks.registry import TASKS
from evo_nas.views.data import data_fields
from evo_nas.views.drafting import readable
from evo_nas.views.picture import picture_of

router = APIRouter(prefix="/data", tags=["data"])

MOST_ENTRIES = 2000
BASELINES_LIMIT_S = 60.0


class FileEntry(BaseModel):
    """A file or a folder under a data root."""

    name: str = Field(description="Its name.")
    path: str = Field(description="What to write into a configuration.")
    kind: Literal["file", "folder"]
    bytes: int | None = Field(description="Its size; null for a folder.")
    modified_at: datetime | None = Field(description="When it was last changed.")


class FileList(BaseModel):
    """What lies in a folder under a data root; of all data roots, where none is named."""

    path: str = Field(description="The folder; empty for the list of data roots.")
    entries: list[FileEntry] = Field(description="Folders first, by name; hidden ones are left out.")
    left_out: int = Field(description="Further entries, beyond the most that are listed.")


@router.get("/files")
def list_files(
    context: Shared,
    path: Annotated[
        str, Query(max_length=4096, description="A folder; empty for the list of data roots.")
    ] = "",
) -> FileList:
    """Lists a folder under the data roots, for choosing files."""
    if not path:
        folders = [_entry(folder, folder) for folder in context.data.folders]
        return FileList(path="", entries=[each for each in folders if each is not None], left_out=0)
    folder = context.data.path(path)
    try:
        with os.scandir(folder) as found:
            # By what the folder itself says of them: looking at each of a million files would take a minute.
            inside = sorted((not each.is_dir(), each.name) for each in found if not each.name.startswith("."))
    except OSError as error:
        raise ServiceError(
            HTTPStatus.NOT_FOUND,
            f"path is {path[:200]}, which is no folder that can be listed: {error.strerror}",
        ) from None
    permitted = (_permitted(folder / name, context) for _, name in inside[:MOST_ENTRIES])
    return FileList(
        path=str(folder),
        entries=[entry for entry in permitted if entry is not None],
        left_out=max(len(inside) - MOST_ENTRIES, 0),
    )


def _permitted(path: Path, context: Context) -> FileEntry | None:
    """Returns what is listed of ``path``; nothing if it is a link that leads out of the data roots."""
    try:
        return _entry(context.data.path(str(path)), path)
    except ConfigError:
        return None


def _entry(path: Path, named: Path) -> FileEntry | None:
    try:
        status = path.stat()
    except OSError:  # gone since it was listed
        return None
    is_folder = path.is_dir()
    return FileEntry(
        # Bytes that are no UTF-8 cannot be written in JSON; such a file has to be renamed.
        name=_written(named.name or str(named)),
        path=_written(str(named)),
        kind="folder" if is_folder else "file",
        bytes=None if is_folder else status.st_size,
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _written(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


class DraftRequest(BaseModel):
    """Files to draft a configuration for."""

    model_config = ConfigDict(extra="forbid")

    path: str | Annotated[list[str], Field(min_length=1, max_length=100)] = Field(
        description="A file, a folder or a pattern under a data root, or several."
    )
    task: str | None = Field(default=None, description="The kind of task, where the files do not say it.")


class Reason(BaseModel):
    """A guess, and what it was made from."""

    key: str = Field(description="The dotted key.")
    value: Any = Field(description="What was guessed.")
    reason: str = Field(description="Why.")


class DraftedConfig(BaseModel):
    """A configuration that was guessed from files."""

    config: dict[str, Any] = Field(description="As values.")
    yaml: str = Field(description="As YAML, with a reason above each guess.")
    task: str = Field(description="The kind of task.")
    reason: str = Field(description="Why it is of that kind.")
    reasons: list[Reason] = Field(description="The guesses.")
    problems: list[ProblemPart] = Field(description="Why the data cannot be read even so.")


@router.post("/draft")
async def draft(request: DraftRequest, context: Shared) -> DraftedConfig:
    """Drafts a configuration for files, as `evo-nas init` does, and tries whether their data can be read."""
    # As for a look: each has its data in memory.
    return await to_thread.run_sync(_draft, request, context, limiter=context.harvest.looking)


def _draft(request: DraftRequest, context: Context) -> DraftedConfig:
    if request.task is not None and request.task not in TASKS:
        raise ConfigError(f"task is {request.task[:80]}; {nearest(request.task, sorted(TASKS))}")
    written = [request.path] if isinstance(request.path, str) else request.path
    files = expanded([context.data.path(each) for each in written])
    # A pattern or a folder may take in links that lead elsewhere.
    for file in files:
        context.data.path(str(file))
    base = context.data.folder_of(files[0])
    drafted = draft_of(GivenFiles.of(files, base), task=request.task)
    problem: EvoNasError | None = None
    try:
        drafted = readable(drafted, base)
    except EvoNasError as error:
        problem = error
    name = slug(files[0])
    text = drafted.to_yaml(name, ("Each guess has its reason above it: change what is wrong.",))
    if base != context.data.folders[0]:
        text += f"\nbase_dir: {inline_yaml(str(base))}\n"
    return DraftedConfig(
        config=parse_yaml(text, source="the draft"),
        yaml=text,
        task=drafted.kind,
        reason=drafted.reason,
        reasons=[
            Reason(key=f"task.{each.key}", value=each.value, reason=each.reason) for each in drafted.lines
        ],
        problems=[] if problem is None else parts_of(str(problem)),
    )


class LookRequest(GivenConfig):
    """A configuration whose data are to be looked at."""

    baselines: bool = Field(
        default=False, description="Whether to fit the baselines, which may take a minute."
    )


class DataLook(BaseModel):
    """How the data of a configuration were understood."""

    fields: dict[str, Any] = Field(
        description="What `evo-nas data --json` prints: roles of columns, parts, classes, samples, baselines."
    )
    picture: str = Field(description="The data as SVG.")


@router.post("/look")
async def look(request: LookRequest, context: Shared) -> DataLook:
    """Reads the data of a configuration and says how they were understood."""
    # A few at a time: each holds its data in memory, and baselines take cores.
    return await to_thread.run_sync(_look, request, context, limiter=context.harvest.looking)


def _look(request: LookRequest, context: Context) -> DataLook:
    read = read_config(request, context.data)
    if read.experiment is None:
        raise ConfigError("\n".join(read.problems))
    prepared = read.experiment.prepared
    fitted = prepared.fit_baselines(BASELINES_LIMIT_S) if request.baselines else {}
    return DataLook(fields=data_fields(prepared.dataset, fitted), picture=picture_of(prepared.dataset))
