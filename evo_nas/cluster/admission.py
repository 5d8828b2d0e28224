"""What of a configuration can be refused before a cluster is asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.errors import ConfigError
from evo_nas.experiment import check_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.config import SearchConfig


def remote_paths(config: SearchConfig) -> list[str]:
    """Checks every option of ``config`` and returns the data paths of its task, all absolute.

    Raises:
        ConfigError: An option is wrong, or a path relative: it would lead elsewhere on the cluster.
    """
    options = check_options(config)
    named = [(name, path) for name, value in options for path in _paths_in(value)]
    for name, path in named:
        if not path.is_absolute():
            raise ConfigError(
                f"task.{name} is {path}; must be an absolute path on the head node of the cluster, since data "
                "are not sent there"
            )
    return [str(path) for _, path in named]


def _paths_in(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _paths_in(item)
