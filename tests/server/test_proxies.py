"""The configurations of proxies in docs/service.md do what it says of them, in nginx and Caddy themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import reduce
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import requests
from requests.adapters import HTTPAdapter

from evo_nas.client import Client
from evo_nas.errors import ExecutionError
from evo_nas.server.launcher import Order
from evo_nas.server.options import Limits
from tests.served import options, serving
from tests.server.launching import ScriptLauncher, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="clients need several loopback addresses")
NAME, TOKEN = "evo.example.org", "a-token-that-is-long-enough-for-this"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SIGNED_IN = {"Cookie": "_oauth2_proxy=good"}
LONG_S = 60.0
DOCUMENT = Path(__file__).parents[2].joinpath("docs", "service.md").read_text()
NGINX = """\
daemon off;
master_process off;
pid nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {servers}
}}
"""
CADDY = "{{\n admin off\n auto_https disable_redirects\n}}\n{servers}"


class Ports(NamedTuple):
    """Where everything listens.

    Attributes:
        plain: The proxy, for those who have the token.
        single: The proxy, for those who have signed in elsewhere.
        service: The service.
        signing: What says who has signed in.
    """

    plain: int
    single: int
    service: int
    signing: int


class Site(NamedTuple):
    """A proxy before a service.

    Attributes:
        ports: Where they listen.
        root: The runs of the service.
        authority: The file of the certificate, which is its own authority.
        service: Ends the service when it is closed.
        asked: The headers of each question whether somebody has signed in.
    """

    ports: Ports
    root: Path
    authority: Path
    service: ExitStack
    asked: list[dict[str, str]]

    def serve(self) -> None:
        limits = Limits(burst=60, requests_per_s=0.1)
        self.service.enter_context(
            serving(
                options(
                    self.root,
                    data=(),
                    port=self.ports.service,
                    token=TOKEN,
                    names=(NAME,),
                    proxies=("127.0.0.1",),
                    limits=limits,
                )
            )
        )


class At(HTTPAdapter):
    """Connects from an address of its own to the proxy at this machine, which it calls by its name."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        named = {"server_hostname": NAME, "assert_hostname": NAME, "source_address": (self._source, 0)}
        super().init_poolmanager(*arguments, **more, **named)


class Visitor:
    """A client at an address of its own.

    Args:
        site: What it calls.
        port: Of the proxy.
        address: Its own.
    """

    def __init__(self, site: Site, port: int, address: str) -> None:
        self.origin = f"https://{NAME}:{port}"
        self._url = f"https://127.0.0.1:{port}"
        self._requests = requests.Session()
        self._requests.mount("https://", At(address))
        self._requests.headers["Host"] = f"{NAME}:{port}"
        self._requests.verify, self._requests.trust_env = str(site.authority), False

    def ask(self, path: str, headers: dict[str, str] | None = None, *, json: Any = None) -> requests.Response:
        method = "GET" if json is None else "POST"
        url = f"{self._url}{path}"
        return self._requests.request(
            method, url, headers=headers, json=json, allow_redirects=False, timeout=LONG_S
        )


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    program = shutil.which(request.param, path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip(f"{request.param} or openssl is not installed")
    ports = Ports(*free_ports(4))
    made = Site(ports, folder / "runs", folder / f"{NAME}.pem", ExitStack(), [])
    make_certificate(folder)
    write_configuration(request.param, folder, ports)
    arguments = {
        "nginx": ("-p", str(folder), "-e", "stderr", "-c", "nginx.conf"),
        "caddy": ("run", "--config", "caddy.conf", "--adapter", "caddyfile"),
    }[request.param]
    environment = {**os.environ, "EVO_NAS_TOKEN": TOKEN, "HOME": str(folder)} | dict.fromkeys(
        ("XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder)
    )
    with (
        made.service,
        signing(ports.signing, made.asked),
        (folder / "log").open("w") as log,
        subprocess.Popen([program, *arguments], cwd=folder, env=environment, stderr=log) as process,
    ):
        try:
            made.serve()
            wait_until(lambda: process.poll() is not None or listens(ports.single))
            assert process.poll() is None, (folder / "log").read_text()
            yield made
        finally:
            process.terminate()


def free_ports(count: int) -> list[int]:
    with ExitStack() as taken:
        listeners = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def make_certificate(folder: Path) -> None:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        f"/CN={NAME}",
        "-days",
        "2",
    ]
    names = ["-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"]
    files = ["-keyout", str(folder / f"{NAME}.key"), "-out", str(folder / f"{NAME}.pem")]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)


def write_configuration(program: str, folder: Path, ports: Ports) -> None:
    """Writes what the document says, with other ports and files."""
    plain, single = re.findall(rf"```{program}\n(.*?)```", DOCUMENT, re.DOTALL)
    if program == "nginx":
        # It stands in the server of the other one, in place of its location.
        single = re.sub(r" +location / \{.*?\n    \}\n", lambda _: single, plain, flags=re.DOTALL)
        (folder / "token.conf").write_text(f'proxy_set_header Authorization "Bearer {TOKEN}";')
    servers = ""
    for text, port in ((plain, ports.plain), (single, ports.single)):
        files = f"tls {folder}/{NAME}.pem {folder}/{NAME}.key"
        changes = {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            f"{NAME} {{": f"https://{NAME}:{port}, https://localhost:{port} {{\n    {files}",
            "/etc/ssl": str(folder),
            "/etc/nginx/evo-nas-token.conf": str(folder / "token.conf"),
            "127.0.0.1:8765": f"127.0.0.1:{ports.service}",
            "127.0.0.1:4180": f"127.0.0.1:{ports.signing}",
        }
        servers += reduce(lambda changed, each: changed.replace(*each), changes.items(), text)
    frame = NGINX if program == "nginx" else CADDY
    (folder / f"{program}.conf").write_text(frame.format(servers=servers))


@contextmanager
def signing(port: int, asked: list[dict[str, str]]) -> Iterator[None]:
    """Answers as oauth2-proxy does: 202 to those who have signed in, 401 to others, and a page to sign in."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, content = 200, b"a page to sign in"
            if self.path == "/oauth2/auth":
                asked.append({name.lower(): value for name, value in self.headers.items()})
                is_known = SIGNED_IN["Cookie"] in self.headers.get("Cookie", "")
                status, content = (202, b"") if is_known else (401, b"")
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_programs_come_in_with_the_token(site: Site) -> None:
    visitor = Visitor(site, site.ports.plain, "127.0.0.11")
    assert visitor.ask("/").headers["Content-Type"].startswith("text/html")
    assert visitor.ask("/api/v1/runs").status_code == 401
    assert visitor.ask("/api/v1/runs", BEARER).json()["runs"] == []


# Caddy closes the connection of a client that still sends when the answer has come.
@pytest.mark.parametrize("site", ["nginx"], indirect=True)
def test_whoever_sends_much_with_a_wrong_token_hears_of_the_token(site: Site) -> None:
    visitor = Visitor(site, site.ports.plain, "127.0.0.19")
    body = {"yaml": "x" * 4_000_000}
    assert (
        visitor.ask("/api/v1/configs/check", {"Authorization": "Bearer wrong"}, json=body).status_code == 401
    )


def test_a_browser_signs_in_and_no_other_site_asks_in_its_name(site: Site) -> None:
    visitor = Visitor(site, site.ports.plain, "127.0.0.12")
    own, other = {"Origin": visitor.origin}, {"Origin": "https://other.example.org"}
    assert visitor.ask("/api/v1/session", other, json={"token": TOKEN}).status_code == 403
    signed_in = visitor.ask("/api/v1/session", own, json={"token": TOKEN})
    assert "; Secure" in signed_in.headers["Set-Cookie"]
    cookie = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
    assert visitor.ask("/api/v1/runs", cookie).status_code == 200
    assert visitor.ask("/api/v1/configs/check", cookie | own, json={"yaml": ""}).status_code == 200
    for headers in ({}, other, {"Origin": f"https://{NAME}:1"}):
        assert visitor.ask("/api/v1/configs/check", cookie | headers, json={"yaml": ""}).status_code == 403


def test_whoever_guesses_is_counted_as_the_address_that_he_has(site: Site) -> None:
    guesser = Visitor(site, site.ports.plain, "127.0.0.14")
    statuses = []
    for number in range(5):
        said = f"192.0.2.{number}"
        forged = {"X-Forwarded-For": said, "X-Real-IP": said, "Forwarded": f"for={said}"}
        statuses.append(guesser.ask("/api/v1/runs", {"Authorization": "Bearer wrong", **forged}).status_code)
    assert statuses == [401, 401, 401, 429, 429]
    assert Visitor(site, site.ports.plain, "127.0.0.15").ask("/api/v1/runs", BEARER).status_code == 200


def test_events_come_one_by_one_and_none_is_missed_while_the_service_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.authority))
    launcher = ScriptLauncher(site.root, "while [ ! -e end ]; do sleep 0.02; done")
    launch = launcher.launch("one", Order(doing="resume"))
    pauses = []

    def tell(number: int) -> None:
        with launch.events.open("a") as file:
            file.write(f'{{"event": "working", "doing": "step {number}"}}\n')

    def pause(seconds: float) -> None:
        # The first one is after the stream has broken off, the second one after the proxy has found no service.
        pauses.append(seconds)
        if len(pauses) == 2:
            site.serve()

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pause)
    monkeypatch.setattr("evo_nas.client.event_stream.time", clock)
    # Each is written when the one before it has come: whoever keeps events back until there are more never gets one.
    steps = {
        "step 1": lambda: tell(2),
        "step 2": lambda: (site.service.close(), tell(3)),
        "step 3": (launch.folder / "end").touch,
    }
    tell(1)
    told = []
    with Client(f"https://localhost:{site.ports.plain}", TOKEN) as client:
        stream = client.run("one").stream()
        given_up = threading.Timer(LONG_S, stream.leave)
        given_up.start()
        for message in stream.messages():
            told.append(json.loads(message.data).get("doing", message.kind))
            steps.get(told[-1], bool)()
        given_up.cancel()
    assert told == ["step 1", "step 2", "step 3", "end"]
    assert len(pauses) == 2


def test_an_authority_of_ones_own_is_named_in_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with Client(f"https://localhost:{site.ports.plain}", TOKEN) as client:
        with pytest.raises(ExecutionError, match=r"no secure connection .* REQUESTS_CA_BUNDLE"):
            client.runs()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(site.authority))
        client.runs()


@pytest.mark.parametrize(
    "forged",
    [
        {},
        BEARER,
        {"X-Forwarded-Uri": "/oauth2/sign_in", "X-Forwarded-Host": "other", "X-Forwarded-For": "127.0.0.1"},
        {"X-Auth-Request-User": "admin", "X-Forwarded-User": "admin", "X-Original-URL": "/oauth2/sign_in"},
    ],
    ids=["nothing", "the token", "another request", "a user"],
)
def test_nobody_gets_in_who_has_not_signed_in(site: Site, forged: dict[str, str]) -> None:
    visitor = Visitor(site, site.ports.single, "127.0.0.16")
    for path in ("/", "/api/v1/runs", "/oauth2/%2e%2e/api/v1/runs"):
        refused = visitor.ask(path, forged)
        is_led = refused.headers.get("Location", "").startswith("/oauth2/sign_in?rd=")
        assert is_led or (refused.status_code == 403 and refused.text == "a page to sign in")
        assert site.asked[-1]["x-forwarded-for"] == "127.0.0.16"
        assert site.asked[-1]["x-forwarded-host"] == visitor.origin.removeprefix("https://")
        assert site.asked[-1]["x-forwarded-uri"] != "/oauth2/sign_in"


def test_whoever_has_signed_in_needs_no_token(site: Site) -> None:
    visitor = Visitor(site, site.ports.single, "127.0.0.17")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        assert visitor.ask("/api/v1/runs", SIGNED_IN | headers).status_code == 200
    assert visitor.ask("/api/v1/session", SIGNED_IN).json() == {"required": True, "signed_in": True}


def test_no_other_site_asks_in_the_name_of_who_has_signed_in(site: Site) -> None:
    visitor = Visitor(site, site.ports.single, "127.0.0.18")
    body = {"yaml": ""}
    own = {"Origin": visitor.origin, "Sec-Fetch-Site": "same-origin"}
    assert visitor.ask("/api/v1/configs/check", SIGNED_IN | own, json=body).status_code == 200
    for foreign in ({"Origin": "https://other.example.org"}, {"Sec-Fetch-Site": "cross-site"}):
        assert visitor.ask("/api/v1/configs/check", SIGNED_IN | foreign, json=body).status_code == 403
