"""The page for browsers: the files of `page/`, read once, so that no path can lead to any other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

_INDEX = "index.html"
_FOLDER = "page/"
_METHODS = ("GET", "HEAD")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    etag: str


def add_pages(app: FastAPI) -> None:
    """Lets ``app`` answer with the page wherever none of its routes does."""

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        file = _file_for(scope["path"].removeprefix("/"))
        if file is None:
            raise HTTPException(
                404, f"{scope['path'][:200]} is neither a page nor a part of one; the API is at /api/v1"
            )
        if request.method not in _METHODS:
            raise HTTPException(405, headers={"allow": ", ".join(_METHODS)})
        await _answer(file, request)(scope, receive, send)

    # Not a route for all paths, which would also answer for paths of the API that have no such method.
    app.router.default = page


def _answer(file: _File, request: Request) -> Response:
    # Asked for again each time, since the page changes with the service; mostly the answer is 304 and empty.
    headers = {"etag": file.etag, "cache-control": "no-cache"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _file_for(path: str) -> _File | None:
    """Returns the file under ``page/``, or the page itself, which knows what to show at any other path."""
    if path.startswith(_FOLDER):
        return _files().get(path.removeprefix(_FOLDER))
    return None if path.startswith("api/") else _files().get(_INDEX)


@cache
def _files() -> dict[str, _File]:
    folder = files("evo_nas.server").joinpath("page")
    return dict(_walk(folder, "")) if folder.is_dir() else {}


def _walk(folder: Traversable, above: str) -> Iterator[tuple[str, _File]]:
    for entry in folder.iterdir():
        name = f"{above}{entry.name}"
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif (media_type := _TYPES.get(PurePosixPath(name).suffix)) is not None:
            content = entry.read_bytes()
            yield name, _File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"')
