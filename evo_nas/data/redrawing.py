"""`Redrawing`: further training and validation parts of the same examples, drawn as the split drew the first."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evo_nas.randomness import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
    from typing import Self

    import numpy.typing as npt

    from evo_nas.data.splitting import By, Rows, SplitOptions

    Positions = npt.NDArray[np.int64]
    IsUsable = Callable[["Draw"], bool]

MOST_TRIES = 100
"""Draws of one cut, of which the first that can be used is taken: a class may be missing from its training part."""
LEAST_TRAINING = 0.5
"""Least size of a training part, as a share of its validation part: with less there is nothing to compare."""
_ORDERLESS = "the validation part has files of its own, and no column of time says what comes before it"


class Draw(NamedTuple):
    """A training and a validation part: ascending positions among the examples of both, those of training first."""

    train: Positions
    validation: Positions

    @property
    def has_enough_to_learn(self) -> bool:
        """Whether neither part is empty, and training not much smaller than what it is validated on."""
        return 0 < len(self.validation) * LEAST_TRAINING <= len(self.train)


@dataclass(frozen=True, slots=True)
class Redrawing:
    """The facts that decide further cuts, one entry for each example of the training part, then of the validation part.

    Attributes:
        by: How the parts were taken.
        size: Examples of both parts.
        held_out: Examples of the validation part.
        seed: Seed of the split.
        groups: Number of the group of each example, int64; None without groups.
        names: Names of the groups by their numbers.
        strata: Number of the class of each example, int64, where shares of classes are kept.
        contents: A number for each example, int64, equal for equal examples; None where equal examples may be in both
            parts.
        times: When each example ends, or its place in the file, float64, where parts are taken by time.
        obstacle: Why there are no further cuts; empty if there may be.
    """

    by: By
    size: int
    held_out: int
    seed: int
    groups: Positions | None = None
    names: tuple[str, ...] = ()
    strata: Positions | None = None
    contents: Positions | None = None
    times: npt.NDArray[np.float64] | None = None
    obstacle: str = ""

    @classmethod
    def of(
        cls,
        rows: Rows,
        parts: Mapping[str, Positions],
        options: SplitOptions,
        *,
        given: Collection[str] = (),
    ) -> Self:
        """Returns how the split of `splitting.split_rows` can be drawn anew.

        Args:
            rows: All examples.
            parts: What the split made of them.
            options: How they were cut.
            given: Parts that have files of their own; examples of a validation part are drawn anew all the same.
        """
        pool = np.concatenate([parts["train"], parts["validation"]])
        by: By = "group" if rows.groups is not None else options.by or "rows"
        groups, names = _numbered(rows.groups, pool)
        is_orderless = by == "time" and rows.ends is None and "validation" in given
        times = pool if rows.ends is None else np.array(rows.ends)[pool]
        return cls(
            by,
            len(pool),
            len(parts["validation"]),
            options.seed,
            groups=groups,
            names=tuple(map(str, names)),
            strata=_numbered(rows.strata if options.stratified else None, pool)[0],
            contents=None if options.duplicates == "keep" else _numbered(rows.contents, pool)[0],
            times=times.astype(np.float64) if by == "time" else None,
            obstacle=_ORDERLESS if is_orderless else "",
        )

    @classmethod
    def of_rows(cls, *, train: int, validation: int, seed: int = 0) -> Self:
        """Returns a rule by which any example may be learnt or validated on: all differ, and none belong together.

        Args:
            train: Examples of the training part.
            validation: Examples of the validation part.
            seed: Seed of the drawing.
        """
        return cls("rows", train + validation, validation, seed)

    @property
    def limit(self) -> str:
        """What limits the number of cuts, as the reason in a sentence."""
        if self.obstacle:
            return self.obstacle
        return {
            "rows": "no other validation part can be drawn that leaves every class in training",
            "group": f"training and validation together have {len(self.names):,} groups, which stay whole, "
            "and training needs every class",
            "time": "each further one is validated on earlier examples and learns from those before them, at "
            "least half as many",
        }[self.by]

    def draws(self, count: int, is_usable: IsUsable) -> list[Draw]:
        """Returns ``count`` further cuts, or fewer if there are no more; the first ones do not depend on ``count``.

        No two cuts have the same validation part, and none has an example of an earlier one while others are left.

        Args:
            count: The number of cuts.
            is_usable: Whether a draw can be learnt from; a split is asked the same by its task.
        """
        if self.obstacle:
            return []

        def is_good(draw: Draw) -> bool:
            return draw.has_enough_to_learn and is_usable(draw)

        if self.by == "time":
            return list(islice(takewhile(is_good, self._earlier()), count))
        return list(islice(self._others(is_good), count))

    def groups_of(self, positions: Positions) -> list[str]:
        """Returns the names of the groups at ``positions``; none without groups."""
        if self.groups is None:
            return []
        return [self.names[number] for number in np.unique(self.groups[positions]).tolist()]

    def places_in_time(self, positions: Positions) -> tuple[int, int] | None:
        """Returns which examples are the first and the last at ``positions``, counted from 1 in the order of time.

        None where parts are not taken by time.
        """
        if self.times is None:
            return None
        places = np.argsort(np.argsort(self.times, kind="stable"), kind="stable")[positions] + 1
        return int(places.min()), int(places.max())

    def digest(self) -> str:
        """Returns the SHA-256 in hex of all facts."""
        arrays = (self.groups, self.strata, self.contents, self.times)
        facts = (self.by, self.size, self.held_out, self.seed, [each is None for each in arrays])
        content = [repr(facts).encode(), *(each.tobytes() for each in arrays if each is not None)]
        return hashlib.sha256(b"".join(content)).hexdigest()

    def _earlier(self) -> Iterator[Draw]:
        """Yields blocks that lie before each other, and what ends before each of them."""
        assert self.times is not None
        # A stable sort keeps the order of the file among those that end together, as the split does.
        order = np.argsort(self.times, kind="stable")
        for stop in range(len(order) - self.held_out, self.held_out, -self.held_out):
            block = order[stop - self.held_out : stop]
            # Strictly before: of those that end together some would be learnt, and others be asked.
            before = np.flatnonzero(self.times < self.times[block].min())
            yield self._draw(block, before)

    def _others(self, is_good: IsUsable) -> Iterator[Draw]:
        """Yields draws whose validation parts have no example in common while others are left."""
        everything = np.arange(self.size)
        used = everything >= len(everything) - self.held_out
        seen = {np.flatnonzero(used).tobytes()}
        number = 0
        while True:
            number += 1
            # Groups seldom add up to a part, so that a last one of half the size is taken.
            least = self.held_out if self.groups is None else self.held_out / 2
            if np.count_nonzero(~used) < least:
                used = np.zeros(len(everything), dtype=np.bool_)
            for number_of_try in range(MOST_TRIES):
                rng = np.random.default_rng(derive_seed(self.seed, "cut", number, number_of_try))
                # After half of the tries any example may be drawn: those that are left may lack what is needed.
                free = everything[~used] if number_of_try < MOST_TRIES // 2 else everything
                validation = np.sort(self._drawn(rng, free))
                draw = self._draw(validation, everything)
                if validation.tobytes() not in seen and is_good(draw):
                    break
            else:
                return
            used = used.copy()
            used[validation] = True
            seen.add(validation.tobytes())
            yield draw

    def _drawn(self, rng: np.random.Generator, free: Positions) -> Positions:
        if self.groups is not None:
            # Names are shuffled, not examples, of which a large group would be met first.
            names = rng.permutation(np.unique(self.groups[free]))
            sizes = np.cumsum(np.bincount(self.groups, minlength=len(self.names))[names])
            return np.flatnonzero(
                np.isin(self.groups, names[: int(np.searchsorted(sizes, self.held_out)) + 1])
            )
        order = rng.permutation(free)
        if self.strata is None:
            return order[: self.held_out]
        return order[_keeps_shares(self.strata, order, self.held_out)]

    def _draw(self, validation: Positions, learnt: Positions) -> Draw:
        """Returns a draw whose training part is what is left of ``learnt``, without examples equal to others."""
        train = np.setdiff1d(learnt, validation)
        if self.contents is not None:
            # As a split drops them: the part that is used earlier loses its copies.
            train = train[~np.isin(self.contents[train], self.contents[validation])]
        return Draw(train, np.sort(validation))


def _numbered(names: Sequence[Hashable] | None, pool: Positions) -> tuple[Positions | None, list[Hashable]]:
    """Returns a number for the name at each position of ``pool``, in the order of appearance, and the names."""
    if names is None:
        return None, []
    numbers: dict[Hashable, int] = {}
    found = [numbers.setdefault(names[position], len(numbers)) for position in pool.tolist()]
    return np.array(found, dtype=np.int64), list(numbers)


def _keeps_shares(strata: Positions, order: Positions, count: int) -> npt.NDArray[np.bool_]:
    """Returns which of ``order`` to take, so that ``count`` are taken and classes keep their shares.

    One example of every class stays for training.
    """
    totals = np.bincount(strata)
    shares = totals * count / len(strata)
    wanted = np.floor(shares).astype(np.int64)
    largest = np.argsort(wanted - shares, kind="stable")
    wanted[largest[: count - int(wanted.sum())]] += 1
    wanted = np.minimum(wanted, np.maximum(totals - 1, 0))
    kinds = strata[order]
    # The place of each example among those of its class, in the order of the shuffle.
    by_kind = np.argsort(kinds, kind="stable")
    sizes = np.bincount(kinds, minlength=len(totals))
    places = np.empty(len(order), dtype=np.int64)
    places[by_kind] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return places < wanted[kinds]
