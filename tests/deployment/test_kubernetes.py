"""The manifests for KubeRay: fields that exist, pods that may do little, retries that resume."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from evo_nas.config import load_config
from evo_nas.experiment import Experiment
from tests.deployment.files import CLUSTER, KUBERNETES, documents

RAY_DRAINS_FOR_S = 30  # RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S
every_file = pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)


class Fields(BaseModel):
    """Fields of KubeRay's API v1 that we use; a pod's own are checked one by one below."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Group(Fields):
    ray_start_params: dict[str, str]
    template: dict[str, Any]


class WorkerGroup(Group):
    group_name: str
    replicas: int
    min_replicas: int
    max_replicas: int


class AuthOptions(Fields):
    mode: str


class AutoscalerOptions(Fields):
    version: str
    idle_timeout_seconds: int


class Cluster(Fields):
    ray_version: str
    auth_options: AuthOptions
    enable_in_tree_autoscaling: bool = False
    autoscaler_options: AutoscalerOptions | None = None
    head_group_spec: Group
    worker_group_specs: list[WorkerGroup]


class Job(Fields):
    entrypoint: str
    submission_mode: str
    backoff_limit: int
    shutdown_after_job_finishes: bool
    ttl_seconds_after_finished: int
    ray_cluster_spec: Cluster


def cluster(path: Path) -> Cluster:
    spec = documents(path)[-1]["spec"]
    return (
        Job.model_validate(spec).ray_cluster_spec
        if "rayClusterSpec" in spec
        else Cluster.model_validate(spec)
    )


def groups(path: Path) -> list[Group]:
    return [cluster(path).head_group_spec, *cluster(path).worker_group_specs]


def pods(path: Path) -> Iterator[dict[str, Any]]:
    for group in groups(path):
        yield group.template["spec"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@every_file
def test_resources_are_of_versions_that_are_served(path: Path) -> None:
    served = {
        "ConfigMap": "v1",
        "NetworkPolicy": "networking.k8s.io/v1",
        "PersistentVolumeClaim": "v1",
        "Service": "v1",
        "RayCluster": "ray.io/v1",
        "RayJob": "ray.io/v1",
    }
    for document in documents(path):
        assert document["apiVersion"] == served[document["kind"]]
        assert document["metadata"].keys() == {"name"}


@every_file
def test_authentication_is_on(path: Path) -> None:
    assert cluster(path).auth_options.mode == "token"


@every_file
def test_pods_run_as_nobody_special(path: Path) -> None:
    for pod in pods(path):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }


@every_file
def test_workers_cannot_speak_to_kubernetes(path: Path) -> None:
    for group in cluster(path).worker_group_specs:
        assert group.template["spec"]["automountServiceAccountToken"] is False


@every_file
def test_a_node_has_the_time_to_drain(path: Path) -> None:
    for pod in pods(path):
        assert pod["terminationGracePeriodSeconds"] > RAY_DRAINS_FOR_S
        assert pod["restartPolicy"] == "Never"


@every_file
def test_memory_that_ray_counts_on_is_reserved(path: Path) -> None:
    for pod in pods(path):
        for container in containers(pod):
            assert container["resources"]["requests"] == container["resources"]["limits"]


@every_file
def test_nothing_is_sent_home(path: Path) -> None:
    for pod in pods(path):
        for container in containers(pod):
            assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]


@every_file
def test_every_volume_is_there(path: Path) -> None:
    names = {(document["kind"], document["metadata"]["name"]) for document in documents(path)}
    for pod in pods(path):
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        mounted = {
            mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", [])
        }
        assert mounted == volumes.keys()
        for volume in volumes.values():
            if "secret" in volume:  # made by hand, so that no file holds it
                assert volume["secret"] == {"secretName": "evo-nas-service", "defaultMode": 0o440}
                continue
            claim, config = volume.get("persistentVolumeClaim"), volume.get("configMap")
            wanted = ("PersistentVolumeClaim", claim["claimName"]) if claim else ("ConfigMap", config["name"])
            assert wanted in names


@every_file
def test_a_policy_keeps_others_away_from_every_pod(path: Path) -> None:
    (policy,) = (document["spec"] for document in documents(path) if document["kind"] == "NetworkPolicy")
    ours = policy["podSelector"]["matchLabels"]
    for group in groups(path):
        assert group.template["metadata"]["labels"] == ours
    assert policy["policyTypes"] == ["Ingress"]
    assert policy["ingress"][0] == {"from": [{"podSelector": {"matchLabels": ours}}]}
    for further in policy["ingress"][1:]:
        assert [port["port"] for port in further["ports"]] == [8265]
        assert further["from"][0]["podSelector"]["matchLabels"] == {
            "app.kubernetes.io/name": "kuberay-operator"
        }


def test_the_dashboard_of_a_cluster_that_stays_is_on_loopback() -> None:
    head = cluster(CLUSTER / "raycluster.yaml").head_group_spec
    assert head.ray_start_params["dashboard-host"] == "127.0.0.1"


def test_the_service_stands_beside_the_head_behind_a_token() -> None:
    (service,) = cluster(CLUSTER / "raycluster.yaml").head_group_spec.template["spec"]["initContainers"]
    # The pod itself never restarts a container, but the service ends while the head does not listen yet.
    assert service["restartPolicy"] == "Always"
    words = [*service["command"], *service["args"]]
    token = Path(words[words.index("--token-file") + 1])
    assert {"name": "service-token", "mountPath": str(token.parent), "readOnly": True} in service[
        "volumeMounts"
    ]
    assert words[words.index("--root") + 1] == "/runs"
    assert service["readinessProbe"]["httpGet"]["path"] == "/api/v1/ready"
    (exposed,) = (
        each["spec"] for each in documents(CLUSTER / "raycluster.yaml") if each["kind"] == "Service"
    )
    assert exposed["ports"][0]["targetPort"] == service["ports"][0]["containerPort"]
    assert exposed.get("type", "ClusterIP") == "ClusterIP"


def test_the_head_trains_nothing() -> None:
    for path in KUBERNETES:
        assert cluster(path).head_group_spec.ray_start_params["num-cpus"] == "0"


def test_a_job_is_given_again_in_a_new_cluster_on_the_same_run() -> None:
    job = Job.model_validate(documents(CLUSTER / "rayjob.yaml")[-1]["spec"])
    assert job.backoff_limit > 0
    assert job.shutdown_after_job_finishes
    assert "--run s3://" in job.entrypoint


def test_a_job_searches_what_its_config_map_says(tmp_path: Path) -> None:
    job = documents(CLUSTER / "rayjob.yaml")
    (mount,) = job[-1]["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0][
        "volumeMounts"
    ]
    ((name, text),) = job[0]["data"].items()
    assert os.path.join(mount["mountPath"], name) in job[-1]["spec"]["entrypoint"].split()  # noqa: PTH118
    (tmp_path / name).write_text(text)
    assert Experiment.of(load_config(tmp_path / name)).config.name == yaml.safe_load(text)["name"]
