"""Reads the body of a request: whole, in bounds, in time, and as JSON that every program would read alike."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Message, Receive, Send

    from evo_nas.server.options import Limits

LINGER_S = 2.0
"""Seconds that a client gets to send the rest of a body that was refused."""


class BodyError(Exception):
    """A body that is not read.

    Args:
        status: The status of the answer.
        message: Why, and what to do.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(receive: Receive, *, headers: Headers, limits: Limits) -> bytes:
    """Returns the whole body of a request.

    Raises:
        BodyError: It is too large, comes too slowly, ends too early, or holds JSON that not every program reads.
    """
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared[:20]) > limits.body:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_s):
            body = await _received(receive, limits)
    except TimeoutError:
        raise BodyError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body did not come within {limits.body_s:g} seconds; send it again",
        ) from None
    if "json" in headers.get("content-type", ""):
        _check_json(body)
    return body


async def _received(receive: Receive, limits: Limits) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BodyError(HTTPStatus.BAD_REQUEST, "the body ended too early; send it again")
        body += message.get("body", b"")
        if len(body) > limits.body:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(limits: Limits) -> BodyError:
    return BodyError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {limits.body:,} bytes; send less, or put the data under a data root and name "
        "them by their path",
    )


def replayed(body: bytes, receive: Receive) -> Receive:
    """Returns what yields ``body`` once and then whatever ``receive`` does, such as that the client went away."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


class Incoming:
    """The body of a request as it comes in.

    Args:
        receive: What it comes from.

    Attributes:
        is_over: Whether no more of it will come.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_over = False

    async def __call__(self) -> Message:
        """Returns the next part, or that the client went away."""
        message = await self._receive()
        self.is_over = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def throw_away(self, limits: Limits) -> None:
        """Takes what is still to come, within bounds."""
        taken = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(min(LINGER_S, limits.body_s)):
                while not self.is_over and taken <= limits.body:
                    taken += len((await self()).get("body", b""))


def lingering(send: Send, incoming: Incoming, limits: Limits) -> Send:
    """Returns what sends an answer that does not end before the client has sent its body.

    A connection that is closed while the client still sends is reset, and the answer is lost with it: a proxy says then
    that no service answers.
    """

    async def linger(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            await send({**message, "more_body": True})
            await incoming.throw_away(limits)
            message = {"type": "http.response.body"}
        await send(message)

    return linger


def _check_json(body: bytes) -> None:
    """Refuses what Python reads and JSON has not: no number beyond all bounds, no half of a character."""
    # Looked for first, since most bodies have none of it and need be read only once.
    if not any(sign in body for sign in (b"NaN", b"Infinity", b"\\ud", b"\\uD")):
        return
    try:
        read = json.loads(body, parse_constant=_refuse_constant)
        json.dumps(read, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BodyError(
            HTTPStatus.BAD_REQUEST,
            "the body has half of a surrogate pair, which is no character; leave it out",
        ) from None
    except (ValueError, RecursionError):
        return  # whoever reads it says where it is malformed


def _refuse_constant(name: str) -> NoReturn:
    raise BodyError(
        HTTPStatus.BAD_REQUEST, f"the body has {name}, which is no number of JSON; write null or a number"
    )
