"""How a service is started: its token, its port, its root, and what is said when one of them does not do."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evo_nas.cli import main
from evo_nas.errors import ConfigError
from evo_nas.server import serving
from evo_nas.server.options import ServerOptions
from evo_nas.server.problems import ServiceError
from evo_nas.server.readiness import check_cluster
from evo_nas.server.serving import serve
from evo_nas.server.token_files import token_in


def test_a_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    made = token_in(path)
    assert len(made) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_in(path) == made


def test_a_token_of_ones_own_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("mine-and-long-enough\n")
    path.chmod(0o640)
    assert token_in(path) == "mine-and-long-enough"


def test_a_token_that_everyone_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("mine-and-long-enough")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        token_in(path)


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff" * 32, b"a\nb" * 10, b"x" * 2000])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no token"):
        token_in(path)


def test_a_token_is_not_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "token").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        token_in(tmp_path / "token")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be made"):
        token_in(tmp_path / "none" / "token")


def started(tmp_path: Path, **changes: object) -> None:
    def ready(url: str) -> None:
        raise AssertionError(f"it listens at {url}")

    serve(ServerOptions(root=str(tmp_path), state=tmp_path / ".service", **changes), ready=ready)  # type: ignore[arg-type]


def test_threads_of_a_service_have_no_heaps_of_their_own(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
import pyarrow as pa
from evo_nas.server.options import ServerOptions
from evo_nas.server.serving import serve

def ready(url):
    print(pa.default_memory_pool().backend_name, flush=True)
    os._exit(0)

serve(ServerOptions(root=sys.argv[1], state=Path(sys.argv[1], ".service"), port=0), ready=ready)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "system\n"


def test_a_port_in_use_says_by_what(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"port {port} .* in use by process {os.getpid()} .*`kill {os.getpid()}`"
        ):
            started(tmp_path, port=port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_of_another_machine_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot listen at .*, port 0: [^(]*; give an address of this"):
        started(tmp_path, host=host, token="0123456789abcdef", port=0)


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> list[ServerOptions]:
    """The options that services were started with; they end at once."""
    seen: list[ServerOptions] = []

    def note(given: ServerOptions, *, ready: object) -> None:
        seen.append(given)
        ready("http://127.0.0.1:8765/")  # type: ignore[operator]

    monkeypatch.setattr(serving, "serve", note)
    return seen


def invoked(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["serve", *map(str, arguments)])


def test_on_loopback_nothing_need_be_given(
    options: list[ServerOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = invoked()
    assert said.exit_code == 0
    assert "serving runs at http://127.0.0.1:8765/" in said.output
    assert options[0].token is None
    assert options[0].data == (str(tmp_path), "hf://")
    assert options[0].state == Path("runs", ".service")
    (tmp_path / "data").mkdir()
    assert f"data may lie in: {tmp_path}, {tmp_path}/data" in invoked("--data", ".", "--data", "data").output


def test_for_others_a_token_is_made_and_no_data_are_shown(
    options: list[ServerOptions], tmp_path: Path
) -> None:
    token = tmp_path / "token"
    said = invoked(
        "--root", tmp_path / "runs", "--host", "0.0.0.0", "--token-file", token, "--name", "evo.example.org"
    )
    assert said.exit_code == 0
    assert str(token) in said.output
    assert token.read_text().strip() not in said.output
    assert options[0].token == token.read_text().strip()
    assert (options[0].data, options[0].names) == ((), ("evo.example.org",))


@pytest.mark.parametrize("further", [("--name", "evo.example.org"), ("--proxy", "127.0.0.1")])
def test_for_those_who_come_through_a_proxy_no_data_are_shown_either(
    options: list[ServerOptions], further: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The directory that it is started in may hold the very token that only the proxy shall know.
    monkeypatch.chdir(tmp_path)
    assert invoked("--token-file", "service.token", *further).exit_code == 0
    assert invoked("--token-file", "service.token", *further, "--data", tmp_path).exit_code == 0
    assert [each.data for each in options] == [(), (str(tmp_path),)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "0.0.0.0"), "--token-file"),
        (("--name", "evo.example.org"), "--token-file"),
        (("--root", "s3://bucket/runs"), "--address"),
        (("--root", "/dev/null/runs"), "cannot be written"),
        (("--root", __file__), "it is a file"),
        (("--port", "70000"), "70000"),
        (("--address", "127.0.0.1:1"), "error: the cluster at 127.0.0.1:1 cannot be reached"),
        (("--data", "no-such-folder"), "no directory"),
        (("--token-file", "token", "--proxy", "localhost"), "proxy is 'localhost'; must be the address"),
        (("--token-file", "token", "--proxy", "*"), "proxy is '*'; must be the address"),
        (("--token-file", "token", "--proxy", "0.0.0.0/0"), "proxy is '0.0.0.0/0'; must be the address"),
    ],
)
def test_what_does_not_do_is_said_before_anything_starts(
    options: list[ServerOptions],
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = invoked(*arguments)
    assert (refused.exit_code, options) == (2, [])
    assert said in refused.output


def test_launches_of_a_bucket_lie_in_a_cache(
    options: list[ServerOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evo_nas.server.root.RunsRoot.check_writable", lambda _: None)
    monkeypatch.setattr("evo_nas.server.readiness.check_cluster", lambda _: None)
    assert invoked("--root", "s3://bucket/runs", "--address", "http://127.0.0.1:8265").exit_code == 0
    assert options[0].state.parent == Path("~/.cache/evo-nas/service").expanduser()


def test_the_cluster_of_this_machine_is_found_at_whatever_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as head:
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{head.getsockname()[1]}\n")
        check_cluster("auto")
    with pytest.raises(ServiceError, match="the cluster at auto cannot be reached"):
        check_cluster("auto")
