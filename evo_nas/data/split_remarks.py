"""Says what people should know of a split: which groups are where, what was dropped, what is too small."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.data.examples import enumerated
from evo_nas.data.splitting import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.splitting import Rows, SplitOptions

_DIGITS = re.compile("([0-9]{1,18})")
LEAST_VALIDATION = 100
"""Below this the standard error of an accuracy, at most .5 / sqrt(n), is above 5 points, and that of a root mean square
of normal errors, 1 / sqrt(2 n) of itself, above 7 %."""
Targets = Literal["classes", "numbers", "sets"]
CORRELATION = 0.1
"""Between the errors at two steps of one sequence: a guess on the careful side, since it differs from task to task."""


def remarks_on_split(rows: Rows, parts: Mapping[str, npt.NDArray[np.int64]]) -> tuple[str, ...]:
    """Returns one sentence each on the groups of every part, and on dropped duplicates.

    Args:
        rows: All examples.
        parts: What `split_rows` made of them.
    """
    return (*_groups(rows, parts), *_dropped(rows, parts))


def remarks_on_time(rows: Rows, options: SplitOptions, given: Iterable[str] = ()) -> tuple[str, ...]:
    """Returns a sentence on what comes last where parts are taken by time.

    Args:
        rows: All examples.
        options: How they are cut.
        given: Parts that have files of their own.
    """
    ways = {"validation": options.by, "test": options.test_by or options.by}
    parts = [part for part, by in ways.items() if by == "time" and part not in given]
    order = "in the order of the file" if rows.ends is None else "by the time of their last step"
    return (f"{' and '.join(parts)} part: the last examples {order}",) if parts else ()


def remarks_on_validation(examples: int, *, steps: int = 0, targets: Targets = "classes") -> tuple[str, ...]:
    """Returns a sentence if the validation part is too small to choose by, with what to do.

    Args:
        examples: Its examples.
        steps: Its steps, where every step has a target.
        targets: What is predicted; ``sets`` have no accuracy and no error of their own.
    """
    # Steps of one sequence resemble each other, so that they count less than as many sequences (Kish, 1965).
    worth = steps / (1 + CORRELATION * (steps / examples - 1)) if steps else examples
    if worth >= LEAST_VALIDATION:
        return ()
    doubt = {
        "classes": f": an accuracy on it has a standard error of up to {50 / math.sqrt(worth):.0f} points",
        "numbers": f": an error on it is only known to about {1 / math.sqrt(2 * worth):.0%} of itself",
        "sets": "",
    }
    what = f"{examples} examples" + (f" of {steps:,} steps in all" if steps else "")
    return (
        f"the validation part has {what}, too few to tell candidates apart{doubt[targets]}; raise "
        "split.validation, or search all parts in turn with --folds",
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
        yield (
            f"{counted(len(lost), 'example')} dropped, since a part that is used later has the same: "
            f"{rows.where.enumerated(lost)}"
        )


def counted(number: int, thing: str) -> str:
    """Returns the subject of a sentence in the past, such as ``2 examples were``."""
    return f"{number:,} {thing} was" if number == 1 else f"{number:,} {thing}s were"
