"""The events of a run reach a client once each, whatever becomes of the connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from evo_nas.client.connection import Connection, ServiceError
from evo_nas.client.event_stream import EventStream, Message, messages_of
from evo_nas.errors import ExecutionError


def frame(number: int, kind: str = "progressed") -> bytes:
    return f"id: 1-{number}\nevent: {kind}\ndata: {number}\n\n".encode()


@contextmanager
def answering(*answers: bytes | int) -> Iterator[tuple[str, list[str | None]]]:
    """Serves each connection the next answer, or refuses with a status, and closes it.

    It yields the URL and the ids that were asked for.
    """
    asked: list[str | None] = []
    left = list(answers)
    waiting = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Last-Event-ID"])
            content = left.pop(0) if left else 404
            if isinstance(content, int):
                self.send_error(content)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(content.removesuffix(b"..."))
            self.wfile.flush()
            if content.endswith(b"..."):
                waiting.wait(30)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        waiting.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_nas.client.event_stream.time.sleep", lambda _: None)


def test_lines_become_messages_and_comments_are_left_out() -> None:
    lines = [
        b": ping",
        b"",
        b"id: 1-2",
        b"event: started",
        b'data: {"a":',
        b"data: 1}",
        b"",
        b"data: cut off",
    ]
    assert list(messages_of(lines)) == [Message("started", '{"a":\n1}', "1-2")]


def test_a_lost_connection_is_taken_up_after_the_last_message() -> None:
    # The first connection breaks in the middle of its third message.
    first, second = frame(1) + frame(2) + frame(3)[:-9], frame(3) + frame(4, "end")
    with answering(first, second) as (url, asked):
        messages = list(EventStream(Connection(url), "run").messages())
    assert [message.data for message in messages] == ["1", "2", "3", "4"]
    assert asked == [None, "1-2"]


def test_a_stream_can_begin_after_a_message() -> None:
    with answering(frame(8, "end")) as (url, asked):
        list(EventStream(Connection(url), "run", after="1-7").messages())
    assert asked == ["1-7"]


def test_what_the_service_refuses_is_not_asked_again() -> None:
    with answering(frame(1)) as (url, asked), pytest.raises(ServiceError):
        list(EventStream(Connection(url), "run").messages())
    assert len(asked) == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_service_that_is_away_behind_a_proxy_is_waited_for(status: int) -> None:
    with answering(frame(1), status, status, frame(2, "end")) as (url, asked):
        messages = list(EventStream(Connection(url), "run").messages())
    assert [message.data for message in messages] == ["1", "2"]
    assert asked == [None, "1-1", "1-1", "1-1"]


def test_a_proxy_without_a_service_is_not_waited_for() -> None:
    with (
        answering(502) as (url, _),
        pytest.raises(ExecutionError, match=r"no service answers .* 502 Bad Gateway"),
    ):
        list(EventStream(Connection(url), "run").messages())


def test_what_a_proxy_refuses_is_said_to_be_its_refusal() -> None:
    with answering(403) as (url, _), pytest.raises(ServiceError, match="403 Forbidden, which is of a proxy"):
        Connection(url).values("GET", "/runs")


def test_a_service_that_was_never_there_is_not_waited_for() -> None:
    with pytest.raises(ExecutionError, match="no service answers"):
        list(EventStream(Connection("http://127.0.0.1:9"), "run").messages())


def test_a_service_that_stays_away_is_given_up() -> None:
    with answering(frame(1)) as (url, _):
        stream = EventStream(Connection(url), "run", patience_s=0.0)
        messages = stream.messages()
        assert next(messages).data == "1"
    with pytest.raises(ExecutionError, match="no service answers"):
        list(messages)


def test_who_leaves_wakes_up_although_nothing_comes() -> None:
    with answering(frame(1) + b"...") as (url, _):
        stream = EventStream(Connection(url), "run")
        heard = []
        for message in stream.messages():
            heard.append(message.data)
            threading.Timer(0.05, stream.leave).start()
    assert heard == ["1"]
