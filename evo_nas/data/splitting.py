"""Divides examples into a training, a validation and a test part: by rows, time, group or given files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from evo_nas.data.drawing import by_name, drawn_fold, drawn_groups, drawn_rows
from evo_nas.data.examples import Places
from evo_nas.data.options import Amount, GroupNames, Seed, StrictOptions
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from typing import Self

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
            the part has files of its own or groups that are named.
        test: Size of the test part, likewise; unused with ``folds``.
        by: ``rows`` draws examples, ``group`` draws whole groups, ``time`` takes those that end last, or the last ones
            of the file where no column tells their times. If not given, whole groups are drawn where the task has a
            ``group``, otherwise rows.
        test_by: How the test part is taken, if not in the same way as the validation part.
        validation_groups: Names of the groups that are the validation part.
        test_groups: Names of the groups that are the test part.
        folds: Number of equal parts of the examples, one of which is the test part; they keep the shares of the
            classes, and groups together.
        fold: Which of these parts is the test part, from 1.
        stratified: Whether drawn rows keep the shares of the classes.
        seed: Seed of the drawing.
        duplicates: What to do with examples that are in two parts: ``refuse`` them, ``drop`` them from the part that
            is used earlier (training before validation before test), or ``keep`` them.
    """

    validation: Amount = 0.1
    test: Amount = 0.2
    by: By | None = None
    test_by: By | None = None
    validation_groups: GroupNames | None = None
    test_groups: GroupNames | None = None
    folds: Annotated[int, Field(ge=2)] | None = None
    fold: Annotated[int, Field(ge=1)] = 1
    stratified: bool = True
    seed: Seed = 0
    duplicates: Literal["refuse", "drop", "keep"] = "refuse"

    @model_validator(mode="after")
    def _takes_the_test_part_once(self) -> Self:
        if self.fold > (self.folds or 1):
            raise ValueError(f"fold is {self.fold}, folds {self.folds or 'not given'}; must be 1 to folds")
        if self.folds and self.test_groups:
            raise ValueError("folds and test_groups both say what the test part is; give one of them")
        if self.folds and (self.test_by or self.by) == "time":
            raise ValueError("folds are drawn, but the test part is taken by time; leave one of both out")
        return self

    @model_validator(mode="after")
    def _names_a_group_once(self) -> Self:
        twice = sorted({*(self.validation_groups or ())} & {*(self.test_groups or ())})
        if twice:
            raise ValueError(f"group {twice[0]!r} is in validation_groups and in test_groups; name it once")
        return self


@dataclass(frozen=True, slots=True)
class Rows:
    """The facts about examples that decide a split, one entry for each example.

    Attributes:
        source: Where the examples come from, for messages.
        contents: Hashable keys; examples with equal keys are duplicates.
        strata: Classes whose shares are kept; None if there are none.
        groups: Names of groups that must stay together; None if there are none.
        places: Where each example is; counted from 1 in ``source`` if not given.
        ends: When each example ends; None where that is not known.
    """

    source: str
    contents: Sequence[Hashable]
    strata: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    places: Places | None = None
    ends: Sequence[float] | None = None

    def __len__(self) -> int:
        return len(self.contents)

    @property
    def where(self) -> Places:
        """Where each example is."""
        return self.places or Places.of(self.source, "example", range(1, len(self) + 1))


def split_rows(
    rows: Rows, options: SplitOptions, *, given: Mapping[str, Positions] | None = None
) -> dict[str, Positions]:
    """Returns the ascending positions of the ``train``, ``validation`` and ``test`` part; see `remarks_on_split`.

    Args:
        rows: All examples.
        options: How to cut them.
        given: Positions of the parts that have files of their own.

    Raises:
        DataError: A part would be empty, groups are missing or torn apart, or the same example is in two parts.
    """
    given = given or {}
    taken = [position for positions in given.values() for position in positions.tolist()]
    rest = np.setdiff1d(np.arange(len(rows)), taken)
    parts, available = dict(given), len(rest)
    # The test part is taken first, so that it does not depend on the size of the validation part.
    for part in ("test", "validation"):
        if part in given:
            _check_that_nothing_else_says(part, rows, options)
        else:
            parts[part] = _held_out(rows, rest, options, part=part, available=available)
            rest = np.setdiff1d(rest, parts[part])
    parts["train"] = rest
    for part, positions in parts.items():
        if not len(positions):
            raise DataError(
                f"{rows.source}: the {part} part has no example of {len(rows)}; change split or supply more"
            )
    _check_groups(rows, parts)
    return _without_duplicates(rows, parts, options)


def _check_that_nothing_else_says(part: str, rows: Rows, options: SplitOptions) -> None:
    names = {"test": ("folds", "test_groups"), "validation": ("validation_groups",)}[part]
    for name in names:
        if getattr(options, name):
            raise DataError(
                f"{rows.source}: split.{name} chooses the {part} part, but it has examples of its own; leave one of "
                "both out"
            )


def _held_out(rows: Rows, rest: Positions, options: SplitOptions, *, part: str, available: int) -> Positions:
    """Returns the part that is taken from ``rest``."""
    by = _way(rows, options, part=part)
    groups = None if rows.groups is None else np.array([rows.groups[position] for position in rest])
    strata = rows.strata if options.stratified else None
    kinds = None if strata is None else [strata[position] for position in rest]
    names = options.test_groups if part == "test" else options.validation_groups
    if names:
        return rest[by_name(rows.source, groups, names, key=f"split.{part}_groups")]
    if part == "test" and options.folds:
        fold = drawn_fold(
            rows.source, kinds, groups, len(rest), folds=options.folds, fold=options.fold, seed=options.seed
        )
        return rest[fold]
    # Shares count from all ``available`` examples, so that 0.1 and 0.2 mean the same in either order.
    amount = options.test if part == "test" else options.validation
    count = amount if isinstance(amount, int) else max(1, round(amount * available))
    if count >= len(rest):
        raise DataError(
            f"{rows.source}: split.{part} is {amount}, but {len(rest)} of the examples are left; lower it"
        )
    if by == "time":
        # A stable sort keeps the order of the file among those that end together.
        order = slice(None) if rows.ends is None else np.argsort(np.array(rows.ends)[rest], kind="stable")
        return np.sort(rest[order][-count:])
    if groups is not None:
        return rest[drawn_groups(rows.source, groups, count, seed=options.seed)]
    return rest[drawn_rows(rows.source, kinds, len(rest), count, seed=options.seed)]


def _way(rows: Rows, options: SplitOptions, *, part: str) -> By:
    """Returns how a part is taken; groups that were named are never torn apart."""
    name = "test_by" if part == "test" and options.test_by else "by"
    by: By | None = getattr(options, name)
    if rows.groups is None:
        named = "test_groups" if options.test_groups else "validation_groups"
        if by == "group" or options.test_groups or options.validation_groups:
            reason = f"{name} is group" if by == "group" else f"{named} is given"
            raise DataError(
                f"{rows.source}: split.{reason}, but no group column is given; name it in `group`"
            )
        return by or "rows"
    if by in {"rows", "time"}:
        raise DataError(
            f"{rows.source}: split.{name} is {by}, but `group` is given, whose groups must stay together; leave one "
            "of both out"
        )
    return "group"


def _check_groups(rows: Rows, parts: Mapping[str, Positions]) -> None:
    """Refuses a group that is in two parts, which only files of their own can cause."""
    if rows.groups is None:
        return
    seen: dict[str, tuple[str, int]] = {}
    for part in PARTS:
        for position in parts[part].tolist():
            first, at = seen.setdefault(rows.groups[position], (part, position))
            if first != part:
                raise DataError(
                    f"group {rows.groups[position]!r} is in the {first} and in the {part} part: {rows.where[at]}, and "
                    f"{rows.where[position]}; keep it in one, or leave `group` out"
                )


def _without_duplicates(
    rows: Rows, parts: Mapping[str, Positions], options: SplitOptions
) -> dict[str, Positions]:
    """Refuses examples that are in two parts, or drops them from the part that is used earlier."""
    if options.duplicates == "keep":
        return dict(parts)
    seen: dict[Hashable, tuple[str, int]] = {}
    clean = {}
    for part in reversed(PARTS):
        kept = []
        for position in parts[part].tolist():
            content = rows.contents[position]
            if content not in seen:
                kept.append(position)
            elif options.duplicates == "refuse":
                other, twin = seen[content]
                remedy = "" if rows.groups else "name what belongs together in `group`, "
                raise DataError(
                    f"{rows.where[position]}, and {rows.where[twin]}, are the same, but in two parts, {part} and "
                    f"{other}; remove one, {remedy}or set split.duplicates to drop or keep"
                )
        if not kept:
            raise DataError(
                f"{rows.source}: all {len(parts[part])} examples of the {part} part are in a part that is used later, "
                "too, and would be dropped; supply others"
            )
        clean[part] = np.array(kept, dtype=np.int64)
        # Added only when the part is complete, since repetitions within one part are harmless.
        for position in kept:
            seen.setdefault(rows.contents[position], (part, position))
    return clean
