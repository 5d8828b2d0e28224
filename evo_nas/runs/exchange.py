"""`Exchange`: what another program may ask a run, and what it may hand in, as plain values.

It needs neither the data nor the process that searches: the run tells everything, wherever it is kept.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.suggestion_text import BEST, EXAMPLES, plain_choice, read_suggestion
from evo_nas.sections import Sections
from evo_nas.strategies.external import External
from evo_nas.strategies.regularisation import frozen_genes
from evo_nas.strategies.suggestions import NAME, number_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evo_nas.evaluation import Candidate
    from evo_nas.genome.gene import Genome
    from evo_nas.runs.rows import Row
    from evo_nas.runs.run import Run

MOST_WAITING = 1000
"""Suggestions that may wait at the same time; more would be stale before they are trained."""
_RESULT = (
    "id",
    "seq",
    "operator",
    "status",
    "fitness",
    "metric",
    "parameters",
    "epochs",
    "budget",
    "error",
    "genome",
)
"""What a program learns of every result, beside the metrics."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a proposal.

    Attributes:
        number: Its number in the inbox; None if it was refused.
        refused: Why it was refused; empty if it was accepted.
        canonical_hash: Identity of its architecture; empty if it has none.
        remark: What was changed; empty for nothing.
    """

    number: int | None = None
    refused: str = ""
    canonical_hash: str = ""
    remark: str = ""

    def to_values(self) -> dict[str, Any]:
        """Returns what a program is told of it."""
        values: dict[str, Any] = {"refused": self.refused} if self.refused else {"accepted": self.number}
        values |= {"hash": self.canonical_hash} if self.canonical_hash else {}
        return values | ({"remark": self.remark} if self.remark else {})


class Exchange:
    """One exchange with a run: reads it once, so make a new one to learn what has happened since.

    Args:
        run: A run whose strategy is ``external``.

    Raises:
        ConfigError: Its strategy takes no suggestions.
        RunError: There is no run, or its search has not begun.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._config = run.config
        if (kind := self._config.strategy["kind"]) != External.kind:
            raise ConfigError(
                f"strategy.kind of {run} is {kind}, which takes no proposals from outside; start a run with "
                f"strategy: {{kind: {External.kind}, beside: {{kind: {kind}}}}}"
            )
        self._space = run.inbox.space(Sections.of(self._config).space)
        self._epochs = self._config.training.full_epochs
        self._genomes: dict[int, Genome | None] = {}
        self._frozen = frozen_genes(self._space, self._config.fitness, self._epochs)

    @cached_property
    def _table(self) -> Any:
        """What must be known of all evaluations, as of the first question; a whole run may be large."""
        return self._run.columns(("id", "seq", "canonical_hash", "operator", "budget"))

    @cached_property
    def _in_flight(self) -> Sequence[Candidate]:
        return self._run.in_flight()

    @cached_property
    def _asked(self) -> Mapping[str, int]:
        """Ids of the candidates that were asked for all epochs, by the hash of their architecture."""
        table = self._table.select(["canonical_hash", "id", "budget"])
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        flying = ((each.canonical_hash, each.id, each.budget) for each in self._in_flight)
        asked: dict[str, int] = {}
        for identity, number, budget in (*rows, *flying):
            if budget == self._epochs:
                asked.setdefault(identity, number)
        return asked

    @cached_property
    def _taken(self) -> set[int]:
        operators = self._table["operator"].to_pylist()
        flying = (each.operator for each in self._in_flight)
        return {number for each in (*operators, *flying) if (number := number_in(each)) is not None}

    @cached_property
    def _waiting(self) -> dict[str, int]:
        """Numbers of the suggestions that were not asked, and will be, by the hash of their architecture."""
        waiting: dict[str, int] = {}
        for each in self._run.inbox.all():
            if not each.fits(self._space):
                continue
            identity = self._space.canonical_hash(self._settled(each.genome))
            if each.number not in self._taken and identity not in self._asked:
                waiting.setdefault(identity, each.number)
        return waiting

    def _settled(self, genome: Genome) -> Genome:
        return self._space.with_default_regularisation(genome) if self._frozen else genome

    def hand_in(self, text: str, *, name: str) -> Receipt:
        """Checks the proposal ``text`` and puts it into the inbox, unless there is a reason to refuse it.

        Raises:
            RunError: It cannot be written.
        """
        try:
            suggested = read_suggestion(text, self._space, self._base)
            genome = self._settled(suggested.genome)
            obstacle = self._space.obstacle(genome)
        except GenomeError as error:
            return Receipt(refused=str(error))
        if obstacle:
            return Receipt(refused=f"it is not feasible: {obstacle}")
        identity = self._space.canonical_hash(genome)
        if (known := self._asked.get(identity)) is not None:
            return Receipt(refused=f"its architecture is known: candidate {known}", canonical_hash=identity)
        if (known := self._waiting.get(identity)) is not None:
            return Receipt(
                refused=f"its architecture waits already: proposal {known}", canonical_hash=identity
            )
        if len(self._waiting) >= MOST_WAITING:
            return Receipt(refused=f"{MOST_WAITING:,} proposals wait already; wait until some were trained")
        number = self._run.inbox.add(genome, name=name, note=suggested.note).number
        self._waiting[identity] = number
        remark = (
            "regularisation is as everywhere, since trainings are pruned"
            if genome != suggested.genome
            else ""
        )
        return Receipt(number=number, canonical_hash=identity, remark=remark)

    def described(self) -> dict[str, Any]:
        """Returns the space, and how to propose something in it."""
        genes = [
            {"name": gene.name, "choices": [*map(plain_choice, gene.choices)], "ordered": gene.ordered}
            for gene in self._space.genes
        ]
        options = self._space.options
        limits = ("max_parameters", "max_flops", "max_state_bytes", "max_activation_bytes")
        return {
            "kind": "space",
            "run": str(self._run),
            "name": self._config.name,
            "task": self._config.task["kind"],
            "signature": asdict(self._space.signature),
            "epochs": self._epochs,
            "limits": {name: getattr(options, name) for name in limits if getattr(options, name) is not None},
            "founders": [name for name, _ in self._founders],
            "genes": genes,
            "propose": [*EXAMPLES],
        }

    def best(self, count: int) -> Iterator[dict[str, Any]]:
        """Yields the best candidates so far, best first, each with its architecture."""
        for row in self._run.best(count):
            yield {"kind": "best", **_result(row), "architecture": json.loads(row["architecture"])}

    def results(self, since: int, until: int) -> Iterator[dict[str, Any]]:
        """Yields the results from the position ``since`` in the order of telling, up to ``until``."""
        if since >= until:
            return
        lost = self._run.lost()
        first, last = _place(since, lost), _place(until - 1, lost)
        for table, _ in self._run.scan((*_RESULT, "metrics", "curve"), first=first, last=last):
            for row in table.to_pylist():
                yield {"kind": "result", **_result(row)}

    def wanted(self, count: int) -> dict[str, Any]:
        """Returns how many of ``count`` proposals can be used, those that wait, and how many results there are."""
        told, budget = self._run.totals(), self._config.budget
        left = math.inf if budget.is_open_ended else budget.most_evaluations - told.told - told.in_flight
        room = min(left - len(self._waiting), MOST_WAITING - len(self._waiting))
        return {
            "kind": "wanted",
            "proposals": int(max(0, min(count, room))),
            "share": self._config.strategy["share"],
            "waiting": sorted(self._waiting.values()),
            "told": told.told,
        }

    @cached_property
    def _founders(self) -> list[tuple[str, Genome]]:
        return [(each.name, each.genome) for each in self._run.founders] + list(self._space.seeds())

    @cached_property
    def _best_genome(self) -> Genome:
        best = self._run.best(1)
        return tuple(best[0]["genome"]) if best else self._founders[0][1]

    def _genome_of(self, candidate: int) -> Genome | None:
        """Returns the genome of a candidate; None if it was not evaluated."""
        # Many proposals are based on the same few candidates, and each look lists the files of the run.
        if candidate not in self._genomes:
            rows = self._run.rows([candidate])
            self._genomes[candidate] = tuple(rows[0]["genome"]) if rows else None
        return self._genomes[candidate]

    def _base(self, base: object) -> Genome:
        """Returns the genome of what a proposal is based on."""
        founders = dict(reversed(self._founders))
        if base == BEST:
            return self._best_genome
        if isinstance(base, str) and base in founders:
            return founders[base]
        if type(base) is int and (genome := self._genome_of(base)) is not None:
            return genome
        raise GenomeError(
            f"base is {json.dumps(base)[:60]}; must be {BEST}, the id of a candidate that was evaluated, or a founder: "
            f"{', '.join(founders)}"
        )


def asked(
    run: Run, *, proposals: int, since: int | None, top: int, limit: int | None = None
) -> Iterator[dict[str, Any]]:
    """Yields what a program needs to propose networks: the space, the best, results, and how many are wanted.

    The last says from which position to ask on, and how many results there are in all.

    Args:
        run: A run whose strategy is ``external``.
        proposals: How many will follow.
        since: Position of the first result; None for all of them, and the space before them.
        top: Number of best candidates.
        limit: Most results; None for all.

    Raises:
        ConfigError: Its strategy takes no suggestions.
        RunError: There is no run, or its search has not begun.
    """
    exchange = Exchange(run)
    wanted = exchange.wanted(proposals)
    if since is None:
        yield exchange.described()
    if top:
        yield from exchange.best(top)
    first, until = since or 0, wanted["told"]
    if limit is not None:
        until = min(until, first + limit)
    yield from exchange.results(first, until)
    yield wanted | {"since": until}


def handed_in(run: Run, texts: Iterable[str], *, name: str) -> Iterator[dict[str, Any]]:
    """Hands in each of ``texts`` and yields what a program is told of it.

    Args:
        run: A run whose strategy is ``external``.
        texts: A proposal each, in JSON.
        name: What the program calls itself.

    Raises:
        ConfigError: The strategy takes no suggestions, or the name is none.
        RunError: There is no run, its search has not begun, or it cannot be written.
    """
    check_name(name)
    exchange = Exchange(run)
    for text in texts:
        yield exchange.hand_in(text, name=name).to_values()


def check_name(name: str) -> None:
    """Checks what a program calls itself.

    Raises:
        ConfigError: It cannot be a part of an operator.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"name is {name[:40]!r}; must be 1 to 32 letters, digits, dots, dashes or underscores, and begin with a "
            "letter or a digit"
        )


def _place(position: int, lost: Sequence[tuple[int, int]]) -> int:
    """Returns the place in the order of telling of the result at ``position`` of those that are there."""
    for first, last in sorted(lost):
        if position >= first:
            position += last - first + 1
    return position


def _result(row: Row) -> dict[str, Any]:
    """Returns what a program learns of a row of the ledger."""
    metrics = {name: value if math.isfinite(value) else None for name, value in dict(row["metrics"]).items()}
    return {
        **{name: row[name] for name in _RESULT},
        "suggestion": number_in(row["operator"]),
        "metrics": metrics,
        "curve": [value if math.isfinite(value) else None for value in row["curve"]],
    }
