"""Labelled examples in three parts, with the classes that the training part knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

import numpy as np

from evo_nas.data.examples import Examples, Item
from evo_nas.data.splitting import HELD_OUT, Rows, split_rows
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from evo_nas.data.splitting import SplitOptions

MAX_CLASSES = 10_000
"""More classes than any data set of sequences has: the label column is then probably one of numbers."""


@dataclass(frozen=True)
class LabelledParts(Generic[Item]):
    """Examples in three parts, and the classes that training knows, sorted."""

    train: Examples[Item]
    validation: Examples[Item]
    test: Examples[Item]
    classes: tuple[str, ...]

    @property
    def learnt(self) -> Examples[Item]:
        """Training and validation part together: what baselines may learn from."""
        return self.train.joined(self.validation)

    def targets(self, examples: Examples[Item]) -> npt.NDArray[np.int64]:
        """Returns the classes of examples with one label each, int64 ``(n,)``."""
        positions = {name: position for position, name in enumerate(self.classes)}
        return np.array([positions[str(label)] for label in examples.labels], dtype=np.int64)

    def step_targets(self, examples: Examples[Item]) -> list[npt.NDArray[np.int64]]:
        """Returns the classes of examples with a label for every step, int64 ``(time,)`` each."""
        positions = {name: position for position, name in enumerate(self.classes)}
        return [
            np.array([positions[str(name)] for name in label], dtype=np.int64) for label in examples.labels
        ]

    def balanced_weights(self, *, per_step: bool) -> npt.NDArray[np.float32]:
        """Returns factors ``(classes,)`` that give all classes the same weight; the mean over training is 1."""
        targets = np.concatenate(self.step_targets(self.train)) if per_step else self.targets(self.train)
        counts = np.bincount(targets, minlength=len(self.classes))
        return (len(targets) / (len(self.classes) * counts)).astype(np.float32)


def split_examples(files: Mapping[str, Examples[Item]], options: SplitOptions) -> LabelledParts[Item]:
    """Splits examples; ``files`` holds those to be cut as ``train``, and parts that have files of their own.

    Raises:
        DataError: Parts cannot be made, there is only one class, or training misses a class.
    """
    # All files are joined before they are split, so that duplicates between them are found.
    everything, given = files["train"], {}
    for part in HELD_OUT:
        if part in files:
            start = len(everything)
            everything = everything.joined(files[part])
            given[part] = np.arange(start, len(everything))
    labels = [label for label in everything.labels if isinstance(label, str)]
    rows = Rows(
        everything.source,
        contents=list(map(_content, everything.items)),
        strata=labels or None,  # sequences with a class for every step have no class to stratify by
        groups=everything.groups,
    )
    positions = split_rows(rows, options, given=given)
    parts = {part: everything.chosen(where) for part, where in positions.items()}
    return LabelledParts(**parts, classes=_classes(parts))


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
                "examples of it, or split otherwise"
            )
    return tuple(sorted(known["train"], key=_natural))


def _names(examples: Examples[Item]) -> set[str]:
    return {str(name) for label in examples.labels for name in np.atleast_1d(label)}


def _natural(name: str) -> tuple[float, str]:
    """Sorts numbers by value and before words, so that class ``10`` comes after ``9``."""
    return (float(name) if name.lstrip("-").isdigit() else float("inf"), name)


def _content(item: object) -> str | bytes:
    """Returns the key under which two equal items count as duplicates; arrays are not hashable themselves."""
    return item.tobytes() + str(item.shape).encode() if isinstance(item, np.ndarray) else str(item)
