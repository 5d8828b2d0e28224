"""Data that a Python program holds: a data set from arrays, and the task that hands it to a search."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np

from evo_nas.data.examples import Examples
from evo_nas.data.labelled import split_examples
from evo_nas.data.options import StrictOptions
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.data.splitting import PARTS, Rows, SplitOptions, split_rows
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.arrays import array_baselines
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import CLASSIFICATION, ERRORS, error_metric
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.tasks.metrics import ErrorMetric

    Numbers = npt.NDArray[np.float64]
    Items = Sequence[npt.NDArray[np.generic]]
    Inputs = npt.NDArray[np.generic] | Sequence[npt.ArrayLike]
    Pair = tuple[Inputs, npt.ArrayLike | Sequence[npt.ArrayLike]]
    """Inputs and targets of one part."""

Kind = Literal["classification", "labelling", "regression"]
_METRICS = {"classification": CLASSIFICATION, "labelling": CLASSIFICATION, "regression": ERRORS}
_SPLIT = SplitOptions(duplicates="drop")


class InMemoryOptions(StrictOptions):
    """The task ``in_memory`` has no options: a Python program hands its data over."""


class InMemoryTask(Task[InMemoryOptions]):
    """A data set that a Python program holds; `dataset_from_arrays` makes one.

    Args:
        options: Nothing.
        dataset: The data; None where a configuration names this task, which cannot hold them.
    """

    kind = "in_memory"
    Options = InMemoryOptions

    def __init__(self, options: InMemoryOptions, dataset: Dataset | None = None) -> None:
        super().__init__(options)
        self._dataset = dataset

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Returns the task whose data are ``dataset``."""
        return cls(InMemoryOptions(), dataset)

    @classmethod
    def sample(cls, folder: Path) -> Self:  # noqa: ARG003 - it writes no file
        """Returns a classification of 60 sequences of 2 to 5 steps."""
        rng = np.random.default_rng(0)
        inputs = [rng.normal(size=(rng.integers(2, 6), 3)) for _ in range(60)]
        targets = ["up" if item.sum() > 0 else "down" for item in inputs]
        return cls.of(dataset_from_arrays(inputs, targets, kind="classification"))

    def read(self) -> Prepared:
        """Returns the data set as it is; see `Task.read`."""
        return Prepared(self._held, partial(array_baselines, self._held))

    def fingerprint(self) -> dict[str, str]:
        """Returns the SHA-256 of each array in hex by its name, such as ``train.inputs``, and of all other facts."""
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        facts: dict[str, object] = {}
        for name, value in _fields(self._held):
            if isinstance(value, np.ndarray):
                arrays[name] = value
            elif name not in {"name", "remarks", "missing"}:  # they are for people and change no result
                facts[name] = value
        hashes = {name: _sha256(array) for name, array in arrays.items()}
        return hashes | {"facts": hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()}

    @property
    def _held(self) -> Dataset:
        if self._dataset is None:
            raise DataError(
                "task.kind is in_memory, but no data were handed over: they are in no file; search or resume from "
                "Python with evo_nas.search(..., dataset=...)"
            )
        return self._dataset


def dataset_from_arrays(
    inputs: Inputs,
    targets: npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    kind: Kind,
    validation: Pair | None = None,
    test: Pair | None = None,
    split: SplitOptions = _SPLIT,
    metric: str | None = None,
) -> Dataset:
    """Returns a data set from arrays in memory, split without leakage and standardised with training statistics.

    Args:
        inputs: Numbers ``(n, time, features)``, or ``(n, time)`` for one feature; integers ``(n, time)`` are ids of
            tokens, from 0. A list may hold one array ``(time, features)`` or ``(time,)`` for each sequence, of
            different lengths.
        targets: For ``classification`` a class for each sequence, ``(n,)``; for ``labelling`` a class for each step,
            ``(n, time)`` or a list of arrays ``(time,)``; for ``regression`` numbers ``(n,)`` or ``(n, outputs)``.
            Classes are numbers or texts.
        kind: What the targets are.
        validation: Inputs and targets of the validation part; otherwise ``split`` takes it from ``inputs``.
        test: Inputs and targets of the test part; otherwise ``split`` takes it from ``inputs``.
        split: How parts are taken. By default sequences that are in two parts are dropped from the one that is used
            earlier.
        metric: A name such as ``accuracy``, ``macro_f1``, ``mcc``, ``nll``, ``mse``, ``mae`` or ``rmse``; accuracy,
            or the mean squared error of a regression, if not given.

    Raises:
        DataError: Shapes or types do not fit, values are missing, or parts cannot be made.
    """
    if kind not in _METRICS:
        raise DataError(f"kind is {kind!r}; must be one of {', '.join(_METRICS)}")
    name = metric or next(iter(_METRICS[kind]))
    if name not in _METRICS[kind]:
        raise DataError(f"metric is {name!r}; must be one of {', '.join(_METRICS[kind])} for a {kind}")
    pairs = {"train": (inputs, targets), "validation": validation, "test": test}
    arrays = {part: _checked(part, pair, kind) for part, pair in pairs.items() if pair is not None}
    _check_same_width(arrays)
    make = _regression if kind == "regression" else partial(_of_classes, per_step=kind == "labelling")
    dataset = make(arrays, split, name)
    dropped = sum(map(len, (pair.items for pair in arrays.values()))) - sum(map(len, dataset.parts.values()))
    remarks = (
        (f"{dropped:,} sequences were dropped, since they are in another part as well",) if dropped else ()
    )
    return dataclasses.replace(dataset, remarks=remarks)


class _Pair(NamedTuple):
    """Checked inputs, ids ``(time,)`` or values ``(time, features)`` each, and their targets."""

    items: list[npt.NDArray[np.generic]]
    targets: list[Any]

    @property
    def features(self) -> int:
        """Values of a step; 0 for tokens."""
        return self.items[0].shape[1] if self.items[0].ndim == 2 else 0


def _checked(part: str, pair: Pair, kind: Kind) -> _Pair:
    items = [np.asarray(item) for item in pair[0]]
    targets = list(pair[1])  # type: ignore[arg-type]  # numbers alone have no length, which the next lines say
    if not items or len(items) != len(targets):
        raise DataError(
            f"{part} has {len(items)} inputs and {len(targets)} targets; must be as many, and at least one"
        )
    are_tokens = all(item.ndim == 1 and np.issubdtype(item.dtype, np.integer) for item in items)
    as_item = _tokens if are_tokens else _values
    items = [as_item(f"{part}, input {number}", item) for number, item in enumerate(items, start=1)]
    as_target = {"classification": _class, "labelling": _classes, "regression": _numbers}[kind]
    return _Pair(
        items,
        [
            as_target(f"{part}, target {number}", target, len(item))
            for number, (item, target) in enumerate(zip(items, targets, strict=True), start=1)
        ],
    )


def _tokens(place: str, item: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    ids = item.astype(np.int64)
    if not len(ids) or ids.min() < 0:
        raise DataError(f"{place} is {item!r:.60}; must be one id of a token or more, from 0")
    return ids


def _values(place: str, item: npt.NDArray[np.generic]) -> Numbers:
    try:
        values = item.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{place} is no array of numbers; must be (time, features)") from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or not values.size:
        raise DataError(
            f"{place} has shape {item.shape}; must be (time, features), or (time,) for one feature"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{place} has a missing or infinite value; mend it or leave the sequence out")
    return values


def _class(place: str, target: npt.ArrayLike, steps: int) -> str:  # noqa: ARG001 - one class, whatever the length
    label = np.asarray(target)
    if label.ndim:
        raise DataError(
            f"{place} has shape {label.shape}; must be one class: for one at each step choose labelling"
        )
    return str(label)


def _classes(place: str, target: npt.ArrayLike, steps: int) -> npt.NDArray[np.str_]:
    labels = np.asarray(target)
    if labels.shape != (steps,):
        raise DataError(f"{place} has shape {labels.shape}; must be ({steps},), a class for each step")
    return labels.astype(np.str_)


def _numbers(place: str, target: npt.ArrayLike, steps: int) -> Numbers:  # noqa: ARG001 - numbers of all steps
    try:
        numbers = np.atleast_1d(np.asarray(target, dtype=np.float64))
    except (TypeError, ValueError):
        raise DataError(f"{place} is {target!r:.60}; must be a number, or a list of numbers") from None
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise DataError(f"{place} is {target!r:.60}; must be finite numbers, (n,) or (n, outputs) in all")
    return numbers


def _check_same_width(arrays: Mapping[str, _Pair]) -> None:
    """Refuses inputs, and numbers to predict, that differ in their width from the first one of training."""
    first = arrays["train"]
    width = np.size(first.targets[0])
    is_regression = isinstance(first.targets[0], np.ndarray) and first.targets[0].dtype == np.float64
    for part, (items, targets) in arrays.items():
        for number, item in enumerate(items, start=1):
            if item.ndim != first.items[0].ndim or item.shape[1:] != first.items[0].shape[1:]:
                raise DataError(
                    f"{part}, input {number} has shape {item.shape} and the first of train {first.items[0].shape}; "
                    "must have the same number of features at every step"
                )
        for number, target in enumerate(targets, start=1):
            if is_regression and len(target) != width:
                raise DataError(
                    f"{part}, target {number} has {len(target)} numbers; must be {width}, as the first"
                )


def _of_classes(arrays: Mapping[str, _Pair], split: SplitOptions, metric: str, *, per_step: bool) -> Dataset:
    files = {part: Examples("the arrays", pair.items, pair.targets) for part, pair in arrays.items()}
    parts = split_examples(files, split)
    as_inputs, vocabulary = _inputs(arrays, parts.train.items)

    def sequences(examples: Examples[npt.NDArray[np.generic]]) -> Sequences:
        targets = padded(parts.step_targets(examples), np.int64) if per_step else parts.targets(examples)
        return Sequences(as_inputs(examples.items), targets, lengths_of(examples.items))

    return Dataset(
        name="labelling of arrays" if per_step else "classification of arrays",
        signature=Signature(
            arrays["train"].features, len(parts.classes), vocabulary=len(vocabulary), per_step=per_step
        ),
        objective=Objective.CROSS_ENTROPY,
        metric=CLASSIFICATION[metric],
        train=sequences(parts.train),
        validation=sequences(parts.validation),
        test=sequences(parts.test),
        classes=parts.classes,
        vocabulary=vocabulary,
    )


def _regression(arrays: Mapping[str, _Pair], split: SplitOptions, metric: str) -> Dataset:
    items = [item for pair in arrays.values() for item in pair.items]
    targets = np.stack([target for pair in arrays.values() for target in pair.targets])
    ends = np.cumsum([len(pair.items) for pair in arrays.values()]).tolist()
    positions = {part: np.arange(*ends_of) for part, *ends_of in zip(arrays, [0, *ends], ends, strict=False)}
    del positions["train"]  # the rest, of which parts that are not given are cut
    rows = Rows("the arrays", contents=[item.tobytes() + str(item.shape).encode() for item in items])
    where = split_rows(rows, split, given=positions)
    of_part = {part: [items[position] for position in where[part].tolist()] for part in PARTS}
    as_inputs, vocabulary = _inputs(arrays, of_part["train"])
    scaler = Scaler.fitted(targets[where["train"]])
    parts = {
        part: Sequences(as_inputs(some), scaler(targets[where[part]]), lengths_of(some))
        for part, some in of_part.items()
    }
    return Dataset(
        name="regression of arrays",
        signature=Signature(arrays["train"].features, targets.shape[1], vocabulary=len(vocabulary)),
        objective=Objective.MSE,
        # Networks predict standardised targets; people read errors in the units of the arrays.
        metric=error_metric(cast("ErrorMetric", metric), tuple(scaler.scale.tolist())),
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        vocabulary=vocabulary,
    )


def _inputs(
    arrays: Mapping[str, _Pair], training: Items
) -> tuple[Callable[[Items], npt.NDArray[np.generic]], tuple[str, ...]]:
    """Returns what makes one array from the inputs of a part, and the vocabulary of tokens."""
    if arrays["train"].features:
        scaler = Scaler.fitted(np.concatenate(training).astype(np.float64))
        return lambda items: padded([scaler(item.astype(np.float64)) for item in items], np.float32), ()
    # Ids that occur only in held-out parts need a place as well; that there are such ids tells nothing of targets.
    most = max(int(item.max()) for pair in arrays.values() for item in pair.items)
    return lambda items: padded(items, np.int64), tuple(map(str, range(most + 1)))


def _fields(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Yields the fields of a data set and of its parts, by their dotted names."""
    assert dataclasses.is_dataclass(value)
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if field.name == "metric":  # a partial of a function has an address in its representation
            inner = inner.name
        if field.name in PARTS:
            yield from _fields(inner, f"{field.name}.")
        else:
            yield f"{at}{field.name}", inner


def _sha256(array: npt.NDArray[np.generic]) -> str:
    shape = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(shape + np.ascontiguousarray(array).tobytes()).hexdigest()
