"""Makes a data set from arrays in memory: checks, splits without leakage and standardises them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import numpy as np

from evo_nas.data.examples import Examples, Places, joined
from evo_nas.data.labelled_parts import split_examples
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.data.split_remarks import groups_of, remarks_on_split
from evo_nas.data.splitting import PARTS, Rows, SplitOptions, split_rows
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import CLASSIFICATION, ERRORS, error_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.examples import Label
    from evo_nas.tasks.metrics import ClassificationMetric, ErrorMetric, Metric

    Array = npt.NDArray[np.generic]
    Numbers = npt.NDArray[np.float64]
    Arrays = npt.ArrayLike | Sequence[npt.ArrayLike]
    Groups = Sequence[object] | Array
    Pair = tuple[Arrays, Arrays] | tuple[Arrays, Arrays, Groups]
    """Inputs and targets of one part, and the name of the group of each sequence if there are groups."""
    Shape = Callable[[Array], tuple[int, ...]]

Kind = Literal["classification", "labelling", "regression"]
_METRICS = {"classification": CLASSIFICATION, "labelling": CLASSIFICATION, "regression": ERRORS}
_SOURCE = "the arrays"
# Sequences of tokens are often equal, and a program has no configuration that says what to do with them.
_SPLIT = SplitOptions(duplicates="drop")


def dataset_from_arrays(  # noqa: PLR0913 - one keyword for each thing that a data set is made of
    inputs: Arrays,
    targets: Arrays,
    *,
    kind: Kind,
    validation: Pair | None = None,
    test: Pair | None = None,
    groups: Groups | None = None,
    split: SplitOptions = _SPLIT,
    metric: ClassificationMetric | ErrorMetric | None = None,
) -> Dataset:
    """Returns a data set from arrays in memory; numbers are standardised with the statistics of the training part.

    Args:
        inputs: Numbers ``(n, time, features)``, or ``(n, time)`` for one feature; integers ``(n, time)`` are ids of
            tokens, from 0. A list may hold one array ``(time, features)`` or ``(time,)`` for each sequence; their
            lengths may differ.
        targets: For ``classification`` a class for each sequence, ``(n,)``; for ``labelling`` a class for each step,
            ``(n, time)`` or a list of arrays ``(time,)``; for ``regression`` numbers ``(n,)`` or ``(n, outputs)``.
            Classes are numbers or texts.
        kind: What the targets are.
        validation: Inputs and targets of the validation part; otherwise ``split`` takes it from ``inputs``.
        test: Inputs and targets of the test part; otherwise ``split`` takes it from ``inputs``.
        groups: Name of what each sequence of ``inputs`` belongs to, such as a person, ``(n,)``: whole groups are drawn.
            Pairs have them as a third item then, and no group may be in two parts.
        split: How parts are taken. By default a sequence that is in two parts is dropped from the one that is used
            earlier: training before validation before test.
        metric: ``accuracy`` (the default), ``macro_f1``, ``mcc`` or ``nll`` for classes; ``mse`` (the default),
            ``mae`` or ``rmse`` for numbers, in the units of ``targets``.

    Raises:
        DataError: Shapes or types do not fit, values are missing, or parts cannot be made.
    """
    if kind not in _METRICS:
        raise DataError(f"kind is {kind!r}; must be one of {', '.join(_METRICS)}")
    name: str = metric or next(iter(_METRICS[kind]))
    if name not in _METRICS[kind]:
        raise DataError(f"metric is {name!r}; must be one of {', '.join(_METRICS[kind])} for {kind}")
    training: Pair = (inputs, targets) if groups is None else (inputs, targets, groups)
    pairs = {"train": training, "validation": validation, "test": test}
    parts = {part: _checked(part, pair, kind) for part, pair in pairs.items() if pair is not None}
    _check_shapes("input", {part: pair.items for part, pair in parts.items()}, lambda item: item.shape[1:])
    if kind == "regression":
        return _regression(parts, split, cast("ErrorMetric", name))
    return _classes(parts, split, CLASSIFICATION[name], per_step=kind == "labelling")


class _Pair(NamedTuple):
    """Checked inputs, ids ``(time,)`` or values ``(time, features)`` each, a target for each, and perhaps a group."""

    items: list[Array]
    targets: Sequence[Label] | Sequence[Numbers]
    groups: list[str] | None = None

    @property
    def features(self) -> int:
        """Values of a step; 0 for tokens."""
        return self.items[0].shape[1] if self.items[0].ndim == 2 else 0


def _checked(part: str, pair: Pair, kind: Kind) -> _Pair:
    if not (isinstance(pair, tuple) and len(pair) in {2, 3}):
        raise DataError(f"{part} is a {type(pair).__name__}; must be a pair of inputs and targets")
    for what, arrays in zip(("inputs", "targets", "groups"), pair, strict=False):
        if not hasattr(arrays, "__len__"):
            raise DataError(f"{part} {what} is {arrays!r:.60}; must be an array or a list")
    raw, targets = (list(cast("Sequence[npt.ArrayLike]", arrays)) for arrays in pair[:2])
    if not raw or len(raw) != len(targets):
        raise DataError(
            f"{part} has {len(raw)} inputs and {len(targets)} targets; must have the same number of both, at least one"
        )
    items = [_array(f"{part}, input {number}", item) for number, item in enumerate(raw, start=1)]
    are_tokens = all(item.ndim == 1 and np.issubdtype(item.dtype, np.integer) for item in items)
    as_item = _tokens if are_tokens else _values
    checked = [as_item(f"{part}, input {number}", item) for number, item in enumerate(items, start=1)]
    groups = _groups(part, pair[2], len(checked)) if len(pair) == 3 else None
    places = [f"{part}, target {number}" for number in range(1, len(targets) + 1)]
    if kind == "labelling":
        lengths = map(len, checked)
        return _Pair(checked, list(map(_step_labels, places, targets, lengths)), groups)
    if kind == "regression":
        return _Pair(checked, list(map(_numbers, places, targets)), groups)
    return _Pair(checked, list(map(_label, places, targets)), groups)


def _groups(part: str, groups: Groups, count: int) -> list[str]:
    names = np.asarray(groups)
    if names.shape != (count,):
        raise DataError(
            f"{part} groups have shape {names.shape}; must be ({count},), a group for each sequence"
        )
    return [str(name) for name in names.tolist()]


def _array(place: str, item: npt.ArrayLike) -> Array:
    try:
        return np.asarray(item)
    except ValueError:  # of nested lists that differ in length
        raise DataError(f"{place} is no array; every step must have the same number of values") from None


def _tokens(place: str, item: Array) -> Array:
    ids = item.astype(np.int64)
    if not len(ids) or ids.min() < 0:
        raise DataError(f"{place} is {item.tolist()!s:.60}; must be at least one id of a token, from 0")
    return ids


def _values(place: str, item: Array) -> Array:
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


def _label(place: str, target: npt.ArrayLike) -> str:
    label = np.asarray(target)
    if label.ndim:
        raise DataError(
            f"{place} has shape {label.shape}; must be one class: for one at each step choose labelling"
        )
    return str(label)


def _step_labels(place: str, target: npt.ArrayLike, steps: int) -> npt.NDArray[np.str_]:
    labels = np.asarray(target)
    if labels.shape != (steps,):
        raise DataError(f"{place} has shape {labels.shape}; must be ({steps},), a class for each step")
    return labels.astype(np.str_)


def _numbers(place: str, target: npt.ArrayLike) -> Numbers:
    try:
        numbers = np.atleast_1d(np.asarray(target, dtype=np.float64))
    except (TypeError, ValueError):
        raise DataError(f"{place} is {target!r:.60}; must be a number, or a list of numbers") from None
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise DataError(f"{place} is {numbers.tolist()!s:.60}; must be a finite number, or a list of them")
    return numbers


def _check_shapes(what: str, arrays: Mapping[str, Sequence[Array]], shape: Shape) -> None:
    """Refuses arrays whose ``shape`` differs from that of the first one of the training part."""
    first = arrays["train"][0]
    for part, some in arrays.items():
        for number, array in enumerate(some, start=1):
            if shape(array) != shape(first):
                raise DataError(
                    f"{part}, {what} {number} has shape {array.shape}, the first of train {first.shape}; all must "
                    "have the same number of values"
                )


def _classes(arrays: Mapping[str, _Pair], split: SplitOptions, metric: Metric, *, per_step: bool) -> Dataset:
    labels = {part: cast("Sequence[Label]", pair.targets) for part, pair in arrays.items()}
    parts = split_examples(_examples(arrays, labels), split)
    as_array, vocabulary = _input_arrays(arrays, parts.train.items)

    def sequences(examples: Examples[Array]) -> Sequences:
        targets = padded(parts.step_targets(examples), np.int64) if per_step else parts.targets(examples)
        scored = parts.scored(examples) if per_step else None
        return Sequences(as_array(examples.items), targets, lengths_of(examples.items), scored)

    features, classes = arrays["train"].features, parts.classes
    return Dataset(
        name="labelling of arrays" if per_step else "classification of arrays",
        signature=Signature(features, len(classes), vocabulary=len(vocabulary), per_step=per_step),
        objective=Objective.CROSS_ENTROPY,
        metric=metric,
        train=sequences(parts.train),
        validation=sequences(parts.validation),
        test=sequences(parts.test),
        classes=classes,
        vocabulary=vocabulary,
        groups=parts.groups,
        remarks=parts.train.remarks,
    )


def _regression(arrays: Mapping[str, _Pair], split: SplitOptions, metric: ErrorMetric) -> Dataset:
    numbers = {part: cast("Sequence[Numbers]", pair.targets) for part, pair in arrays.items()}
    _check_shapes("target", numbers, lambda target: target.shape)
    items = [item for pair in arrays.values() for item in pair.items]
    targets = np.stack([target for some in numbers.values() for target in some])
    rows = _rows(arrays)
    where = split_rows(rows, split, given=_positions(arrays))
    as_array, vocabulary = _input_arrays(arrays, [items[position] for position in where["train"].tolist()])
    scaler = Scaler.fitted(targets[where["train"]])

    def sequences(part: str) -> Sequences:
        chosen = [items[position] for position in where[part].tolist()]
        return Sequences(as_array(chosen), scaler(targets[where[part]]), lengths_of(chosen))

    train, validation, test = map(sequences, PARTS)
    return Dataset(
        name="regression of arrays",
        signature=Signature(arrays["train"].features, targets.shape[1], vocabulary=len(vocabulary)),
        objective=Objective.MSE,
        # Networks predict standardised targets; people read errors in the units of the arrays.
        metric=error_metric(metric, tuple(scaler.scale.tolist())),
        train=train,
        validation=validation,
        test=test,
        vocabulary=vocabulary,
        groups={} if rows.groups is None else {part: groups_of(rows.groups, where[part]) for part in PARTS},
        remarks=remarks_on_split(rows, where),
    )


def _rows(arrays: Mapping[str, _Pair]) -> Rows:
    # Joined as files are, which refuses groups that only some of the pairs have.
    labels = {part: [""] * len(pair.items) for part, pair in arrays.items()}
    everything = joined(list(_examples(arrays, labels).values()))
    contents = [item.tobytes() + str(item.shape).encode() for item in everything.items]
    return Rows(_SOURCE, contents, groups=everything.groups, places=everything.places)


def _examples(
    arrays: Mapping[str, _Pair], labels: Mapping[str, Sequence[Label]]
) -> dict[str, Examples[Array]]:
    return {
        part: Examples(
            _SOURCE,
            pair.items,
            labels[part],
            pair.groups,
            places=Places.of(part, "input", range(1, len(pair.items) + 1)),
        )
        for part, pair in arrays.items()
    }


def _positions(arrays: Mapping[str, _Pair]) -> dict[str, npt.NDArray[np.int64]]:
    """Returns where the sequences of the held-out parts that were given lie among all, one after the other."""
    ends = np.cumsum([len(pair.items) for pair in arrays.values()]).tolist()
    ranges = {part: np.arange(*ends_of) for part, *ends_of in zip(arrays, [0, *ends], ends, strict=False)}
    return {part: positions for part, positions in ranges.items() if part != "train"}


def _input_arrays(
    arrays: Mapping[str, _Pair], training: Sequence[Array]
) -> tuple[Callable[[Sequence[Array]], Array], tuple[str, ...]]:
    """Returns what makes one array from the inputs of a part, and the vocabulary of tokens."""
    if arrays["train"].features:
        scaler = Scaler.fitted(np.concatenate(training).astype(np.float64))
        return lambda items: padded([scaler(item.astype(np.float64)) for item in items], np.float32), ()
    # Ids that occur only in held-out parts need an embedding, too; training does not change it.
    most = max(int(item.astype(np.int64).max()) for pair in arrays.values() for item in pair.items)
    return lambda items: padded(items, np.int64), tuple(map(str, range(most + 1)))
