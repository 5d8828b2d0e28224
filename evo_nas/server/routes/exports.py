"""``/runs/{run}/exports/{format}``: a champion as files."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Annotated

from anyio import to_thread
from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse

from evo_nas.client.run import CHECK_HEADER
from evo_nas.config import nearest
from evo_nas.runs.champion_store import CHAMPION
from evo_nas.server.context import Shared
from evo_nas.server.packing import pieces, zipped
from evo_nas.server.problems import ServiceError
from evo_nas.server.routes.champions import kept_champion_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.runs import Run

router = APIRouter(tags=["champions"])


@router.get(
    "/runs/{run}/exports/{format}",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "The export as a zip file."}},
)
async def export(
    run: str,
    kind: Annotated[str, PathParameter(alias="format")],
    context: Shared,
    *,
    which: Annotated[
        str,
        Query(
            description="What is exported: champion, single, an opponent such as lstm, baseline, or baseline:NAME."
        ),
    ] = CHAMPION,
    streaming: Annotated[bool, Query(description="One step a call, states in and out.")] = False,
    int8: Annotated[bool, Query(description="Weights as 8-bit integers.")] = False,
    opset: Annotated[int | None, Query(description="Version of the operator set of ONNX.")] = None,
) -> StreamingResponse:
    """Returns the files of an export, which were compared with the model, as `evo-nas export` writes them."""
    from evo_nas.champion.export import exported_names, is_of_baseline  # noqa: PLC0415 - it loads torch
    from evo_nas.champion.exporters.exporter import ExportOptions  # noqa: PLC0415
    from evo_nas.champion.exporters.registry import EXPORTERS  # noqa: PLC0415

    if is_of_baseline(which):
        # Baselines are fitted before the search begins, and need no champion.
        searched = await to_thread.run_sync(context.root.run, run)
    else:
        searched, _ = await kept_champion_of(context, run)
    _check_known("format", kind, sorted(EXPORTERS))
    _check_known("which", which, await to_thread.run_sync(exported_names, searched) or (CHAMPION,))
    options = ExportOptions(streaming=streaming, int8=int8, opset=opset)
    make = partial(_packed, searched, f"{run}-{kind}", kind=kind, which=which, options=options)
    file, check = await to_thread.run_sync(make, limiter=context.harvest.showing)
    return pieces(file, f"{run}-{kind}", **{CHECK_HEADER: _told(check)})


def _check_known(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ServiceError(HTTPStatus.NOT_FOUND, f"{what} is {name[:80]}; {nearest(name, [*known])}")


def _packed(
    run: Run, name: str, *, kind: str, which: str, options: ExportOptions
) -> tuple[IO[bytes], CheckResult]:
    from evo_nas.champion.export import export_champion  # noqa: PLC0415 - it loads torch

    with TemporaryDirectory() as folder:
        out = Path(folder, "export")
        written = export_champion(run, out, kind=kind, which=which, options=options)
        file = zipped(written.files, out, name)
    return file, written.check


def _told(check: CheckResult) -> str:
    from evo_nas.champion.exporters.checking import Unchecked  # noqa: PLC0415 - it loads torch

    if not isinstance(check, Unchecked):
        lengths = ",".join(map(str, check.lengths))
        return f"checked; difference={check.difference:.2g}; tolerance={check.tolerance:g}; lengths={lengths}"
    # A header holds ASCII alone.
    return f"unchecked; {check.reason}".encode("ascii", "replace").decode()
