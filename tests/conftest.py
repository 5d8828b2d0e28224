"""Settings that every test shares."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import ray
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

# One thread a process, as workers have: equal results on every machine, and no spinning beside other tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# No processes in advance: workers have variables of their own, and so processes of their own.
os.environ.setdefault("RAY_prestart_worker_first_driver", "0")

settings.register_profile("evo-nas", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("campaign", deadline=None, max_examples=2000)
settings.load_profile("evo-nas")

FIRST = ("cluster", "ray", "slow")
"""Marks of files that take long, the longest first."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage among modules and tests, which stay: a third of the collection, and more later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves campaigns to those who ask for them, and puts the longest files first, for several processes to share."""
    if "campaign" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("campaign")])
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]
    ranks: dict[Path, int] = {}
    groups: dict[Path, str] = {}
    for item in items:
        marks = [FIRST.index(mark.name) for mark in item.iter_markers() if mark.name in FIRST]
        ranks[item.path] = min([*marks, ranks.get(item.path, len(FIRST))])
        if item.get_closest_marker("cluster"):
            groups[item.path] = "cluster"  # two clusters would starve each other
        elif "local_ray" in getattr(item, "fixturenames", ()):
            groups[item.path] = "local_ray"
    items.sort(key=lambda item: (ranks[item.path], item.path not in groups))
    for item in items:
        if item.path in groups:
            item.add_marker(pytest.mark.xdist_group(groups[item.path]))


class FilesAndGroups(LoadGroupScheduling):
    """Gives a process the tests of a whole file, or of all files of a group."""

    def _split_scope(self, nodeid: str) -> str:
        return super()._split_scope(nodeid).partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesAndGroups | None:
    """Shares the tests out for ``--dist loadgroup``."""
    return FilesAndGroups(config, log) if config.option.dist == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def few_calls_are_timed() -> Iterator[None]:
    """Times a network 50 times, not 500 as a search does: that is half of a small verdict, and no test looks at it."""
    if "torch" not in sys.modules:  # importing it would take longer than it saves
        yield
        return
    from evo_nas.training import latency  # noqa: PLC0415

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latency, "MOST_CALLS", latency.LEAST_CALLS)
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
