"""Learns a portfolio of founders from finished runs.

Feurer, Eggensperger, Falkner, Lindauer and Hutter, "Auto-sklearn 2.0: Hands-free AutoML via Meta-Learning", JMLR 2022:
members are added greedily, each the one that raises the mean over the tasks of the best member's score the most.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError, EvoNasError
from evo_nas.genome.codec import architecture_hash, from_json
from evo_nas.runs.portfolio import Member
from evo_nas.runs.transfer import finished_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.architecture import Architecture
    from evo_nas.runs.run import Run

NEAREST = 3
"""Networks of a run that say what one would be worth that it did not train."""
CANDIDATES = 25
"""Best networks of a run that may become members."""


@dataclass(frozen=True, slots=True)
class _Trained:
    """A network that a run trained to its end, and the share of the run's networks that it is at least as good as."""

    name: str
    architecture: Architecture
    identity: str
    share: float


def learn_portfolio(runs: Sequence[Run], count: int) -> list[Member]:
    """Returns at most ``count`` networks of ``runs``, of which for each run one is good.

    A network is worth in a run the share of the run's networks that it is at least as good as, so that tasks with
    different metrics count the same. Where it was not trained, it is worth what the networks are that are most like it,
    the nearer the more.

    Raises:
        ConfigError: There are fewer than two runs, or one is not finished or has no trained network.
    """
    if len({run.location for run in runs}) < 2:
        raise ConfigError("a portfolio is learnt from two runs at least; give finished runs on several tasks")
    names = _distinct_names(runs)
    tables = {name: _trained(run, name) for name, run in zip(names, runs, strict=True)}
    members: dict[str, Member] = {}
    for table in tables.values():
        for each in table[:CANDIDATES]:
            if each.identity not in members:
                scores = {name: _worth(each, others) for name, others in tables.items()}
                known = tuple(
                    name
                    for name, others in tables.items()
                    if any(other.identity == each.identity for other in others)
                )
                members[each.identity] = Member(each.name, each.architecture, scores, known)
    return chosen(list(members.values()), count)


def chosen(candidates: Sequence[Member], count: int) -> list[Member]:
    """Returns at most ``count`` of ``candidates`` that complement each other, the first one alone the best.

    Once another member raises no task's score, the portfolio is complete.
    """
    tasks = sorted({task for member in candidates for task in member.scores})
    best = dict.fromkeys(tasks, -math.inf)
    portfolio: list[Member] = []
    left = list(candidates)

    def gained(member: Member) -> float:
        return sum(max(best[task], member.scores.get(task, 0.0)) for task in tasks)

    while left and len(portfolio) < count:
        member = max(left, key=gained)
        if portfolio and gained(member) <= sum(best.values()):
            break
        portfolio.append(member)
        left.remove(member)
        best = {task: max(best[task], member.scores.get(task, 0.0)) for task in tasks}
    return portfolio


def shares_below(scores: Sequence[float]) -> list[float]:
    """Returns for each score the share of all that it beats, equals counting half, so that tasks can be compared."""
    ordered = sorted(scores)
    return [
        (bisect_left(ordered, score) + bisect_right(ordered, score)) / (2 * len(ordered)) for score in scores
    ]


def _distinct_names(runs: Sequence[Run]) -> list[str]:
    names: list[str] = []
    for run in runs:
        name = run.record.name
        names.append(name if name not in names else run.location)
    return names


def _trained(run: Run, name: str) -> list[_Trained]:
    """Returns the networks that ``run`` trained from scratch to their end, best first."""
    try:
        rows = finished_rows(run)
    except ConfigError:
        raise
    except EvoNasError as error:
        raise ConfigError(f"{run} cannot be read: {error}") from error
    # What inherited is worth more than its architecture.
    rows = [row for row in rows if not row["inherited_steps"]]
    if not rows:
        raise ConfigError(f"{run} has no network that was trained from scratch to its end; leave it out")
    shares = shares_below([row["mean_fitness"] for row in rows])
    architectures = [from_json(row["architecture"]) for row in rows]
    return [
        _Trained(f"{name} #{row['id']}", architecture, architecture_hash(architecture), share)
        for row, architecture, share in zip(rows, architectures, shares, strict=True)
    ]


def _worth(one: _Trained, others: Sequence[_Trained]) -> float:
    """Returns what a network is worth in the run that trained ``others``."""
    for other in others:
        if other.identity == one.identity:
            return other.share
    near = sorted((unlikeness(one.architecture, other.architecture), -other.share) for other in others)
    weights = [(1 / (0.05 + distance), -share) for distance, share in near[:NEAREST]]
    return sum(weight * share for weight, share in weights) / sum(weight for weight, _ in weights)


def unlikeness(one: Architecture, other: Architecture) -> float:
    """Returns how much two architectures differ, 0 to 1: the mean over depth, layers, blocks and settings."""
    pairs: list[float] = [_apart(len(one.layers), len(other.layers))]
    for mine, its in zip(one.layers, other.layers, strict=False):
        pairs += [float(mine.cell != its.cell)] * 2
        pairs += [_apart(mine.width, its.width), float(mine.norm != its.norm)]
        pairs += [float(mine.bidirectional != its.bidirectional), float(mine.skip != its.skip)]
    pairs += [float(one.front != other.front), float(one.shortcut != other.shortcut)]
    pairs += [float(one.head.pooling != other.head.pooling), _apart(one.head.hidden, other.head.hidden)]
    pairs += [float(one.training.optimizer != other.training.optimizer)]
    pairs += [_apart(one.training.learning_rate, other.training.learning_rate)]
    pairs += [_apart(one.training.batch_size, other.training.batch_size)]
    return sum(pairs) / len(pairs)


def _apart(one: float, other: float) -> float:
    """Returns how far two sizes or rates lie apart, 0 for equal ones and 1 from a factor of 8 on."""
    return min(1.0, abs(math.log((one + 1e-6) / (other + 1e-6))) / math.log(8))
