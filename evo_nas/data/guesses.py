"""Guesses what a column is as a person would, and asks where two answers are equally likely."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import numpy.typing as npt

    from evo_nas.data.table import Table

NAMED = (
    ("label", "labels", "class", "classes", "target", "targets"),
    (
        "activity",
        "category",
        "diagnosis",
        "emotion",
        "gesture",
        "intent",
        "outcome",
        "sentiment",
        "species",
        "topic",
    ),
)
"""Names of labels; those of the second group only count where none of the first is there."""
TEXTS = (
    ("text", "texts"),
    (
        "abstract",
        "article",
        "body",
        "comment",
        "content",
        "description",
        "document",
        "headline",
        "message",
        "paragraph",
        "passage",
        "post",
        "question",
        "review",
        "sentence",
        "sequence",
        "sms",
        "tweet",
        "utterance",
    ),
    ("subject", "summary", "title"),
)
"""Names of texts; those of a group only count where none of the groups before is there."""
TARGETS = (("target", "targets"), ("rul", "y", "label", "labels"))
"""Names of numbers that are to be predicted, in the same way."""
LABELS = ("label", "class", "target", "y", "labels", "targets")
"""Names of arrays of labels, the likeliest first."""
AXES = frozenset(("x", "z"))
"""Where one of these is a column, ``y`` is another axis and no label."""
MOST_CLASSES = 20
"""Different numbers in a last column that may be classes although a column of words is there as well."""
FEWEST_ROWS = 10
"""In fewer rows numbers may rise one by one, and words differ from each other, by chance."""
FEWEST_TOLD = 30
"""In fewer rows a measurement may agree with the label by chance."""
FEW = 1000
MOST_LOOKED_AT = 1000
"""Rows that tell how long the texts of a column are."""
_ID = re.compile(r"(?i:.*[_\s.-])?(?i:id|uuid)|.*[a-z]I[dD]|(?i:index|idx|row|row[_ ]?(?:number|nr|no))")
_WHOSE = re.compile(
    r"(?i:(?:subject|person|patient|participant|speaker|writer|user)(?:[_ ]?(?:nr|no|number))?)"
)
_DATE = re.compile(
    r"\d{4}-\d\d?-\d\d?|\d{4}/\d\d?/\d\d?|\d\d?/\d\d?/\d{2,4}|\d\d?\.\d\d?\.\d{2,4}|\d\d?-\d\d?-\d{4}|\d\d?:\d\d"
)


def guessed(names: Iterable[str], wanted: tuple[str, ...], *, default: str = "") -> str:
    """Returns the first of ``wanted`` that is in ``names``, in any case of letters; otherwise ``default``."""
    present = {name.lower(): name for name in names}
    return next((present[name.lower()] for name in wanted if name.lower() in present), default or wanted[0])


def guessed_label(table: Table, taken: Collection[str], *, per_step: bool = False) -> str:
    """Returns the column of the label: by its name, or the only likely one.

    Args:
        table: The table.
        taken: Columns that have another role.
        per_step: Whether every step of a sequence has a label, so that lists may hold labels.

    Raises:
        DataError: No column, or more than one, is likely.
    """
    free = [name for name in table.columns if name not in taken and name not in table.index_columns]
    for group in NAMED:
        if named := [name for name in free if name.lower() in group]:
            return _only(table, named)
    if lists := [name for name in free if per_step and name in table.list_columns()]:
        return _only(table, lists)
    lower = {name.lower(): name for name in free}
    if "y" in lower and not AXES & {name.lower() for name in table.columns}:
        return lower["y"]
    words = [name for name in free if _holds_words(table, name)]
    if words and words[-1] == free[-1]:
        return words[-1]
    last = [name for name in free[-1:] if _holds_classes(table, name, are_words_there=bool(words))]
    return _only(table, [*words, *last])


def guessed_text(table: Table, taken: Collection[str]) -> str:
    """Returns the column of the text: by its name, or the one with by far the longest texts.

    Args:
        table: The table.
        taken: Columns that have another role.

    Raises:
        DataError: No column, or more than one, is likely.
    """
    labels = {name for group in NAMED for name in group}
    free = [name for name in table.columns if name not in taken and name not in table.index_columns]
    words = [name for name in free if are_words(table, name) and not is_date(table, name)]
    for group in TEXTS:
        if named := [name for name in words if name.lower() in group]:
            return _only(table, named, key="text")
    likely = [name for name in words if name.lower() not in labels and not _ID.fullmatch(name)]
    if likely:
        return _only(table, _longest(table, likely), key="text")
    # Digits may be a text, but only where nothing else can be one: otherwise they are ids.
    digits = [name for name in free if name.lower() not in labels]
    named = [name for name in digits if any(name.lower() in group for group in TEXTS)]
    return _only(table, named or (digits if len(digits) == 1 else []), key="text")


def guessed_by_name(
    table: Table, groups: Sequence[Sequence[str]], *, taken: Collection[str], key: str
) -> str:
    """Returns the column that only its name tells, by the first of ``groups`` of names of which one is there.

    Raises:
        DataError: No column, or more than one, has such a name; the message asks for the option ``key``.
    """
    free = [name for name in table.columns if name not in taken]
    for group in groups:
        if named := [name for name in free if name.lower() in group]:
            return _only(table, named, key=key)
    raise DataError(
        f"{table.source}: no column has a name such as {groups[0][0]}; name it in `{key}`. The columns are "
        f"{', '.join(map(repr, table.columns))}"
    )


def guessed_target(table: Table, taken: Collection[str]) -> str:
    """Returns the column of the number that is to be predicted, which only its name tells.

    Raises:
        DataError: No column, or more than one, has such a name.
    """
    return guessed_by_name(table, TARGETS, taken=taken, key="targets")


def is_date(table: Table, name: str) -> bool:
    """Whether the first given value of a column is a date or a time."""
    values = table.column(name)
    if pa.types.is_temporal(values.type):
        return True
    first = next((value.as_py() for value in values if value.is_valid), None)
    return _DATE.match(str(first)) is not None


def no_measurement(table: Table, name: str, classes: npt.NDArray[np.int64] | None) -> str:
    """Returns why a column of numbers is none that a person would read; nothing if it is.

    Args:
        table: The table.
        name: The column.
        classes: The class of each row, ``(rows,)``; None if there are none.

    Raises:
        DataError: The column holds words as well.
    """
    numbers = table.numbers(name, holes=True)
    if not _are_whole(numbers):
        return ""
    if is_id(name):
        return "an id"
    if names_rows(name, numbers):
        return "it counts the rows"
    return "it tells the label" if classes is not None and _tells(classes, numbers) else ""


def is_id(name: str) -> bool:
    """Whether a column of this name says whose or which something is."""
    return _ID.fullmatch(name) is not None or _WHOSE.fullmatch(name) is not None


def comes_again(table: Table, name: str) -> bool:
    """Whether a column is an id that several rows share, but not all of them."""
    return is_id(name) and 1 < len(set(table.texts(name, empty=True))) < len(table)


def names_rows(name: str, numbers: npt.NDArray[np.float64]) -> bool:
    """Whether a column of numbers is an id that never comes again, or a count of the rows."""
    if len(numbers) < FEWEST_ROWS or not _are_whole(numbers):
        return False
    if _ID.fullmatch(name):
        return len(np.unique(numbers)) == len(numbers)
    return bool((np.diff(numbers) == 1).all())


def _are_whole(numbers: npt.NDArray[np.float64]) -> bool:
    known = numbers[~np.isnan(numbers)]
    return bool(np.equal(known, np.floor(known)).all())


def _tells(classes: npt.NDArray[np.int64], numbers: npt.NDArray[np.float64]) -> bool:
    """Whether each class goes with one number, and each number with one class."""
    # In fewer rows a column of yes and no may agree with the label by chance.
    if len(numbers) < FEWEST_TOLD:
        return False
    # The first rows rule most columns out cheaply.
    for some in (slice(FEW), slice(None)):
        values, which = np.unique(numbers[some], return_inverse=True)
        pairs = np.unique(which * (classes.max() + 1) + classes[some])
        if not 1 < len(values) == len(pairs) == len(np.unique(classes[some])):
            return False
    return True


def are_words(table: Table, name: str) -> bool:
    """Whether a column holds words, or more words than numbers."""
    kind = table.kind_of(name)
    return kind.name == "words" or (kind.name == "mixed" and 2 * kind.wrong > len(table))


def _only(table: Table, likely: Sequence[str], *, key: str = "label") -> str:
    if len(likely) == 1:
        return likely[0]
    if likely:
        names = " or ".join(map(repr, likely))
        raise DataError(
            f"{table.source}: the {key.removesuffix('s')} may be column {names}; name it in `{key}`"
        )
    what = {
        "label": "the label, which has words or whole numbers that come again",
        "text": "the text, which has words",
    }
    raise DataError(
        f"{table.source}: no column is likely to be {what[key]}; name it in `{key}`. The columns are "
        f"{', '.join(map(repr, table.columns))}"
    )


def _longest(table: Table, names: Sequence[str]) -> list[str]:
    """Returns the columns whose texts are about as long as the longest: in words, or in characters of single words."""
    texts = {name: table.texts(name, empty=True)[:MOST_LOOKED_AT] for name in names}
    sizes = {name: np.mean([len(text.split()) for text in some]) for name, some in texts.items()}
    if max(sizes.values()) < 2:
        sizes = {name: np.mean([len(text) for text in some]) for name, some in texts.items()}
    return [name for name in names if 2 * sizes[name] > max(sizes.values())]


def _holds_words(table: Table, name: str) -> bool:
    """Whether a column may hold classes that are words: those that are all different are names or texts."""
    return are_words(table, name) and not is_date(table, name) and _come_again(table, name)


def _holds_classes(table: Table, name: str, *, are_words_there: bool) -> bool:
    """Whether a column that is not of words may hold classes."""
    kind = table.kind_of(name).name
    if kind == "numeric":
        if not _are_whole(table.numbers(name, holes=True)):
            return False
    elif kind != "mixed" or are_words(table, name):
        return False
    return (
        len(set(table.texts(name, empty=True))) <= MOST_CLASSES
        if are_words_there
        else _come_again(table, name)
    )


def _come_again(table: Table, name: str) -> bool:
    return len(table) < FEWEST_ROWS or len(set(table.texts(name, empty=True))) < len(table)
