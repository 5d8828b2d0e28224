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

WEIGHTS = ("cluster", "ray", "slow")
"""Marks of files that take long, the longest first."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves campaigns to those who ask for them, and puts the longest files first, for two processes to share."""
    if "campaign" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("campaign")])
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]
    weights: dict[object, int] = {}
    for item in items:
        weight = min(
            (index for index, mark in enumerate(WEIGHTS) if item.get_closest_marker(mark)),
            default=len(WEIGHTS),
        )
        weights[item.path] = min(weight, weights.get(item.path, weight))
    items.sort(key=lambda item: weights[item.path])
    for item in items:
        # A file stays in one process, for the sake of what it shares; two clusters at once starve each other's nodes.
        is_cluster = item.get_closest_marker("cluster") is not None
        item.add_marker(pytest.mark.xdist_group("cluster" if is_cluster else str(item.path)))


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
