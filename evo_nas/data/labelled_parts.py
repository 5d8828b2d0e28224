"""Labelled examples in three parts, with the classes that the training part knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic

import numpy as np

from evo_nas.data.examples import Examples, Item, joined
from evo_nas.data.padding import padded
from evo_nas.data.redrawing import Redrawing
from evo_nas.data.split_remarks import (
    counted,
    groups_of,
    remarks_on_split,
    remarks_on_time,
    remarks_on_validation,
)
from evo_nas.data.splitting import HELD_OUT, PARTS, Rows, split_rows
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.examples import Label
    from evo_nas.data.splitting import SplitOptions

MAX_CLASSES = 10_000
"""More classes than any data set of sequences has: the label column is then probably one of numbers."""
PADDING_LABELS = ("-100", "-100.0", "")
"""Labels of steps that have no class, as torch and Hugging Face pad them; such steps are read but not scored."""


@dataclass(frozen=True)
class LabelledParts(Generic[Item]):
    """Examples in three parts, the classes that training knows, sorted, and how further cuts are drawn."""

    train: Examples[Item]
    validation: Examples[Item]
    test: Examples[Item]
    classes: tuple[str, ...]
    redrawing: Redrawing

    @property
    def by_name(self) -> dict[str, Examples[Item]]:
        """The examples of each part, in the order of `PARTS`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def targets(self, examples: Examples[Item]) -> npt.NDArray[np.int64]:
        """Returns the classes of examples with one label each, int64 ``(n,)``."""
        positions = {name: position for position, name in enumerate(self.classes)}
        return np.array([positions[str(label)] for label in examples.labels], dtype=np.int64)

    def step_targets(self, examples: Examples[Item]) -> list[npt.NDArray[np.int64]]:
        """Returns the classes of examples with a label for every step, int64 ``(time,)`` each; see `is_scored`."""
        positions = {name: position for position, name in enumerate(self.classes)}
        # A step without a class gets the first one; it is not scored.
        return [
            np.array([positions.get(str(name), 0) for name in label], dtype=np.int64)
            for label in examples.labels
        ]

    def is_scored(self, examples: Examples[Item]) -> list[npt.NDArray[np.bool_]]:
        """Returns which steps have a class, bool ``(time,)`` each, of examples with a label for every step."""
        return [_has_class(label) for label in examples.labels]

    def scored(self, examples: Examples[Item]) -> npt.NDArray[np.bool_] | None:
        """Returns which steps have a class, bool ``(n, time)``; None if all have one."""
        scored = self.is_scored(examples)
        return None if all(each.all() for each in scored) else padded(scored, np.bool_)

    def counted_targets(self, examples: Examples[Item]) -> npt.NDArray[np.int64]:
        """Returns the classes of all steps one after the other, int64 ``(steps,)``, -1 where there is none."""
        scored = np.concatenate(self.is_scored(examples))
        return np.where(scored, np.concatenate(self.step_targets(examples)), -1)

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The names of the groups of each part; empty if there are no groups."""
        return groups_of_parts(self.by_name)

    def balanced_weights(self, *, per_step: bool) -> npt.NDArray[np.float32]:
        """Returns factors ``(classes,)`` that give all classes the same weight; the mean over training is 1."""
        targets = self.counted_targets(self.train) if per_step else self.targets(self.train)
        targets = targets[targets >= 0]
        counts = np.bincount(targets, minlength=len(self.classes))
        return (len(targets) / (len(self.classes) * counts)).astype(np.float32)


@dataclass(frozen=True)
class Division(Generic[Item]):
    """The examples of each part, and how further cuts of training and validation are drawn."""

    parts: Mapping[str, Examples[Item]]
    redrawing: Redrawing


def groups_of_parts(parts: Mapping[str, Examples[Item]]) -> dict[str, tuple[str, ...]]:
    """Returns the names of the groups of each part; empty if there are no groups."""
    return {
        part: groups_of(groups, np.arange(len(groups)))
        for part in PARTS
        if (groups := parts[part].groups) is not None
    }


def split_examples(files: Mapping[str, Examples[Item]], options: SplitOptions) -> LabelledParts[Item]:
    """Splits examples; ``files`` holds those to be cut as ``train``, and parts that have files of their own.

    Raises:
        DataError: Parts cannot be made, there is only one class, or training misses a class.
    """
    cut = split_files({part: _with_a_class(examples) for part, examples in files.items()}, options)
    return LabelledParts(**cut.parts, classes=_classes(cut.parts), redrawing=cut.redrawing)


def split_files(
    files: Mapping[str, Examples[Item]], options: SplitOptions, *, strata: Sequence[str] | None = None
) -> Division[Item]:
    """Returns the examples of each part; what should be known of the split is among their remarks.

    Args:
        files: Those to be cut as ``train``, and parts that have files of their own.
        options: How to cut them.
        strata: Classes whose shares are kept, one for each example of all files; by default the labels, if they are
            classes.

    Raises:
        DataError: See `split_rows`.
    """
    # All files are joined before they are split, so that duplicates between them are found.
    order = ["train", *(part for part in HELD_OUT if part in files)]
    everything = joined([files[part] for part in order])
    ends = np.cumsum([len(files[part]) for part in order]).tolist()
    given = {part: np.arange(start, end) for part, start, end in zip(order[1:], ends, ends[1:], strict=False)}
    # Sequences with a class for every step have no class to stratify by.
    labels = [label for label in everything.labels if isinstance(label, str)]
    rows = Rows(
        everything.source,
        contents=list(map(_content, everything.items)),
        strata=strata or labels or None,
        groups=everything.groups,
        places=everything.where,
        ends=everything.ends,
    )
    positions = split_rows(rows, options, given=given)
    validation = [everything.labels[position] for position in positions["validation"].tolist()]
    remarks = (
        *everything.remarks,
        *remarks_on_time(rows, options, given),
        *remarks_on_split(rows, positions),
        *_remarks_on_size(validation),
    )
    everything = replace(everything, remarks=remarks)
    return Division(
        {part: everything.chosen(where) for part, where in positions.items()},
        Redrawing.of(rows, positions, options, given=given),
    )


def _remarks_on_size(labels: Sequence[Label]) -> tuple[str, ...]:
    """Returns what should be known of a validation part with these labels."""
    arrays = [label for label in labels if not isinstance(label, str)]
    are_numbers = any(array.dtype.kind == "f" for array in arrays)
    steps = 0 if are_numbers else sum(int(_has_class(array).sum()) for array in arrays)
    return remarks_on_validation(len(labels), steps=steps, targets="numbers" if are_numbers else "classes")


def _with_a_class(examples: Examples[Item]) -> Examples[Item]:
    """Returns the examples without those of which no step has a class; both kinds of padding are said."""
    labels = [label for label in examples.labels if not isinstance(label, str)]
    scored = [_has_class(label) for label in labels]
    padding = sum(int(np.count_nonzero(~each)) for each in scored)
    if not padding:
        return examples
    some = np.flatnonzero([each.any() for each in scored])
    remark = f"{counted(padding, 'step')} not scored, since their label is -100 or empty"
    lost = len(scored) - len(some)
    if lost:
        remark += f"; {counted(lost, 'sequence')} left out, since no step of it has another label"
    return replace(examples.chosen(some), remarks=(*examples.remarks, remark))


def _has_class(label: Label) -> npt.NDArray[np.bool_]:
    """Returns which steps of one example have a class, bool ``(time,)``."""
    return ~np.isin(np.asarray(label, dtype=np.str_), PADDING_LABELS)


def _classes(parts: Mapping[str, Examples[Item]]) -> tuple[str, ...]:
    known = {part: _names(examples) for part, examples in parts.items()}
    source = parts["train"].source
    if len(known["train"]) < 2:
        raise DataError(
            f"{source}: the training part has one class only, {next(iter(known['train']))!r}; there is nothing to "
            "tell apart: check the label column"
        )
    if len(known["train"]) > MAX_CLASSES:
        raise DataError(
            f"{source} has {len(known['train']):,} classes; at most {MAX_CLASSES:,}: is the label column right?"
        )
    for part in HELD_OUT:
        missing = sorted(known[part] - known["train"])
        if missing:
            raise DataError(
                f"{source}: class {missing[0]!r} is in the {part} part, but not in the training part; supply "
                "examples of it, or split otherwise, such as with another split.seed"
            )
    return tuple(sorted(known["train"], key=_by_value))


def _names(examples: Examples[Item]) -> set[str]:
    return {
        str(name)
        for label in examples.labels
        for name in ([label] if isinstance(label, str) else label[_has_class(label)])
    }


def _by_value(name: str) -> tuple[float, str]:
    """Sorts numbers by value and before words, so that class ``10`` comes after ``9``."""
    digits = name.removeprefix("-")
    # Other scripts have digits, too, of which `float` takes only some.
    return (float(name) if digits.isascii() and digits.isdigit() else float("inf"), name)


def _content(item: object) -> str | bytes:
    """Returns the key under which two equal items count as duplicates; arrays are not hashable themselves."""
    return item.tobytes() + str(item.shape).encode() if isinstance(item, np.ndarray) else str(item)
