"""Packs folders into zip files without a name on the disk: nothing is left when a client goes away in the middle."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from fastapi.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PIECE = 2**16


def zipped(files: Iterable[Path], folder: Path, name: str) -> IO[bytes]:
    """Returns a zip of ``files``, which lie in ``folder`` and are under ``name`` in the zip."""
    # It has no name from the beginning: whatever becomes of the client or of the service, nothing is left of it.
    file = TemporaryFile()  # noqa: SIM115 - it is read after this function
    with ZipFile(file, "w", ZIP_DEFLATED) as packed:
        for path in files:
            packed.write(path, f"{name}/{path.relative_to(folder).as_posix()}")
    return file


def pieces(file: IO[bytes], name: str, **headers: str) -> StreamingResponse:
    """Returns the answer that sends ``file``, a zip called ``name``, and closes it."""
    size = file.seek(0, 2)
    file.seek(0)
    return StreamingResponse(
        _pieces(file),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.zip"',
            "Content-Length": str(size),
            **headers,
        },
    )


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
