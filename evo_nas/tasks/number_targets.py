"""The data set of sequences whose targets are numbers: standardised for networks, scored in original units."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from evo_nas.data.labelled_parts import groups_of_parts
from evo_nas.data.padding import lengths_of
from evo_nas.data.scaling import Scaler
from evo_nas.data.splitting import PARTS
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import NumberAnswers
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.metrics import regression_metric
from evo_nas.tasks.preparation import Preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.data.labelled_parts import Division
    from evo_nas.data.statistics import Statistics
    from evo_nas.tasks.metrics import RegressionMetric
    from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs

    Array = npt.NDArray[np.generic]
    Numeric = npt.NDArray[np.float64]

ArrayT = TypeVar("ArrayT", bound="Array")


def numbers_dataset(
    name: str,
    division: Division[ArrayT],
    prepared: Callable[[Examples[ArrayT]], Array],
    *,
    inputs: NumericInputs | TokenInputs,
    metric: RegressionMetric,
    statistics: Statistics,
) -> Dataset:
    """Returns the data set of sequences whose labels are numbers ``(targets,)``.

    Args:
        name: A name for displays.
        division: The sequences of the training, validation and test part.
        prepared: Makes one array from the sequences of a part.
        inputs: What was done to them, for sequences to come.
        metric: What search optimises, in the units of the targets.
        statistics: What of the inputs was learnt from the training part.

    Raises:
        DataError: A target is the same in the whole training part, or too far from it elsewhere.
    """
    parts = division.parts
    targets = {part: _targets(examples) for part, examples in parts.items()}
    _check(parts, targets, metric)
    scaler = Scaler.fitted(targets["train"])

    def sequences(part: str) -> Sequences:
        examples = parts[part]
        scaled = scaler(
            targets[part], place=lambda row, target: f"{examples.where[row]}, target {target + 1}"
        )
        return Sequences(prepared(examples), scaled, lengths_of(examples.items))

    mean, scale = (tuple(values.tolist()) for values in (scaler.mean, scaler.scale))
    return Dataset(
        name=name,
        signature=Signature(inputs.features, len(scale), vocabulary=len(inputs.vocabulary)),
        objective=Objective.MSE,
        # Networks predict standardised targets; people read errors in the units of the files.
        metric=regression_metric(metric, scale),
        train=sequences("train"),
        validation=sequences("validation"),
        test=sequences("test"),
        vocabulary=inputs.vocabulary,
        groups=groups_of_parts({part: parts[part] for part in PARTS}),
        remarks=parts["train"].remarks,
        missing=parts["train"].missing,
        has_target_holes=any(bool(np.isnan(values).any()) for values in targets.values()),
        preparation=Preparation(inputs, NumberAnswers(mean, scale)),
        statistics=replace(statistics, targets=True),
        resampling=ExampleResampling(division.redrawing),
    )


def _targets(examples: Examples[ArrayT]) -> Numeric:
    widths = {np.shape(label) for label in examples.labels}
    if len(widths) > 1:
        raise DataError(
            f"{examples.source}: targets have the shapes {sorted(widths)}; all must have the same"
        )
    return np.stack([np.asarray(label, dtype=np.float64) for label in examples.labels])


def _check(
    parts: Mapping[str, Examples[ArrayT]], targets: Mapping[str, Numeric], metric: RegressionMetric
) -> None:
    width = targets["train"].shape[1]
    for part, values in targets.items():
        if values.shape[1] != width:
            raise DataError(
                f"{parts[part].source}: the {part} part has {values.shape[1]} targets; must have {width}, as training"
            )
        for number, column in enumerate(values.T, start=1):
            known = column[~np.isnan(column)]
            # A constant leaves nothing to learn, and a share of no variance is no number.
            if (part == "train" or metric == "r2") and (not len(known) or np.ptp(known) == 0):
                why = "there is nothing to learn" if part == "train" else "r2 is undefined there"
                what = f"{known[0]:g}" if len(known) else "missing"
                raise DataError(
                    f"{parts[part].source}: target {number} is {what} in the whole {part} part; {why}: check the "
                    "column, or split otherwise"
                )
