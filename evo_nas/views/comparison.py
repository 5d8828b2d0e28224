"""Several runs beside each other: where their configurations differ, and how their champions rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evo_nas.champion.ranking import Results, ranked
from evo_nas.champion.verdict import stored_verdict
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.champion.ranking import Ranking
    from evo_nas.runs import Run


def differences(configs: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Returns the dotted keys whose values differ, each with its value in every configuration; None where it has none.

    The names of runs and the folder that paths are relative to are left out.
    """
    leaves = [dict(_leaves(config)) for config in configs]
    keys = dict.fromkeys(key for each in leaves for key in each if key not in ("name", "base_dir"))
    values = {key: [each.get(key) for each in leaves] for key in keys}
    return {key: each for key, each in values.items() if any(value != each[0] for value in each)}


def ranking_of(runs: Mapping[str, Run]) -> tuple[Ranking | None, str]:
    """Returns how champions, opponents and baselines rank over runs, or None and why they cannot be ranked."""
    judged = {name: run for name, run in runs.items() if stored_verdict(run) is not None}
    try:
        return ranked([Results.of(run, name) for name, run in judged.items()]), ""
    except ChampionError as error:
        return None, str(error)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
