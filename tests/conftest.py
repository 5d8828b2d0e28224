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
