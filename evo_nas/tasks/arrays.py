"""Makes a data set from arrays or frames in memory: checks, splits without leakage and standardises them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

import numpy as np

from evo_nas.data.examples import Examples, Places
from evo_nas.data.features import Features
from evo_nas.data.holes import Missing
from evo_nas.data.labelled_parts import split_examples, split_files
from evo_nas.data.layout import Layout
from evo_nas.data.memory import Kind, Reading
from evo_nas.data.padding import padded
from evo_nas.data.splitting import PARTS, SplitOptions
from evo_nas.data.statistics import NOTHING_LEARNT, Statistics
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import ClassAnswers
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import CLASSIFICATION, REGRESSION
from evo_nas.tasks.number_targets import numbers_dataset
from evo_nas.tasks.numeric_files import recorded
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.data.memory import CheckedPair, Pair
    from evo_nas.tasks.metrics import ClassificationMetric, Metric, RegressionMetric

    Array = npt.NDArray[np.generic]
    Numbers = npt.NDArray[np.float64]
    Shape = Callable[[Array], tuple[int, ...]]

_METRICS = {"classification": CLASSIFICATION, "labelling": CLASSIFICATION, "regression": REGRESSION}
_SOURCE = "the arrays"
# Sequences of tokens are often equal, and a program has no configuration that says what to do with them.
_SPLIT = SplitOptions(duplicates="drop")


def dataset_from_arrays(  # noqa: PLR0913 - one keyword for each thing that a data set is made of
    inputs: Any,
    targets: Any,
    *,
    kind: Kind,
    sequence: str | None = None,
    missing: Missing = "refuse",
    validation: Pair | None = None,
    test: Pair | None = None,
    groups: Any = None,
    split: SplitOptions = _SPLIT,
    metric: ClassificationMetric | RegressionMetric | None = None,
) -> Dataset:
    """Returns a data set from arrays or frames; numbers are standardised with the statistics of the training part.

    Args:
        inputs: Numbers ``(n, time, features)``, or ``(n, time)`` for one feature; integers ``(n, time)`` are ids of
            tokens, from 0. A list may hold one array ``(time, features)`` or ``(time,)``, or one frame, for each
            sequence; their lengths may differ. A frame is a table of pandas, Polars or Arrow. One frame for all has a
            step in each row, if ``sequence`` or the first level of pandas' index names the sequence of each row, and a
            whole sequence of one feature otherwise. Columns are matched by their names.
        targets: For ``classification`` a class for each sequence, ``(n,)``; for ``labelling`` a class for each step,
            ``(n, time)`` or a list of arrays ``(time,)``; for ``regression`` numbers ``(n,)`` or ``(n, outputs)``.
            Classes are numbers or texts. Of a frame, the name of a column.
        kind: What the targets are.
        sequence: Column of a frame with the name of each row's sequence; the rows of one are in the order of time.
        missing: What becomes of NaN: ``refuse``, ``mask``, ``interpolate`` or ``previous``. Unless it is refused, a
            number of several targets may be missing, too, and then does not count.
        validation: Inputs and targets of the validation part; otherwise ``split`` takes it from ``inputs``.
        test: Inputs and targets of the test part; otherwise ``split`` takes it from ``inputs``.
        groups: Name of what each sequence of ``inputs`` belongs to, such as a person, ``(n,)``, or the name of a
            column: whole groups are drawn. Pairs have them as a third item then, and no group may be in two parts.
        split: How parts are taken. By default a sequence that is in two parts is dropped from the one that is used
            earlier: training before validation before test.
        metric: ``accuracy`` (the default), ``macro_f1``, ``mcc`` or ``nll`` for classes; ``rmse`` (the default),
            ``mae``, ``mse`` or ``r2`` for numbers, in the units of ``targets``.

    Raises:
        DataError: Shapes or types do not fit, values are missing, or parts cannot be made.
    """
    for option, value, permitted in (("kind", kind, _METRICS), ("missing", missing, get_args(Missing))):
        if value not in permitted:
            raise DataError(f"{option} is {value!r}; must be one of {', '.join(permitted)}")
    name: str = metric or next(iter(_METRICS[kind]))
    if name not in _METRICS[kind]:
        raise DataError(f"metric is {name!r}; must be one of {', '.join(_METRICS[kind])} for {kind}")
    reading = Reading(kind, sequence, holes=missing != "refuse")
    train = reading.pair("train", (inputs, targets) if groups is None else (inputs, targets, groups))
    held_out = {"validation": validation, "test": test}
    given = {
        part: reading.pair(part, pair, columns=train.columns)
        for part, pair in held_out.items()
        if pair is not None
    }
    pairs = _Pairs({"train": train, **given}, missing)
    if kind == "regression":
        return _regression(pairs, split, cast("RegressionMetric", name))
    return _classes(pairs, split, CLASSIFICATION[name], per_step=kind == "labelling")


class _Fitted(NamedTuple):
    """What prepares inputs, what is to be said of it, and what of it was learnt from the training part."""

    inputs: NumericInputs | TokenInputs
    remarks: tuple[str, ...]
    statistics: Statistics


@dataclass(frozen=True)
class _Pairs:
    """The parts that were given, and what becomes of their holes."""

    parts: Mapping[str, CheckedPair]
    missing: Missing

    def __post_init__(self) -> None:
        inputs = {part: pair.items for part, pair in self.parts.items()}
        _check_shapes("input", inputs, lambda item: item.shape[1:])

    def examples(self) -> dict[str, Examples[Array]]:
        """Returns the sequences of each part with their targets as labels."""
        return {
            part: Examples(
                _SOURCE,
                pair.items,
                pair.targets,
                pair.groups,
                places=Places.of(part, "input", range(1, len(pair.items) + 1)),
                features=() if pair.rows_are_sequences else pair.columns,
                layout=Layout(pair.columns if pair.rows_are_sequences else ()),
            )
            for part, pair in self.parts.items()
        }

    @property
    def items(self) -> list[Array]:
        """The inputs of all parts, one part after the other."""
        return [item for pair in self.parts.values() for item in pair.items]

    def inputs(self, *parts: Examples[Array]) -> _Fitted:
        """Returns what the first of ``parts``, the training part, tells of inputs."""
        if not self.parts["train"].features:
            # Ids that occur only in held-out parts need an embedding, too; training does not change it.
            most = max(int(item.astype(np.int64).max()) for item in self.items)
            return _Fitted(TokenInputs(tuple(map(str, range(most + 1)))), (), NOTHING_LEARNT)
        features = Features.fitted(cast("tuple[Examples[Numbers], ...]", parts), self.missing)
        return _Fitted(recorded(features), features.remarks, features.statistics)


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


def _classes(pairs: _Pairs, split: SplitOptions, metric: Metric, *, per_step: bool) -> Dataset:
    parts = split_examples(pairs.examples(), split)
    inputs, remarks, statistics = pairs.inputs(parts.train, parts.validation, parts.test)

    def sequences(examples: Examples[Array]) -> Sequences:
        prepared, lengths = inputs.padded(examples.items, places=examples.where)
        if per_step:
            targets = padded(parts.step_targets(examples), np.int64)
            return Sequences(prepared, targets, lengths, parts.scored(examples))
        return Sequences(prepared, parts.targets(examples), lengths)

    return Dataset(
        name="labelling of arrays" if per_step else "classification of arrays",
        signature=Signature(
            inputs.features, len(parts.classes), vocabulary=len(inputs.vocabulary), per_step=per_step
        ),
        objective=Objective.CROSS_ENTROPY,
        metric=metric,
        train=sequences(parts.train),
        validation=sequences(parts.validation),
        test=sequences(parts.test),
        classes=parts.classes,
        vocabulary=inputs.vocabulary,
        groups=parts.groups,
        remarks=(*parts.train.remarks, *remarks),
        preparation=Preparation(inputs, ClassAnswers(parts.classes)),
        statistics=statistics,
        resampling=ExampleResampling(parts.redrawing),
    )


def _regression(pairs: _Pairs, split: SplitOptions, metric: RegressionMetric) -> Dataset:
    _check_shapes(
        "target", {part: pair.targets for part, pair in pairs.parts.items()}, lambda target: target.shape
    )
    division = split_files(pairs.examples(), split)
    inputs, remarks, statistics = pairs.inputs(*(division.parts[part] for part in PARTS))
    dataset = numbers_dataset(
        "regression of arrays",
        division,
        lambda examples: inputs.padded(examples.items, places=examples.where)[0],
        inputs=inputs,
        metric=metric,
        statistics=statistics,
    )
    return replace(dataset, remarks=(*dataset.remarks, *remarks))
