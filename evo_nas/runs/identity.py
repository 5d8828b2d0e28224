"""Compares configurations and data files: do two of them describe the same search?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.config import shown

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from evo_nas.config import SearchConfig

# Budget and workers set how far and how fast a search goes; base_dir sets where the same files are found.
FREE_TO_CHANGE = frozenset({"base_dir", "budget", "workers"})
# None is a value that a key may have, so a missing key needs a mark of its own.
_ABSENT = object()


def changed_keys(
    recorded: SearchConfig, given: SearchConfig, *, moved: Container[str] = frozenset()
) -> list[str]:
    """Returns one line for every key that makes ``given`` a different search from ``recorded``.

    Args:
        recorded: The configuration of the run, with every default filled in.
        given: The configuration to compare, with every default filled in.
        moved: Dotted keys whose paths may differ in their folders, since the files have the same content.
    """
    ours, theirs = _identity(recorded), _identity(given)
    return [
        f"{key}: was {_shown_at(ours, key)}, is {_shown_at(theirs, key)}"
        # `dict.fromkeys` instead of a set, so that the lines keep the order of the configuration.
        for key in dict.fromkeys((*ours, *theirs))
        if ours.get(key, _ABSENT) != theirs.get(key, _ABSENT)
        and not (key in moved and _same_names(ours.get(key), theirs.get(key)))
    ]


def changed_files(recorded: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """Returns one line for every data file whose SHA-256 differs."""
    return [
        f"{name}: SHA-256 was {recorded.get(name, 'none')}, is {given.get(name, 'none')}"
        for name in dict.fromkeys((*recorded, *given))
        if recorded.get(name) != given.get(name)
    ]


def _identity(config: SearchConfig) -> dict[str, Any]:
    return dict(_leaves(config.model_dump(mode="json", exclude=set(FREE_TO_CHANGE))))


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _same_names(ours: object, theirs: object) -> bool:
    """Whether two values of a path key have the same file names, in any folders."""
    return None not in (ours, theirs) and _file_names(ours) == _file_names(theirs)


def _file_names(paths: object) -> list[str]:
    return [Path(path).name for path in (paths if isinstance(paths, list) else [str(paths)])]


def _shown_at(leaves: Mapping[str, Any], key: str) -> str:
    return shown(leaves[key]) if key in leaves else "not given"
