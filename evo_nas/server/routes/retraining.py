"""``/runs/{run}/retrain``: goes on with a champion on data that are posted."""

from __future__ import annotations

import io
import re
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal
from zipfile import ZipFile

from anyio import to_thread
from fastapi import APIRouter, Query, Request, status

from evo_nas.errors import DataError
from evo_nas.server.context import Shared
from evo_nas.server.launches import DATA
from evo_nas.server.predicting import SUFFIXES, check_alone
from evo_nas.server.routes.champions import kept_champion_of
from evo_nas.server.routes.searches import Launched
from evo_nas.server.routes.works import OUT, begun
from evo_nas.server.unpacking import UNREADABLE, check_unpacked, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence

router = APIRouter(tags=["works"])

MOST_FILES = 100
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}")


@router.post(
    "/runs/{run}/retrain",
    status_code=status.HTTP_202_ACCEPTED,
    openapi_extra={
        "requestBody": {
            "required": False,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def retrain(
    run: str,
    request: Request,
    context: Shared,
    *,
    data: Annotated[
        list[str],
        Query(
            default_factory=list,
            max_length=MOST_FILES,
            description="Files, folders or patterns under a data root, in place of a body; relative paths start from "
            "the first data root.",
        ),
    ],
    origin: Annotated[
        Literal["weights", "scratch"], Query(description="Whether the weights are trained on, or drawn anew.")
    ] = "weights",
    epochs: Annotated[
        int | None, Query(ge=1, le=100_000, description="By default those of its first training.")
    ] = None,
) -> Launched:
    """Trains the champion of a run on new data, as `evo-nas retrain` does: on the files of a zip, or under a data root.

    While it is under way, the same request finds it, and another one is refused.
    `/runs/{run}/launches/{launch}` says how it goes on, and `/files` has the new champion then.
    """
    content = await request.body()
    searched, _ = await kept_champion_of(context, run)
    if bool(content) == bool(data):
        given = "both data and a body" if data else "neither data nor a body"
        raise DataError(
            f"the request has {given}; post the data as a zip, or name files under a data root as `data`"
        )

    def begin() -> Launched:
        task = searched.config.task
        places = [str(context.data.existing(each, key="data", task=task)) for each in data]
        files = {} if data else posted_files(content, delimiter=task.get("delimiter"))
        places += [f"{DATA}/{name}" for name in files]
        options = [*(f"--data={place}" for place in places), f"--from={origin}", f"--out={OUT}"]
        options += [] if epochs is None else [f"--epochs={epochs}"]
        return begun(context, run, "retrain", *options, files=files)

    return await to_thread.run_sync(begin, limiter=context.harvest.answering)


def posted_files(content: bytes, *, delimiter: str | None) -> dict[str, bytes]:
    """Returns the files of a posted zip by their names.

    Args:
        content: The zip.
        delimiter: The character between columns, if the task of the champion says it.

    Raises:
        DataError: It is no zip, or holds what must not be read here.
    """
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            _check_names([each.filename for each in packed.infolist()])
            check_unpacked(packed, called="the zip")
            files = {each.filename: unpacked(packed, each) for each in packed.infolist()}
    except UNREADABLE as error:
        raise DataError(
            f"the body is no zip file that can be read ({error}); pack the data into one, or name files under a data "
            "root as `data`"
        ) from None
    with TemporaryDirectory() as folder:
        for name, data in files.items():
            path = Path(folder, name)
            path.write_bytes(data)
            try:
                check_alone(path, delimiter=delimiter)
            except DataError as error:
                raise DataError(str(error).replace(str(path), name)) from None
    return files


def _check_names(names: Sequence[str]) -> None:
    if not 1 <= len(names) <= MOST_FILES or len(set(names)) < len(names):
        raise DataError(
            f"the zip has {len(names)} files; must be 1 to {MOST_FILES}, each with a name of its own"
        )
    for name in names:
        if not _NAME.fullmatch(name) or PurePath(name).suffix.lower() not in SUFFIXES:
            raise DataError(
                f"the zip has a file {name[:80]!r}; must be a plain name without folders that ends in one of "
                f"{', '.join(sorted(SUFFIXES))}"
            )
