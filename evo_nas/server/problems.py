"""Errors as clients get them: problem details of RFC 9457, with the text that the command line would print."""

from __future__ import annotations

import errno
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from evo_nas.errors import ConfigError, DataError, EvoNasError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

ACCEPT_DATA_LOSS = "--accept-data-loss"
MEDIA_TYPE = "application/problem+json"
_KEY = re.compile(r"([A-Za-z_]\w*(?:\.\w+|\[\d+\])*)(?= is | has |: )")


class ProblemPart(BaseModel):
    """One of several things that are wrong with a request."""

    key: str = Field(description="The field, dotted; empty where it is none in particular.")
    message: str = Field(description="What is wrong, what is allowed and what to do.")


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = Field(description="The kind of the error, such as `config-error`.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status code.")
    detail: str = Field(description="What is wrong and what to do: the text that the command line prints.")
    problems: list[ProblemPart] = Field(
        default_factory=list, description="Each of them with its field, where fields are wrong."
    )


class ServiceError(EvoNasError):
    """A request that cannot be answered.

    Args:
        status: The status code of the answer.
        message: The field, the value, what is allowed and what to do.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def over_http(text: str) -> str:
    """Returns ``text``, which names an option of the command line, with what says the same over HTTP."""
    if ACCEPT_DATA_LOSS not in text:
        return text
    return f'{text} (over HTTP: POST /api/v1/runs/{{run}}/resume with {{"accept_data_loss": true}})'


def answer(
    status: HTTPStatus, kind: str, detail: str, problems: list[ProblemPart] | None = None
) -> JSONResponse:
    """Returns the response for one problem."""
    problem = Problem(
        type=kind,
        title=status.phrase,
        status=status.value,
        detail=_writable(over_http(detail)),
        problems=[
            ProblemPart(key=_writable(part.key), message=_writable(part.message)) for part in problems or ()
        ],
    )
    return JSONResponse(problem.model_dump(), status_code=status, media_type=MEDIA_TYPE)


def parts_of(text: str) -> list[ProblemPart]:
    """Returns the problems that the text of an error tells, one for each line; an indented line continues one.

    The key is what the line begins with, as all messages do: `training.epochs is 0; must be at least 1`.
    """
    parts: list[ProblemPart] = []
    for line in text.split("\n"):
        if line.startswith(" ") and parts:
            parts[-1].message += f"\n{line}"
        else:
            found = _KEY.match(line)
            parts.append(ProblemPart(key=found[1] if found else "", message=line))
    return parts


def _writable(text: str) -> str:
    """Returns ``text`` without halves of characters, which file names may have and JSON may not."""
    return text.encode("utf-8", "backslashreplace").decode()


def status_of(error: EvoNasError) -> HTTPStatus:
    """Returns the status for an error of evo-nas: what the client can mend is no failure of the service."""
    if isinstance(error, ServiceError):
        return error.status
    if isinstance(error, ConfigError | DataError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    # The run, the champion or the cluster is not as the request needs it.
    return HTTPStatus.CONFLICT


def add_handlers(app: FastAPI) -> None:
    """Lets ``app`` answer every error with a `Problem`."""

    @app.exception_handler(EvoNasError)
    async def _of_evo_nas(_: Request, error: EvoNasError) -> JSONResponse:
        text = str(error)
        parts = parts_of(text) if isinstance(error, ConfigError) else None
        return answer(status_of(error), _kind(error), text, parts)

    @app.exception_handler(OSError)
    async def _of_disk(_: Request, error: OSError) -> JSONResponse:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            where = "a file" if error.filename is None else error.filename
            return answer(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "disk-error",
                f"the service may not use {where}: {error.strerror}; let its user read and write there",
            )
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise error
        return answer(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "disk-error",
            "the disk of the service is full; free some space and ask again, nothing committed is lost",
        )

    @app.exception_handler(RequestValidationError)
    async def _of_request(_: Request, error: RequestValidationError) -> JSONResponse:
        parts = [_part_of_request(each) for each in error.errors()]
        detail = "\n".join(f"{part.key}: {part.message}" if part.key else part.message for part in parts)
        return answer(HTTPStatus.UNPROCESSABLE_ENTITY, "request-error", detail, parts)

    @app.exception_handler(HTTPException)
    async def _of_http(request: Request, error: HTTPException) -> JSONResponse:
        status, headers = HTTPStatus(error.status_code), dict(error.headers or {})
        detail = str(error.detail)
        # A route knows its own methods only, and others may have the same path.
        if status is HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _methods_at(request)):
            headers["Allow"] = ", ".join(allowed)
            detail = f"method is {request.method[:20]}; must be {' or '.join(allowed)} at this path"
        answered = answer(status, "http-error", detail)
        answered.headers.update(headers)
        return answered


def _part_of_request(error: dict[str, Any]) -> ProblemPart:
    """Returns what pydantic says of a request, in words for somebody who never heard of pydantic."""
    where, *path = error["loc"]
    if error["type"] == "json_invalid":
        message = f"the body is no JSON: {error['ctx']['error']}, at character {path[0]}; mend it there"
        return ProblemPart(key="", message=message)
    if where == "body" and not path and error["type"] in ("model_attributes_type", "missing"):
        message = "the body must be a JSON object, sent with the header `Content-Type: application/json`"
        return ProblemPart(key="", message=message)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "is unknown; /api/v1/openapi.json has those that are permitted"
    return ProblemPart(key=".".join(map(str, path)), message=message)


def _methods_at(request: Request) -> list[str]:
    path = {"type": "http", "path": request.scope["path"], "root_path": "", "headers": []}
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**path, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


def _kind(error: EvoNasError) -> str:
    name = type(error).__name__.removesuffix("Error")
    return (
        "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
        + "-error"
    )
