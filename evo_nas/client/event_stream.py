"""`EventStream`: reads the server-sent events of a run, and goes on after a connection or a service was lost."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from evo_nas.errors import ExecutionError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from evo_nas.client.connection import Connection

SILENCE_S = 40.0
"""A service says something every 15 s, so that after this the connection is lost although nobody has noticed."""
LONGEST_PAUSE_S = 10.0
END = "end"


@dataclass(frozen=True, slots=True)
class Message:
    """One server-sent event.

    Attributes:
        kind: Its kind.
        data: What it says, in JSON.
        id: With which the events after it are asked for; empty if it has none.
    """

    kind: str
    data: str
    id: str = ""


class EventStream:
    """Reads the events of one run, once.

    Args:
        connection: The service.
        run: Name of the run.
        after: Id of the last message that was read; without it the latest event of each kind comes first.
        patience_s: How long a service that was reached once may be away.
    """

    def __init__(
        self, connection: Connection, run: str, *, after: str | None = None, patience_s: float = 600.0
    ) -> None:
        self._connection = connection
        self._path = f"/runs/{run}/events"
        self._after = after
        self._patience_s = patience_s
        self._response: requests.Response | None = None
        self._left = False

    def messages(self) -> Generator[Message, None, None]:
        """Yields the messages until the search is over or `leave` was called; connects again where it is cut off.

        Raises:
            ExecutionError: No service answers, or none for so long.
            EvoNasError: The service refuses.
        """
        reached_s, pause_s = None, 0.5
        while not self._left:
            try:
                for message in self._connected():
                    reached_s, pause_s = time.monotonic(), 0.5
                    yield message
                    if message.kind == END:
                        return
                reached_s = time.monotonic()
            except ExecutionError:
                # The first time it may be a wrong URL, which waiting does not mend.
                if reached_s is None or time.monotonic() - reached_s > self._patience_s:
                    raise
            if not self._left:
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def leave(self) -> None:
        """Ends `messages` soon; it may be called by a handler of signals, or another thread."""
        self._left = True
        if self._response is not None:
            _hang_up(self._response)

    def _connected(self) -> Iterator[Message]:
        """Yields what comes over one connection."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._after} if self._after else {})
        response = self._connection.send("GET", self._path, streams=True, read_s=SILENCE_S, headers=headers)
        self._response = response
        with closing(response), suppress(requests.RequestException):
            if self._left:
                return
            for message in messages_of(_lines(response)):
                self._after = message.id or self._after
                yield message


def messages_of(lines: Iterable[bytes]) -> Iterator[Message]:
    """Yields the messages of a stream; one that was cut off before its end is left out."""
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.decode("utf-8", "replace").partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if "data" in fields:
            kind, known = fields.get("event", ["message"])[-1], fields.get("id", [""])[-1]
            yield Message(kind, "\n".join(fields["data"]), known)
        fields = {}


def _lines(response: requests.Response) -> Iterator[bytes]:
    """Yields each line as soon as it is there; `iter_lines` of requests would wait for a full piece."""
    # What comes in chunks is given as they come; the rest would be waited for to its end, unless byte by byte.
    size = None if getattr(response.raw, "chunked", False) else 1
    rest = b""
    for piece in response.iter_content(chunk_size=size):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)


def _hang_up(response: requests.Response) -> None:
    """Shuts the connection, so that whoever waits for its next bytes wakes up."""
    with (
        suppress(OSError, ValueError),
        closing(socket.socket(fileno=os.dup(response.raw.fileno()))) as ours,
    ):
        ours.shutdown(socket.SHUT_RDWR)
