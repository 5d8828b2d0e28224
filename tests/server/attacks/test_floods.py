"""No client that asks too often, too slowly or too much keeps others waiting."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient
from starlette.types import Message

from evo_nas.server.app import create_app
from evo_nas.server.options import Limits, ServerOptions
from evo_nas.server.rates import Rates, client_at
from evo_nas.server.serving import server_config
from tests.server.attacking import CHECK, HOME, TOKEN, options


def test_probes_of_a_cluster_that_is_silent_keep_nobody_waiting(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, answers = threading.Semaphore(0), threading.Event()

    def silent(_: str) -> None:
        looks.release()
        answers.wait(120)

    monkeypatch.setattr("evo_nas.server.routes.service.check_cluster", silent)
    served = create_app(options(folder, address="127.0.0.1:6379"))
    # More than there are threads for routes.
    with TestClient(served, base_url=HOME) as client, ThreadPoolExecutor(81) as pool:
        probes = [pool.submit(client.get, "/api/v1/ready") for _ in range(80)]
        try:
            assert looks.acquire(timeout=60)
            assert pool.submit(client.get, "/api/v1/runs").result(timeout=60).status_code == 200
        finally:
            answers.set()
        assert {each.result().status_code for each in probes} == {200}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "10.0.0.8", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("testclient", "testclient", True),
    ],
)
def test_whoever_has_a_network_of_addresses_is_one_client(one: str, other: str, is_same: bool) -> None:
    assert (client_at(one) == client_at(other)) is is_same


def test_a_client_that_asks_too_often_waits_and_others_do_not() -> None:
    clock = [0.0]
    rates = Rates(10.0, 5, clock=lambda: clock[0])
    assert [rates.wait_s("a") for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert rates.wait_s("b") == 0
    clock[0] += 0.1
    assert rates.wait_s("a") == 0


def test_asking_too_often_says_when_to_ask_again(folder: Path) -> None:
    flooded = TestClient(
        create_app(options(folder, limits=Limits(burst=2, requests_per_s=1e-3))), base_url=HOME
    )
    answers = [flooded.get("/api/v1/health") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_body_that_does_not_come_is_not_waited_for(folder: Path) -> None:
    app = create_app(options(folder, limits=Limits(body_s=0.01)))
    sent: list[Message] = []
    pieces: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if not pieces:
            await asyncio.Event().wait()
        return pieces.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": CHECK,
        "raw_path": CHECK.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 408


@contextmanager
def listening(served: ServerOptions) -> Iterator[int]:
    """Yields the port of a service that is really listening."""
    server = uvicorn.Server(server_config(served))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=20)


def spoken(port: int, *pieces: bytes) -> bytes:
    """What a service answers to raw bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        heard = b""
        # Closed before all was read, a connection ends with an error.
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                heard += piece
        return heard


def test_one_client_holds_no_more_connections_than_its_share(folder: Path) -> None:
    with listening(options(folder, limits=Limits(connections_per_client=2))) as port, ExitStack() as held:
        address = ("127.0.0.1", port)
        for _ in range(2):
            held.enter_context(socket.create_connection(address, timeout=20))
        with socket.create_connection(address, timeout=20) as further:
            assert further.recv(1) == b""
        held.close()
        # They are free again as soon as the service has seen that they were closed.
        while not spoken(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"):
            pass


def test_a_proxy_holds_the_connections_of_all_its_clients(folder: Path) -> None:
    limits = Limits(connections_per_client=2)
    behind = options(folder, limits=limits, token="0123456789abcdef", proxies=("127.0.0.0/8",))
    with listening(behind) as port, ExitStack() as held:
        for _ in range(4):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        asked = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        assert spoken(port, asked).startswith(b"HTTP/1.1 200")


def test_a_client_that_reads_nothing_is_let_go(folder: Path) -> None:
    limits = Limits(unread_s=0.2, connections_per_client=1)
    with listening(options(folder, limits=limits)) as port, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.settimeout(20)
        asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        # More than the kernels of both sides take.
        deaf.sendall(asked * 100)
        # Its place is free for another one although it has closed nothing.
        ends = b"GET / HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1\r\n\r\n"
        until = time.monotonic() + 60
        while not spoken(port, ends):
            assert time.monotonic() < until, "it is still held"


def test_raw_connections_are_bounded(folder: Path) -> None:
    limits = Limits(header_s=0.2, body_s=0.2, body=1000)
    with listening(options(folder, limits=limits)) as port:
        host = f"Host: 127.0.0.1:{port}\r\n".encode()
        # A head that never ends is not waited for.
        assert spoken(port, b"GET / HTTP/1.1\r\n") == b""
        assert spoken(port) == b""
        # Nor is a body, and what comes of it later is no further request.
        head = b"POST /api/v1/configs/check HTTP/1.1\r\n" + host
        assert b" 408 " in spoken(port, head + b"Content-Length: 100\r\n\r\n{")
        # One that grows without end is cut off.
        assert b" 413 " in spoken(
            port,
            head
            + b"Transfer-Encoding: chunked\r\n\r\n"
            + b"200\r\n"
            + b"x" * 512
            + b"\r\n"
            + b"200\r\n"
            + b"x" * 512
            + b"\r\n",
        )
        # One that is refused before it has come is not waited for.
        assert b" 421 " in spoken(
            port, b"POST / HTTP/1.1\r\nHost: evil.example.org\r\nContent-Length: 100\r\n\r\n{"
        )
        # Two lengths, or a length beside pieces, could be read in two ways.
        assert b" 400 " in spoken(port, head + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{")
        assert b" 400 " in spoken(port, b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 100_000)
        assert b" 421 " in spoken(
            port, b"GET / HTTP/1.1\r\nConnection: close\r\nHost: evil.example.org\r\n\r\n"
        )
        assert b" 400 " in spoken(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        # After all of that it answers as before.
        health = spoken(port, b"GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n" + host + b"\r\n")
        assert json.loads(health.partition(b"\r\n\r\n")[2]) == {"status": "ok"}


@pytest.mark.parametrize(("status", "token"), [(401, "wrong"), (413, TOKEN)])
def test_whoever_still_sends_a_refused_body_hears_the_answer(folder: Path, status: int, token: str) -> None:
    limits = Limits(body=2**21)
    head = f"POST {CHECK} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    body = b"x" * (limits.body + 1)
    with (
        listening(options(folder, token=TOKEN, limits=limits)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        heard = connection.recv(65536)
        assert f" {status} ".encode() in heard
        # Were the connection closed by now, this would fail.
        connection.sendall(body)
        while piece := connection.recv(65536):
            heard += piece
        assert heard.endswith(b"}")
