"""Labelled examples as files hold them, before anything is learnt from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

import numpy as np

from evo_nas.errors import DataError
from evo_nas.tasks.metrics import CLASSIFICATION
from evo_nas.tasks.splitting import Rows, split_rows
from evo_nas.tasks.task import Dataset, Loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.genome.architecture import Signature
    from evo_nas.tasks.metrics import ClassificationMetric
    from evo_nas.tasks.splitting import SplitOptions
    from evo_nas.tasks.task import Sequences

    Label = str | npt.NDArray[np.str_]

Item = TypeVar("Item")


class _LabelledOptions(Protocol):
    @property
    def metric(self) -> ClassificationMetric: ...

    @property
    def class_weights(self) -> Literal["none", "balanced"]: ...


MAX_CLASSES = 10_000


@dataclass(frozen=True)
class Examples(Generic[Item]):
    """Sequences with a label each.

    Attributes:
        source: Files they come from, for messages.
        items: Texts, or arrays ``(time, features)``.
        labels: Classes; an array ``(time,)`` each where every step has one.
        groups: What must stay together in a split; None if nothing must.
        remarks: What was guessed, a sentence each.
        missing: How many values of each column are missing, where there are columns.
    """

    source: str
    items: Sequence[Item]
    labels: Sequence[Label]
    groups: Sequence[str] | None = None
    remarks: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.items)

    def joined(self, other: Examples[Item]) -> Examples[Item]:
        """Returns these examples followed by ``other``."""
        if (self.groups is None) != (other.groups is None):
            raise DataError(
                f"{self.source} and {other.source}: only one of them has groups; give both or none"
            )
        return replace(
            self,
            items=[*self.items, *other.items],
            labels=[*self.labels, *other.labels],
            groups=None if self.groups is None else [*self.groups, *(other.groups or ())],
            missing=summed([self.missing, other.missing]),
        )

    def chosen(self, positions: npt.NDArray[np.int64]) -> Examples[Item]:
        """Returns the examples at ``positions``."""
        where = positions.tolist()
        return replace(
            self,
            items=[self.items[position] for position in where],
            labels=[self.labels[position] for position in where],
            groups=None if self.groups is None else [self.groups[position] for position in where],
        )


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
        """Returns the classes of examples with a label a step, int64 ``(time,)`` each."""
        positions = {name: position for position, name in enumerate(self.classes)}
        return [
            np.array([positions[str(name)] for name in label], dtype=np.int64) for label in examples.labels
        ]

    def dataset(
        self,
        name: str,
        sequences: Callable[[Examples[Item]], Sequences],
        *,
        signature: Signature,
        options: _LabelledOptions,
        vocabulary: tuple[str, ...] = (),
    ) -> Dataset:
        """Returns what is learnt from these parts, of which ``sequences`` makes arrays."""
        return Dataset(
            name=name,
            signature=signature,
            loss=Loss.CROSS_ENTROPY,
            metric=CLASSIFICATION[options.metric],
            train=sequences(self.train),
            validation=sequences(self.validation),
            test=sequences(self.test),
            class_weights=self._balanced_weights(signature) if options.class_weights == "balanced" else None,
            classes=self.classes,
            vocabulary=vocabulary,
            remarks=self.train.remarks,
            missing=self.train.missing,
        )

    def _balanced_weights(self, signature: Signature) -> npt.NDArray[np.float32]:
        """Returns factors ``(classes,)`` that make all classes weigh alike, 1 on average over the training part."""
        per_step = signature.per_step
        targets = np.concatenate(self.step_targets(self.train)) if per_step else self.targets(self.train)
        counts = np.bincount(targets, minlength=len(self.classes))
        return (len(targets) / (len(self.classes) * counts)).astype(np.float32)


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Returns the sum of ``counts`` by name, zeros included."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def split_examples(files: Mapping[str, Examples[Item]], options: SplitOptions) -> LabelledParts[Item]:
    """Splits examples; ``files`` holds those to be cut as ``train``, and parts that have files of their own.

    Raises:
        DataError: Parts cannot be made, there is one class only, or training misses a class.
    """
    everything, given = files["train"], {}
    for part in ("validation", "test"):
        if part in files:
            start = len(everything)
            everything = everything.joined(files[part])
            given[part] = np.arange(start, len(everything))
    labels = [label for label in everything.labels if isinstance(label, str)]
    rows = Rows(
        everything.source,
        contents=list(map(_content, everything.items)),
        strata=labels or None,
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
    for part in ("validation", "test"):
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
    """Orders numbers by value, before words."""
    return (float(name) if name.lstrip("-").isdigit() else float("inf"), name)


def _content(item: object) -> str | bytes:
    """Returns what an item is the same by."""
    return item.tobytes() + str(item.shape).encode() if isinstance(item, np.ndarray) else str(item)
