"""The file of a portfolio: networks of several runs, of which for each task one is good."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.codec import from_json, to_json
from evo_nas.ledger import DamagedError, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from evo_nas.genome.architecture import Architecture

FORMAT = 1
MAX_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """A network of a portfolio.

    Attributes:
        name: Where it comes from, such as ``digits #41``.
        architecture: Its architecture.
        scores: For each run the share of its trained networks that it is at least as good as, 0 to 1.
        trained: The runs that trained it; in the others its score is that of the networks that are most like it.
    """

    name: str
    architecture: Architecture
    scores: Mapping[str, float] = field(default_factory=dict)
    trained: tuple[str, ...] = ()


def write_portfolio(path: Path, members: Sequence[Member]) -> None:
    """Writes ``members``, the first chosen first, to a new file.

    Raises:
        ConfigError: The file exists.
    """
    values = [
        {
            "name": member.name,
            "architecture": json.loads(to_json(member.architecture)),
            "scores": dict(member.scores),
            "trained": list(member.trained),
        }
        for member in members
    ]
    try:
        with path.open("xb") as file:
            file.write(seal({"format": FORMAT, "portfolio": values}))
    except FileExistsError:
        raise ConfigError(f"{path} exists; name a new file with --output") from None


def read_portfolio(path: Path) -> list[Member]:
    """Returns the networks that `write_portfolio` wrote.

    Raises:
        ConfigError: The file is nothing of the kind, or damaged.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} has more than {MAX_BYTES} bytes; is it a portfolio?")
        values = unseal(path.read_bytes())
        if values["format"] > FORMAT:
            raise ConfigError(f"{path} has format {values['format']}; this evo-nas reads up to {FORMAT}")
        return [
            Member(
                str(each["name"]),
                from_json(json.dumps(each["architecture"])),
                dict(each["scores"]),
                tuple(each["trained"]),
            )
            for each in values["portfolio"]
        ]
    except (DamagedError, GenomeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path} is no portfolio ({error}); give a file that `evo-nas portfolio RUN... --output FILE` wrote"
        ) from error
