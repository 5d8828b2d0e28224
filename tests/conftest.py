"""Settings that every test shares."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator

import pytest
import ray
from hypothesis import settings

# One thread a process, as workers have: equal results on every machine, and no spinning beside other tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

settings.register_profile("evo-nas", deadline=None, derandomize=True)
settings.load_profile("evo-nas")

WEIGHTS = ("cluster", "ray", "slow")
"""Marks of files that take long, the longest first."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves campaigns to those who ask for them, and puts the longest files first, for two processes to share."""
    if "campaign" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("campaign")])
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]
    weights: dict[object, float] = {}
    for item in items:
        weight = min(
            (index for index, mark in enumerate(WEIGHTS) if item.get_closest_marker(mark)),
            default=len(WEIGHTS),
        )
        weights[item.path] = min(weight, weights.get(item.path, weight))
    for path in [path for path, weight in weights.items() if weight == WEIGHTS.index("cluster")][1:]:
        # One file with a cluster begins; the second process would only wait for it with another one.
        weights[path] = WEIGHTS.index("ray") + 0.5
    items.sort(key=lambda item: weights[item.path])


@pytest.fixture(scope="module", autouse=True)
def one_cluster_at_a_time(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Keeps the clusters of two processes apart, whose nodes would starve each other on two cores."""
    ours = (item for item in request.session.items if item.path == request.path)
    if not any(item.get_closest_marker("cluster") for item in ours):
        yield
        return
    with (tmp_path_factory.getbasetemp().parent / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def local_ray() -> Iterator[None]:
    """One private Ray for all tests that need one; a `RayPool` uses it and leaves it running."""
    ray.init(
        address="local",
        num_cpus=4,
        num_gpus=2,  # declared, not there
        object_store_memory=80 * 2**20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    yield
    ray.shutdown()
