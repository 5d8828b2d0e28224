"""Says what people should know of a split: which groups are where, what was dropped, what is too small."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.splitting import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.splitting import Rows

_DIGITS = re.compile("([0-9]{1,18})")
MOST_NAMES = 10
LEAST_VALIDATION = 100
"""Below this the standard error of an accuracy, at most .5 / sqrt(n), is above 5 points."""


def remarks_on_split(rows: Rows, parts: Mapping[str, npt.NDArray[np.int64]]) -> tuple[str, ...]:
    """Returns one sentence each on the groups of a part, on dropped duplicates and on a small validation part.

    Args:
        rows: All examples.
        parts: What `split_rows` made of them.
    """
    return (
        *_groups(rows, parts),
        *_dropped(rows, parts),
        *_small(len(parts["validation"]), has_classes=rows.strata is not None),
    )


def groups_of(rows_groups: Sequence[str], positions: npt.NDArray[np.int64]) -> tuple[str, ...]:
    """Returns the names of the groups at ``positions``, sorted as people do."""
    return tuple(sorted({rows_groups[position] for position in positions.tolist()}, key=natural))


def natural(name: str) -> list[str | int]:
    """Returns a key that sorts ``person 10`` after ``person 9``."""
    # Texts and numbers take turns, the first is always a text, so that two keys can be compared.
    return [int(piece) if at % 2 else piece for at, piece in enumerate(_DIGITS.split(name))]


def _groups(rows: Rows, parts: Mapping[str, npt.NDArray[np.int64]]) -> Iterator[str]:
    if rows.groups is None:
        return
    for part in PARTS:
        names = groups_of(rows.groups, parts[part])
        yield (
            f"the {part} part has {len(parts[part]):,} examples of {len(names):,} "
            f"{'group' if len(names) == 1 else 'groups'}: {enumerated(names)}"
        )


def _dropped(rows: Rows, parts: Mapping[str, npt.NDArray[np.int64]]) -> Iterator[str]:
    used = np.concatenate([parts[part] for part in PARTS])
    lost = np.setdiff1d(np.arange(len(rows)), used).tolist()
    if lost:
        where = enumerated([rows.place(position) for position in lost], between="; ")
        yield (
            f"{counted(len(lost), 'example')} dropped, since a part that is used later has the same: {where}"
        )


def _small(validation: int, *, has_classes: bool) -> Iterator[str]:
    if validation < LEAST_VALIDATION:
        points = 50 / math.sqrt(validation)
        error = (
            f": an accuracy on it has a standard error of up to {points:.0f} points" if has_classes else ""
        )
        yield (
            f"the validation part has {validation} examples, too few to tell candidates apart{error}; raise "
            "split.validation, or search all parts in turn with --folds"
        )


def counted(number: int, thing: str) -> str:
    """Returns the subject of a sentence in the past, such as ``2 examples were``."""
    return f"{number:,} {thing} was" if number == 1 else f"{number:,} {thing}s were"


def enumerated(names: Iterable[str], *, between: str = ", ") -> str:
    """Returns the first of ``names``, and how many more there are."""
    some = list(names)
    more = len(some) - MOST_NAMES
    return between.join(some[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
