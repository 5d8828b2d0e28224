"""Starts a private Ray on this machine, for searches without a cluster."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import Any

import ray
import ray.cloudpickle

from evo_nas.errors import ExecutionError

_OBJECT_STORE_BYTES = 80 * 2**20
"""Slightly more than the minimum that Ray accepts; results of leases are small."""


def start_private_ray(cpus: int, shared: object) -> None:
    """Starts a Ray whose token only this process and its children know.

    Args:
        cpus: CPUs that it may give to actors.
        shared: Object for which the object store must have room.

    Raises:
        ExecutionError: Ray cannot be started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # By default Ray starts processes in advance, one a CPU; workers have variables of their own and use none of them.
    os.environ.setdefault("RAY_prestart_worker_first_driver", "0")
    # Ray itself would write the token to a file that all users of the machine can read.
    token_known = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if not token_known and not Path("~/.ray/auth_token").expanduser().exists():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    try:
        ray.init(
            address="local",
            num_cpus=cpus,
            object_store_memory=_OBJECT_STORE_BYTES + 2 * _size_bytes(shared),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ExecutionError(f"Ray cannot be started on this machine: {error}") from error


def _size_bytes(shared: object) -> int:
    buffers: list[Any] = []
    pickled = ray.cloudpickle.dumps(shared, protocol=5, buffer_callback=buffers.append)
    # Arrays are pickled out of band, so that counting their bytes does not copy them.
    return len(pickled) + sum(len(buffer.raw()) for buffer in buffers)
