"""A server that speaks S3, as a process of its own, with one bucket called ``runs``.

As a script: ``python -m tests.s3 PORT`` serves until it is ended; with ``forgetful`` behind the port it ignores
the condition of a PUT, as servers do that do not know it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import s3fs

BUCKET = "runs"
_ROOT = Path(__file__).parents[1]


@contextmanager
def s3_server(*, forgetful: bool = False) -> Iterator[str]:
    """Starts a server, points this process and its children to it, and yields the URI of its bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.s3", str(port), *(["forgetful"] if forgetful else [])]
    with (
        subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.DEVNULL) as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _make_bucket(endpoint, server)
            environment.setenv("AWS_ENDPOINT_URL", endpoint)
            environment.setenv("AWS_ACCESS_KEY_ID", "key")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
            environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
            s3fs.S3FileSystem.clear_instance_cache()
            yield f"s3://{BUCKET}"
        finally:
            server.terminate()
            s3fs.S3FileSystem.clear_instance_cache()


def _make_bucket(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        assert server.poll() is None, "the server ended before it answered"
        try:
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _forgetting(application: Callable[..., Any]) -> Callable[..., Any]:
    def forgetful(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        return application(environ, start_response)

    return forgetful


def _serve(port: int, *, forgetful: bool) -> None:
    from moto.server import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415 - for the server alone
    from werkzeug.serving import make_server  # noqa: PLC0415

    application: Callable[..., Any] = DomainDispatcherApplication(create_backend_app)
    make_server(
        "127.0.0.1", port, _forgetting(application) if forgetful else application, threaded=True
    ).serve_forever()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), forgetful="forgetful" in sys.argv)
