"""What Ray's cluster launcher makes of our files, asked of itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ray.autoscaler._private.docker import docker_start_cmds
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.deployment.files import CLUSTER, DOCKERFILE, LAUNCHER, documents

every_file = pytest.mark.parametrize("path", LAUNCHER, ids=lambda path: path.name)


def prepared(path: Path) -> dict[str, Any]:
    """Returns the configuration with Ray's defaults filled in."""
    (config,) = documents(path)
    filled: dict[str, Any] = prepare_config(config)
    return filled


@every_file
def test_ray_takes_the_file(path: Path) -> None:
    validate_config(prepared(path))


def test_ray_refuses_a_key_that_it_does_not_know() -> None:
    with pytest.raises(Exception, match="'docker_image' was unexpected"):
        validate_config({**prepared(LAUNCHER[0]), "docker_image": "evo-nas"})


@every_file
def test_every_node_has_the_token_and_authentication_on(path: Path) -> None:
    config = prepared(path)
    assert config["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    assert "--env RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    assert "--env RAY_USAGE_STATS_ENABLED=0" in config["docker"]["run_options"]


@every_file
def test_the_token_is_mounted_in_the_home_of_the_user_of_the_image(path: Path) -> None:
    config = prepared(path)
    docker = config["docker"]
    (home,) = re.findall(r"^ENV .*\bHOME=(\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    command = docker_start_cmds(
        config["auth"]["ssh_user"],
        docker["image"],
        config["file_mounts"],
        docker["container_name"],
        docker["run_options"],
        config["cluster_name"],
        home,
        "docker",
    )
    assert ":/home/ray/.ray/auth_token " in command


@every_file
def test_the_dashboard_is_on_loopback(path: Path) -> None:
    head = prepared(path)["head_start_ray_commands"]
    assert sum("--dashboard-host=127.0.0.1" in command for command in head) == 1


def test_aws_lets_nobody_in_but_ssh_from_one_address() -> None:
    (rule,) = prepared(CLUSTER / "aws.yaml")["provider"]["security_group"]["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"]) == (22, 22)
    assert [network["CidrIp"].partition("/")[2] for network in rule["IpRanges"]] == ["32"]


def test_a_local_cluster_expects_every_machine_it_names() -> None:
    config = prepared(CLUSTER / "on-premise.yaml")
    (machine,) = config["available_node_types"].values()
    assert machine["min_workers"] == machine["max_workers"] == len(config["provider"]["worker_ips"])


def test_aws_workers_may_all_go_away() -> None:
    workers = prepared(CLUSTER / "aws.yaml")["available_node_types"]["worker"]
    assert workers["min_workers"] == 0
    assert workers["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
