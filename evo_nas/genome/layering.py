"""Places a directed graph in columns so that few lines cross (Sugiyama, Tagawa and Toda, 1981)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from math import inf
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

Point = tuple[int, int]
"""A vertex and a column: the vertex itself, or a place where lines from it pass a later column."""
Order = list[list[Point]]
"""The points of each column from top to bottom."""

GAP, LINE_GAP = 28.0, 14.0
"""Room between two vertices, and around a line that passes a column."""
STARTS, SWEEPS = 12, 12
MOST_POINTS = 120
"""A graph of more is ordered from one start, which takes a second as it is."""
STRAIGHTNESS = 8.0
"""How much more a line that passes columns wants to be straight than others."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything is.

    Attributes:
        columns: The column of each vertex.
        heights: The height of each point, of its middle; the highest vertex begins at 0.
        crossings: How many lines cross between columns.
    """

    columns: tuple[int, ...]
    heights: Mapping[Point, float]
    crossings: int

    def route(self, source: int, target: int) -> list[Point]:
        """Returns the points of the line from one vertex to another."""
        passed = range(self.columns[source], self.columns[target])
        return [*((source, column) for column in passed), (target, self.columns[target])]


def placed(
    lines: Sequence[tuple[int, int]],
    *,
    sizes: Sequence[float],
    last: Collection[int] = (),
    late: Collection[int] = (),
) -> Placement:
    """Returns a placement of the vertices; lines with one source share their way as long as they can.

    Args:
        lines: Source and target of each line, by position; a source comes before its target.
        sizes: How high each vertex is.
        last: Vertices that share the last column.
        late: Vertices that nothing leads to and that stand just before their first reader.
    """
    columns = _columns(lines, len(sizes), last, late)
    links = _links(lines, columns)
    points = {(at, column) for at, column in enumerate(columns)} | {point for link in links for point in link}
    order = _ordered(points, links)
    return Placement(columns, _heights(order, links, columns, sizes), _crossings(order, links))


def _columns(
    lines: Sequence[tuple[int, int]], count: int, last: Collection[int], late: Collection[int]
) -> tuple[int, ...]:
    """Returns the length of the longest way to each vertex."""
    columns = [0] * count
    for source, target in sorted(lines, key=lambda line: line[1]):
        columns[target] = max(columns[target], columns[source] + 1)
    end = max((columns[at] for at in range(count) if at not in last), default=0) + 1
    columns = [end if at in last else column for at, column in enumerate(columns)]
    for at in late:
        columns[at] = min(columns[target] for source, target in lines if source == at) - 1
    return tuple(columns)


def _links(lines: Sequence[tuple[int, int]], columns: Sequence[int]) -> list[tuple[Point, Point]]:
    found: dict[tuple[Point, Point], None] = {}
    for source, target in lines:
        way = [*((source, column) for column in range(columns[source], columns[target]))]
        found |= dict.fromkeys(pairwise([*way, (target, columns[target])]))
    return list(found)


class _Neighbours:
    def __init__(self, links: Iterable[tuple[Point, Point]]) -> None:
        self.before: dict[Point, list[Point]] = {}
        self.after: dict[Point, list[Point]] = {}
        for one, other in links:
            self.after.setdefault(one, []).append(other)
            self.before.setdefault(other, []).append(one)


def _ordered(points: Collection[Point], links: Sequence[tuple[Point, Point]]) -> Order:
    """Returns the order with the fewest crossings, then the shortest lines, of those that several starts lead to."""
    near, rng = _Neighbours(links), Random(0)
    columns: Order = [[] for _ in range(1 + max(column for _, column in points))]
    for point in sorted(points):
        columns[point[1]].append(point)
    best, best_cost = columns, (_crossings(columns, links), _length(columns, links))
    for start in range(STARTS if len(points) <= MOST_POINTS else 1):
        order = [list(column) for column in columns]
        if start:
            for column in order:
                rng.shuffle(column)
        for sweep in range(SWEEPS):
            _sweep(order, near, forward=sweep % 2 == 0)
            _swap(order, near)
            cost = _crossings(order, links), _length(order, links)
            if cost < best_cost:
                best, best_cost = [list(column) for column in order], cost
    return best


def _sweep(order: Order, near: _Neighbours, *, forward: bool) -> None:
    """Sorts each column by the middle of what its points are linked with in the column before, or behind."""
    neighbours = near.before if forward else near.after
    for column in order if forward else reversed(order):
        ranks = {point: rank for each in order for rank, point in enumerate(each)}
        middle = {
            point: sum(ranks[each] for each in neighbours[point]) / len(neighbours[point])
            if point in neighbours
            else float(ranks[point])
            for point in column
        }
        column.sort(key=middle.__getitem__)


def _swap(order: Order, near: _Neighbours) -> None:
    """Exchanges points beside each other as long as fewer lines cross for it."""
    ranks = {point: rank for each in order for rank, point in enumerate(each)}
    improved = True
    while improved:
        improved = False
        for column in order:
            for at in range(len(column) - 1):
                upper, lower = column[at : at + 2]
                change = sum(
                    (ranks[one] < ranks[other]) - (ranks[one] > ranks[other])
                    for neighbours in (near.before, near.after)
                    for one in neighbours.get(upper, ())
                    for other in neighbours.get(lower, ())
                )
                # Exchanged, the lines cross that do not cross now.
                if change < 0:
                    column[at : at + 2] = lower, upper
                    ranks[upper], ranks[lower] = ranks[lower], ranks[upper]
                    improved = True


def _by_column(order: Order, links: Sequence[tuple[Point, Point]]) -> dict[int, list[tuple[int, int]]]:
    ranks = {point: rank for each in order for rank, point in enumerate(each)}
    found: dict[int, list[tuple[int, int]]] = {}
    for one, other in links:
        found.setdefault(one[1], []).append((ranks[one], ranks[other]))
    return found


def _crossings(order: Order, links: Sequence[tuple[Point, Point]]) -> int:
    return sum(
        (one[0] - other[0]) * (one[1] - other[1]) < 0
        for pairs in _by_column(order, links).values()
        for one, other in combinations(pairs, 2)
    )


def _length(order: Order, links: Sequence[tuple[Point, Point]]) -> float:
    """Returns how far lines go up or down; columns are centred."""
    middles = [(len(column) - 1) / 2 for column in order]
    return sum(
        abs((one - middles[column]) - (other - middles[column + 1]))
        for column, pairs in _by_column(order, links).items()
        for one, other in pairs
    )


def _heights(
    order: Order, links: Sequence[tuple[Point, Point]], columns: Sequence[int], sizes: Sequence[float]
) -> dict[Point, float]:
    """Returns heights near those of what each point is linked with; nothing overlaps."""
    near = _Neighbours(links)

    def room(point: Point) -> float:
        return sizes[point[0]] + GAP if columns[point[0]] == point[1] else LINE_GAP

    def weight(one: Point, other: Point) -> float:
        passing = sum(columns[each[0]] != each[1] for each in (one, other))
        return STRAIGHTNESS**passing

    offsets = [_stacked([room(point) for point in column]) for column in order]
    heights = {
        point: offset - offsets[at][-1] / 2
        for at, column in enumerate(order)
        for point, offset in zip(column, offsets[at], strict=True)
    }
    for sweep in range(4 * SWEEPS):
        # Both sides at the end alone: they hold everything where it is, the sides in turn move it.
        both = (near.before, near.after)
        sides = both if sweep >= 3 * SWEEPS else (both[sweep % 2],)
        for at in reversed(range(len(order))) if sweep % 2 else range(len(order)):
            wanted, weights = [], []
            for point in order[at]:
                pulls = [
                    (heights[each], weight(point, each)) for side in sides for each in side.get(point, ())
                ]
                total = sum(pull for _, pull in pulls)
                wanted.append(sum(y * pull for y, pull in pulls) / total if pulls else heights[point])
                weights.append(total or 0.1)
            found = _apart(wanted, weights, offsets[at])
            heights |= dict(zip(order[at], found, strict=True))
    _straighten(heights, order, near, columns, offsets)
    return _closed_up(heights, columns, sizes)


def _closed_up(
    heights: Mapping[Point, float], columns: Sequence[int], sizes: Sequence[float]
) -> dict[Point, float]:
    """Returns the heights without bands that nothing lies in; the highest vertex begins at 0."""
    found: dict[Point, float] = {}
    bottom, lift = None, 0.0
    halves = {point: sizes[point[0]] / 2 if columns[point[0]] == point[1] else 0.0 for point in heights}
    for point in sorted(heights, key=lambda each: heights[each] - halves[each]):
        top = heights[point] - halves[point]
        lift = top if bottom is None else max(lift, top - bottom - GAP)
        found[point] = heights[point] - lift
        below = found[point] + halves[point]
        bottom = below if bottom is None else max(bottom, below)
    return found


def _straighten(
    heights: dict[Point, float],
    order: Order,
    near: _Neighbours,
    columns: Sequence[int],
    offsets: Sequence[Sequence[float]],
) -> None:
    """Moves lines that pass columns to one height where there is room, if possible to that of an end."""
    places = {point: (at, rank) for at, column in enumerate(order) for rank, point in enumerate(column)}

    def room(point: Point) -> tuple[float, float]:
        at, rank = places[point]
        column, offset = order[at], offsets[at]
        least = heights[column[rank - 1]] + offset[rank] - offset[rank - 1] if rank else -inf
        is_last = rank + 1 == len(column)
        return least, inf if is_last else heights[column[rank + 1]] - offset[rank + 1] + offset[rank]

    for source, first in enumerate(columns):
        passing = [(source, at) for at in range(first + 1, len(order)) if (source, at) in places]
        while passing:
            low, high, run = -inf, inf, 0
            for point in passing:
                least, most = room(point)
                if max(low, least) > min(high, most):
                    break
                low, high, run = max(low, least), min(high, most), run + 1
            run = max(run, 1)  # rounding may leave a point no room at all
            straight, passing = passing[:run], passing[run:]
            ends = [
                heights[source, straight[0][1] - 1],
                *(heights[each] for each in near.after[straight[-1]]),
            ]
            own = sum(heights[point] for point in straight) / run
            wanted = next((end for end in ends if low <= end <= high), min(max(own, low), high))
            heights |= dict.fromkeys(straight, wanted) if low <= high else {}
    for end in order[-1]:
        least, most = room(end)
        for before in near.before.get(end, ()):
            if least <= heights[before] <= most:
                heights[end] = heights[before]


def _stacked(rooms: Sequence[float]) -> list[float]:
    offsets = [0.0]
    for one, other in pairwise(rooms):
        offsets.append(offsets[-1] + (one + other) / 2)
    return offsets


def _apart(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Returns the heights nearest to ``wanted`` that leave the room of ``offsets``: isotonic regression in blocks."""
    blocks: list[tuple[float, float, int]] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, total, count = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            upper, more, members = blocks.pop()
            mean = (mean * total + upper * more) / (total + more)
            total, count = total + more, count + members
        blocks.append((mean, total, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
