"""Settings that every test shares."""

from __future__ import annotations

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps all tests that start a Ray in one process where tests run side by side: two of them share badly."""
    for item in items:
        if item.get_closest_marker("ray") or item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.xdist_group("ray"))


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
