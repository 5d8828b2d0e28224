"""Divides examples into a training, a validation and a test part: by rows, time, group or given files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.data.options import Amount, Seed, StrictOptions
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy.typing as npt

    Positions = npt.NDArray[np.int64]

PARTS = ("train", "validation", "test")
"""Training learns from the first, search optimises on the second, and the third is only reported."""
HELD_OUT = PARTS[1:]
By = Literal["rows", "time", "group"]


class SplitOptions(StrictOptions):
    """The ``split`` section of a task whose examples stand alone.

    Attributes:
        validation: Size of the validation part, as a share of the examples in ``path`` or as a number; unused where
            the part has files of its own.
        test: Size of the test part, likewise.
        by: ``rows`` draws examples, ``group`` draws whole groups, ``time`` takes the last ones of the file.
        test_by: How the test part is taken, if not in the same way as the validation part.
        stratified: Whether drawn rows keep the shares of the classes.
        seed: Seed of the drawing.
        duplicates: What to do with examples that are in two parts: ``refuse`` them, ``drop`` them from the part that
            is used earlier (training before validation before test), or ``keep`` them.
    """

    validation: Amount = 0.1
    test: Amount = 0.2
    by: By = "rows"
    test_by: By | None = None
    stratified: bool = True
    seed: Seed = 0
    duplicates: Literal["refuse", "drop", "keep"] = "refuse"


@dataclass(frozen=True, slots=True)
class Rows:
    """The facts about examples that decide a split, one entry for each example.

    Attributes:
        source: Where the examples come from, for messages.
        contents: Hashable keys; examples with equal keys are duplicates.
        strata: Classes whose shares are kept; None if there are none.
        groups: Names of groups that must stay together; None if there are none.
    """

    source: str
    contents: Sequence[Hashable]
    strata: Sequence[str] | None = None
    groups: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.contents)


def split_rows(
    rows: Rows, options: SplitOptions, *, given: dict[str, Positions] | None = None
) -> dict[str, Positions]:
    """Returns the ascending positions of the ``train``, ``validation`` and ``test`` part.

    Args:
        rows: All examples.
        options: How to cut them.
        given: Positions of the parts that have files of their own.

    Raises:
        DataError: A part would be empty, groups are missing, or the same example is in two parts.
    """
    given = given or {}
    taken = [position for positions in given.values() for position in positions.tolist()]
    rest = np.setdiff1d(np.arange(len(rows)), taken)
    parts, available = dict(given), len(rest)
    # The test part is taken first, so that it does not depend on the size of the validation part.
    if "test" not in given:
        rest, parts["test"] = _held_out(rows, rest, options, part="test", available=available)
    if "validation" not in given:
        rest, parts["validation"] = _held_out(rows, rest, options, part="validation", available=available)
    parts["train"] = rest
    for part, positions in parts.items():
        if not len(positions):
            raise DataError(
                f"{rows.source}: the {part} part has no example of {len(rows)}; change split or supply more"
            )
    return _without_duplicates(rows, parts, options)


def _held_out(
    rows: Rows, rest: Positions, options: SplitOptions, *, part: str, available: int
) -> tuple[Positions, Positions]:
    """Returns what remains of ``rest``, and the part that is taken from it."""
    # Shares count from all ``available`` examples, so that 0.1 and 0.2 mean the same in either order.
    amount = options.test if part == "test" else options.validation
    by = (options.test_by or options.by) if part == "test" else options.by
    count = amount if isinstance(amount, int) else max(1, round(amount * available))
    if count >= len(rest):
        raise DataError(
            f"{rows.source}: split.{part} is {amount}, but only {len(rest)} examples are left; lower it"
        )
    if by == "time":
        return rest[:-count], rest[-count:]
    if by == "group":
        return _by_group(rows, rest, count, seed=options.seed)
    return _drawn(rows, rest, count, options)


def _drawn(rows: Rows, rest: Positions, count: int, options: SplitOptions) -> tuple[Positions, Positions]:
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - 1.5 s, paid only where rows are drawn

    strata = None
    if options.stratified and rows.strata is not None:
        strata = [rows.strata[position] for position in rest]
        # Scikit-learn refuses these two as well, but does not name the class or the remedy.
        rare = [name for name, occurrences in Counter(strata).items() if occurrences < 2]
        smallest = min(count, len(rest) - count)
        if rare:
            raise DataError(
                f"{rows.source}: class {rare[0]!r} has a single example; supply more, leave the class out or set "
                "split.stratified to false"
            )
        if smallest < len(set(strata)):
            raise DataError(
                f"{rows.source}: a part of {smallest} examples cannot hold all {len(set(strata))} classes; supply "
                "more, or set split.stratified to false"
            )
    train, held_out = train_test_split(rest, test_size=count, stratify=strata, random_state=options.seed)
    return np.sort(train), np.sort(held_out)


def _by_group(rows: Rows, rest: Positions, count: int, *, seed: int) -> tuple[Positions, Positions]:
    """Draws whole groups until they have at least ``count`` examples."""
    if rows.groups is None:
        raise DataError(f"{rows.source}: split.by is group, but no group column is given; name it in `group`")
    groups = np.array([rows.groups[position] for position in rest])
    names = np.unique(groups)
    # Names are sorted by np.unique before they are shuffled: the file's order must not decide what is drawn.
    order = np.random.default_rng(seed).permutation(names)
    # Whole groups seldom add up to the number that was asked for; the part is then a little larger.
    sizes = np.cumsum([np.count_nonzero(groups == name) for name in order])
    chosen = order[: int(np.searchsorted(sizes, count)) + 1]
    if len(chosen) >= len(names):
        raise DataError(
            f"{rows.source} has {len(names)} groups; a part of {count} examples would need them all: lower it"
        )
    is_held_out = np.isin(groups, chosen)
    return rest[~is_held_out], rest[is_held_out]


def _without_duplicates(
    rows: Rows, parts: dict[str, Positions], options: SplitOptions
) -> dict[str, Positions]:
    """Refuses examples that are in two parts, or drops them from the part that is used earlier."""
    if options.duplicates == "keep":
        return parts
    seen: dict[Hashable, int] = {}
    clean = {}
    for part in reversed(PARTS):
        kept = []
        for position in parts[part].tolist():
            content = rows.contents[position]
            if content not in seen:
                kept.append(position)
            elif options.duplicates == "refuse":
                raise DataError(
                    f"{rows.source}: examples {seen[content] + 1} and {position + 1} are the same, but in two "
                    "parts; remove one, split by group, or set split.duplicates to drop or keep"
                )
        clean[part] = np.array(kept, dtype=np.int64)
        # Added only when the part is complete, since repetitions within one part are harmless.
        for position in kept:
            seen.setdefault(rows.contents[position], position)
    return clean
