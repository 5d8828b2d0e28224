"""Reads configurations that clients send as strictly as files, and says at once everything that is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evo_nas.config import configured, overridden
from evo_nas.config.load import MAX_BYTES
from evo_nas.config.yaml_edits import edited
from evo_nas.config.yaml_text import MAX_DEPTH, parse_yaml, to_yaml
from evo_nas.errors import ConfigError
from evo_nas.experiment import Experiment
from evo_nas.genome.cell_text import is_written_out
from evo_nas.sections import problems_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.config import SearchConfig
    from evo_nas.server.data_roots import DataRoots


class GivenConfig(BaseModel):
    """A configuration, as values or as YAML."""

    model_config = ConfigDict(extra="forbid")

    config: dict[str, Any] | None = Field(
        default=None, description="Its sections, as `GET /configs/schema` says."
    )
    yaml: str | None = Field(default=None, description="The text of its file.", max_length=MAX_BYTES)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.config is None) == (self.yaml is None):
            raise ValueError("give exactly one of config and yaml")
        return self

    def values(self) -> dict[str, Any]:
        """Returns the plain values, before anything is checked.

        Raises:
            ConfigError: The YAML is malformed or more than a configuration needs, or the values are nested too deeply.
        """
        values = self.config if self.yaml is None else parse_yaml(self.yaml, source="the YAML")
        if not isinstance(values, dict):
            raise ConfigError("the YAML holds no keys; must be a mapping such as `name: my-search`")
        if _depth(values) > MAX_DEPTH:
            raise ConfigError(f"the configuration is nested more than {MAX_DEPTH} deep; flatten it")
        if self.config is not None and len(json.dumps(values)) > MAX_BYTES:
            raise ConfigError(
                f"the configuration has more than {MAX_BYTES:,} bytes as JSON; leave out what is default"
            )
        return values


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """A configuration that was read.

    Attributes:
        values: What was given, plain.
        experiment: What it describes; None if something is wrong.
        problems: Everything that is wrong, one line each.
    """

    values: dict[str, Any]
    experiment: Experiment | None
    problems: tuple[str, ...]


def read_config(given: GivenConfig, roots: DataRoots, *, overrides: Sequence[str] = ()) -> ReadConfig:
    """Reads a configuration without opening any file of data.

    Relative paths start from the first data root.

    Args:
        given: The configuration.
        roots: Where its files may lie.
        overrides: What is changed in it, each ``dotted.key=value``.
    """
    try:
        values = overridden(given.values(), overrides)
    except ConfigError as error:
        return ReadConfig({}, None, (str(error),))
    if outside := roots.problems_in(values):
        # What else is wrong is said, too; nothing is opened for it but files of cells, which are left out.
        return ReadConfig(values, None, (*outside, *problems_in(_without_cell_files(values))))
    base = roots.base_of(values)
    placed = values | ({} if base is None else {"base_dir": str(base)})
    if problems := problems_in(placed):
        return ReadConfig(values, None, tuple(problems))
    try:
        return ReadConfig(values, Experiment.of(configured(placed)), ())
    except ConfigError as error:
        return ReadConfig(values, None, tuple(str(error).split("\n")))


def accepted(given: GivenConfig, roots: DataRoots, *, overrides: Sequence[str] = ()) -> SearchConfig:
    """Returns the configuration that was given, with every default filled in and its ``base_dir`` absolute.

    See `read_config` for the arguments.

    Raises:
        ConfigError: Something is wrong with it; one line for each problem.
    """
    read = read_config(given, roots, overrides=overrides)
    if read.experiment is None:
        raise ConfigError("\n".join(read.problems))
    return read.experiment.config


def _without_cell_files(values: dict[str, Any]) -> dict[str, Any]:
    space = values.get("space")
    if not isinstance(space, dict):
        return values
    kept = {
        key: cells
        for key, cells in space.items()
        if key not in {"cells", "seeds"} or all(map(is_written_out, filter(_is_text, _listed(cells))))
    }
    return values | {"space": kept}


def _listed(cells: object) -> list[object]:
    return cells if isinstance(cells, list) else [cells]


def _is_text(cell: object) -> TypeGuard[str]:
    return isinstance(cell, str)


def as_yaml(given: GivenConfig, values: dict[str, Any], *, text: str = "") -> str:
    """Returns the text of a configuration: as it was given, or ``text`` with its values if there is any."""
    if given.yaml is not None:
        return given.yaml
    return edited(text, values) if text else to_yaml(values)


def _depth(value: object) -> int:
    """Returns how deeply lists and mappings are nested, without recursion."""
    depth, level = 0, [value]
    while level := [
        inner
        for each in level
        if isinstance(each, dict | list)
        for inner in (each.values() if isinstance(each, dict) else each)
    ]:
        depth += 1
    return depth
