"""The image and the cluster of containers."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.files import COMPOSE, DOCKERFILE, ROOT, documents

SCRIPTS = Path(sysconfig.get_path("scripts"))


def services() -> dict[str, dict[str, Any]]:
    (compose,) = documents(COMPOSE)
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    subprocess.run([SCRIPTS / "hadolint", DOCKERFILE], check=True)


def test_the_compose_file_follows_the_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE]
    subprocess.run(command, check=True, capture_output=True)


def test_the_image_runs_as_an_ordinary_user_with_authentication_on() -> None:
    *_, user, workdir, command = [line for line in DOCKERFILE.read_text().splitlines() if line]
    assert (user, workdir) == ("USER ${UID}", "WORKDIR /home/ray")
    assert "RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0" in DOCKERFILE.read_text()
    assert command.startswith("CMD")


def test_what_is_copied_into_the_image_may_go_to_the_engine() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines[1] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert allowed == {"LICENSE", "README.md", "configs", "evo_nas", "pyproject.toml"}


@pytest.mark.parametrize("name", ["head", "worker", "service"])
def test_containers_may_do_little_and_have_the_token(name: str) -> None:
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"] == {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": "/run/secrets/ray_token",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    assert "ray_token" in service["secrets"]


@pytest.mark.parametrize("name", ["head", "worker", "service"])
def test_every_container_sees_the_runs(name: str) -> None:
    assert "runs:/runs" in services()[name]["volumes"]


def test_data_lie_at_one_place_for_the_head_that_reads_them_and_the_service_that_permits_them() -> None:
    words = services()["service"]["command"].split()
    permitted = words[words.index("--data") + 1]
    for name in ("head", "service"):
        assert f"${{EVO_NAS_DATA:-../configs}}:{permitted}:ro" in services()[name]["volumes"]


def test_only_the_service_is_published_and_on_loopback() -> None:
    assert services()["head"]["ports"] == ["127.0.0.1:8765:8765"]
    for name in ("worker", "service"):
        assert "ports" not in services()[name]
    for name in ("head", "worker"):
        assert "network_mode" not in services()[name]


def test_the_service_stands_beside_the_head_behind_a_token() -> None:
    service = services()["service"]
    assert service["network_mode"] == "service:head"
    assert service["depends_on"] == {"head": {"condition": "service_healthy", "restart": True}}
    assert set(service["secrets"]) == {"ray_token", "service_token"}
    words = service["command"].split()
    assert words[words.index("--token-file") + 1] == "/run/secrets/service_token"
    assert words[words.index("--root") + 1] == "/runs"


def test_two_workers_start_once_the_head_answers() -> None:
    worker = services()["worker"]
    assert worker["deploy"] == {"replicas": 2}
    assert worker["depends_on"] == {"head": {"condition": "service_healthy"}}
    assert "--dashboard-host=127.0.0.1" in services()["head"]["command"]


def test_nothing_that_docker_reads_holds_a_token() -> None:
    (compose,) = documents(COMPOSE)
    assert compose["secrets"] == {
        "ray_token": {"file": "${RAY_AUTH_TOKEN_PATH:-~/.ray/auth_token}"},
        "service_token": {"file": "${EVO_NAS_SERVICE_TOKEN:-~/.evo-nas/service_token}"},
    }
