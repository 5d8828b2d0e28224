"""Compares configurations and data files: do two of them describe the same search?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.config import shown

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from evo_nas.config import SearchConfig

# Budget and workers set how far and how fast a search goes, the verdict comes after it; base_dir sets where the same
# files are found.
FREE_TO_CHANGE = frozenset({"base_dir", "budget", "verdict", "workers"})
FREE_KEYS = frozenset({"fitness.memory"})
"""Single keys that may change: what is remembered is recorded with its source, wherever it came from."""
_NOT_OF_A_TRAINING = frozenset({"training.epochs", "training.time_limit_s", "training.device"})
"""A candidate has its own epochs; the others decide whether and where a training ends, not to what it leads."""
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
    return _changes(_identity(recorded), _identity(given), moved)


def changed_trainings(
    recorded: SearchConfig, given: SearchConfig, *, moved: Container[str] = frozenset()
) -> list[str]:
    """Returns one line for every key for which equal candidates of two searches are trained differently.

    Args:
        recorded: A configuration with every default filled in.
        given: Another one with every default filled in.
        moved: Dotted keys whose paths may differ in their folders, since the files have the same content.
    """
    return _changes(_of_training(recorded), _of_training(given), moved)


def changed_files(recorded: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """Returns one line for every data file whose SHA-256 differs."""
    return [
        f"{name}: SHA-256 was {recorded.get(name, 'none')}, is {given.get(name, 'none')}"
        for name in dict.fromkeys((*recorded, *given))
        if recorded.get(name) != given.get(name)
    ]


def _changes(ours: Mapping[str, Any], theirs: Mapping[str, Any], moved: Container[str]) -> list[str]:
    return [
        f"{key}: was {_shown_at(ours, key)}, is {_shown_at(theirs, key)}"
        # `dict.fromkeys` instead of a set, so that the lines keep the order of the configuration.
        for key in dict.fromkeys((*ours, *theirs))
        if ours.get(key, _ABSENT) != theirs.get(key, _ABSENT)
        and not (key in moved and _same_names(ours.get(key), theirs.get(key)))
    ]


def _identity(config: SearchConfig) -> dict[str, Any]:
    leaves = _leaves(config.model_dump(mode="json", exclude=set(FREE_TO_CHANGE)))
    return {key: value for key, value in leaves if key not in FREE_KEYS}


def _of_training(config: SearchConfig) -> dict[str, Any]:
    leaves = _leaves(config.model_dump(mode="json", include={"task", "training"}))
    return {key: value for key, value in leaves if key not in _NOT_OF_A_TRAINING}


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
