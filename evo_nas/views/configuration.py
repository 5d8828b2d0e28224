"""What may be in a configuration: the reference of its sections, its JSON schema, and the examples that are shipped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from evo_nas.config import SearchConfig, json_schema
from evo_nas.config.reference import sections_of
from evo_nas.genome.options import SpaceOptions
from evo_nas.strategies.registry import STRATEGIES
from evo_nas.tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.config.reference import Kinds, Section

_FIRST = "quickstart"


def all_sections() -> Mapping[str, Section]:
    """Returns all sections of a configuration by name; see `sections_of`."""
    return sections_of(SearchConfig, models={"space": SpaceOptions}, kinds=_kinds())


def strategy_sections() -> Mapping[str, Section]:
    """Returns the section of each strategy by its kind."""
    return {section.name.rpartition(".")[2]: section for section in all_sections()["strategy"].kinds}


def configuration_schema() -> dict[str, Any]:
    """Returns the JSON schema of a configuration with every kind of task and strategy that is registered now."""
    return _schema(frozenset(TASKS), frozenset(STRATEGIES))


@cache
def _schema(*_: frozenset[str]) -> dict[str, Any]:
    """Makes the schema once for the kinds that are registered."""
    return json_schema.configuration_schema(SearchConfig, models={"space": SpaceOptions}, kinds=_kinds())


def _kinds() -> Mapping[str, Kinds]:
    return {
        "task": {kind: (task.__doc__ or "", task.Options) for kind, task in TASKS.items()},
        "strategy": {kind: (each.__doc__ or "", each.Options) for kind, each in STRATEGIES.items()},
    }


@dataclass(frozen=True, slots=True)
class Example:
    """A configuration that is shipped.

    Attributes:
        name: Its name, that of its file.
        title: The first sentence about it.
        yaml: The file.
    """

    name: str
    title: str
    yaml: str


@cache
def examples() -> tuple[Example, ...]:
    """Returns the configurations that are shipped, the quickstart first and the others by name."""
    found = [
        Example(file.name.removesuffix(".yaml"), _title(text), text)
        for file in files("evo_nas").joinpath("examples").iterdir()
        if file.name.endswith(".yaml")
        for text in [file.read_text(encoding="utf-8")]
    ]
    return tuple(sorted(found, key=lambda example: (example.name != _FIRST, example.name)))


def _title(text: str) -> str:
    """Returns the first sentence of the comment at the head of ``text``."""
    lines = text.splitlines()
    head = lines[: next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))]
    said = " ".join(line.removeprefix("#").strip() for line in head)
    # A full stop after an initial ends no sentence.
    return re.split(r"(?<=[.?!])(?<![A-Z]\.) (?=[A-Z])", said)[0].removesuffix(".")
