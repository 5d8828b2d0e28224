"""Finds the best networks of earlier runs and brings them into the space of a new one.

Wong, Houlsby, Lu and Gesmundo, "Transfer Learning with Neural AutoML", NeurIPS 2018, and Feurer, Springenberg and
Hutter, "Initializing Bayesian Hyperparameter Optimization via Meta-Learning", AAAI 2015: what was good on other data is
a good start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError, EvoNasError, GenomeError
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Signature
from evo_nas.genome.codec import from_json
from evo_nas.ledger import RecordedFounder
from evo_nas.runs.portfolio import read_portfolio
from evo_nas.runs.run import Run
from evo_nas.runs.warm_start import COLD_START, WarmStart
from evo_nas.weights import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evo_nas.config.warm_start import WarmStartOptions
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.space import SearchSpace
    from evo_nas.runs.rows import Row

ARCHITECTURE, GENOME = "architecture.json", "genome.json"
WEIGHTS = ("model.safetensors", "weights.safetensors")
"""Names of the weights of a network that was exported, or learnt on a family of tasks."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A network of an earlier run.

    Attributes:
        name: Where it comes from.
        architecture: Its architecture, in the space of that run.
        weights: Its weights, as trainings inherit them; None if none are kept, or none are wanted.
    """

    name: str
    architecture: Architecture
    weights: bytes | None = None


def begin_warm(options: WarmStartOptions, space: SearchSpace) -> WarmStart:
    """Returns the networks with which a new run begins.

    Champions come before what is second in its run, so that the first candidates are the best of every run.

    Args:
        options: Which networks.
        space: The space of the new run.

    Raises:
        ConfigError: A place has no finished run with a trained network, or no network fits the space.
    """
    if not options.runs:
        return COLD_START
    found = [networks_at(place, count=options.count, weights=options.weights) for place in options.runs]
    founders: dict[str, RecordedFounder] = {}
    kept: dict[str, bytes] = {}
    remarks, obstacles = [], []
    for earlier in filter(None, chain.from_iterable(zip_longest(*found))):
        try:
            nearest = space.nearest(earlier.architecture)
        except GenomeError as error:
            obstacles.append(f"{earlier.name} is left out: {error}")
            continue
        identity = space.canonical_hash(nearest.genome)
        if identity in founders:
            remarks.append(f"{earlier.name} is left out: here it is the same as {founders[identity].name}")
            continue
        if nearest.changes:
            remarks.append(f"{earlier.name} is changed to fit: {', '.join(nearest.changes)}")
        if options.weights and earlier.weights is None:
            remarks.append(f"{earlier.name} begins from scratch, since no weights of it are kept")
        digest = ""
        if earlier.weights is not None:
            digest = digest_of(earlier.weights)
            kept[digest] = earlier.weights
        founders[identity] = RecordedFounder(earlier.name, nearest.genome, digest, nearest.changes)
    if not founders:
        raise ConfigError(
            "warm_start.runs: none of their networks fits this space; widen the section space, or leave out "
            "warm_start:\n" + "\n".join(f"  {line}" for line in obstacles)
        )
    names = ", ".join(founder.name for founder in founders.values())
    head = f"begins with {len(founders)} of earlier runs: {names}"
    return WarmStart(tuple(founders.values()), tuple(kept.values()), (head, *remarks, *obstacles))


def networks_at(place: str, *, count: int, weights: bool) -> Sequence[Earlier]:
    """Returns the best networks that are kept at ``place``, the best first.

    Args:
        place: A run, the directory of an exported network, or the file of a portfolio.
        count: How many of a run at most.
        weights: Whether their weights are wanted, too.

    Raises:
        ConfigError: There is nothing of the kind, or the run has no network that was trained to its end.
    """
    try:
        path = Path(place)
        if "://" not in place and path.is_file():
            return [Earlier(member.name, member.architecture) for member in read_portfolio(path)[:count]]
        run = Run.at(place)
        if run.exists:
            return list(_of_run(run, count=count, weights=weights))
        if "://" not in place and (path / ARCHITECTURE).is_file():
            files = {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}
            return [Earlier(path.name, _architecture(files), _trained(files, 1) if weights else None)]
    except ConfigError:
        raise
    except (EvoNasError, OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"warm_start.runs names {place}, which cannot be read: {error}") from error
    raise ConfigError(
        f"warm_start.runs names {place}, where no run is; give the directory or URI of a finished run, the directory "
        "of an exported network, or a file that `evo-nas portfolio` wrote"
    )


def require_finished(run: Run) -> None:
    """Checks that a run has spent its budget, so that its best networks are what its search led to.

    Raises:
        ConfigError: It has not.
    """
    if not run.is_spent(run.config.budget):
        raise ConfigError(
            f"{run} is not finished after {run.totals().told} evaluations; go on with `evo-nas resume {run}`, or "
            "leave it out"
        )


def finished_rows(run: Run) -> list[Row]:
    """Returns the candidates of a finished run that were trained to their end, best first, no architecture twice.

    Raises:
        ConfigError: The run is not finished, or has none.
    """
    require_finished(run)
    rows: dict[str, Row] = {}
    for row in run.best(len(run.table())):
        if Status(row["status"]).complete:
            rows.setdefault(row["canonical_hash"], row)
    if not rows:
        raise ConfigError(f"{run} has no network that was trained to its end; leave it out")
    return list(rows.values())


def _of_run(run: Run, *, count: int, weights: bool) -> Iterator[Earlier]:
    rows = finished_rows(run)
    name = run.record.name
    files = run.champion.files()
    champion = json.loads(files[GENOME]) if files else None
    if champion is not None:
        steps = [row["steps"] for row in rows if row["canonical_hash"] == champion["canonical_hash"]]
        kept = _trained(files, max(steps, default=1)) if weights else None
        yield Earlier(f"{name} #{champion['candidate']}", _architecture(files), kept)
        rows = [row for row in rows if row["canonical_hash"] != champion["canonical_hash"]]
    for row in rows[: count - (champion is not None)]:
        # What a complete training keeps is what its children inherit.
        kept = run.weights.get(row["weights"]) if weights and row["weights"] else None
        yield Earlier(f"{name} #{row['id']}", from_json(row["architecture"]), kept)


def _architecture(files: Mapping[str, bytes]) -> Architecture:
    return from_json(files[ARCHITECTURE].decode())


def _trained(files: Mapping[str, bytes], steps: int) -> bytes | None:
    """Returns the weights of an exported network as trainings inherit them; None if it has none."""
    from evo_nas.training.inheritance import ancestor_of  # noqa: PLC0415 - it loads torch

    content = next((files[name] for name in WEIGHTS if name in files), None)
    if content is None or GENOME not in files:
        return None
    signature = json.loads(files[GENOME])["signature"]
    read = Signature(**{**signature, "last_values": tuple(signature.get("last_values", ()))})
    return ancestor_of(_architecture(files), read, content, steps=max(1, steps))
