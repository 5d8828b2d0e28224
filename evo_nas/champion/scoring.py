"""`score_of`: how good predictions of a file are, by the metric of the task, and in which units that is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from evo_nas.data.labelled_parts import PADDING_LABELS
from evo_nas.errors import DataError
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers
from evo_nas.tasks.metrics import (
    CLASSIFICATION,
    ERRORS,
    MULTI_LABEL,
    REGRESSION,
    error_metric,
    mase,
    smape,
)
from evo_nas.tasks.quantiles import wql
from evo_nas.tasks.raw_panels import PanelInputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.tasks.answers import NumberAnswers
    from evo_nas.tasks.metrics import ErrorMetric, Metric
    from evo_nas.tasks.preparation import Preparation
    from evo_nas.tasks.raw_files import RawFile

    Outputs = npt.NDArray[np.float32]

_UNITS = {
    "mse": "the squared units of the file",
    "mae": "the units of the file",
    "rmse": "the units of the file",
    "mase": "naive errors of training",
    "smape": "percent",
    "wql": "shares of the sum of all values",
}


@dataclass(frozen=True, slots=True)
class Score:
    """How good predictions are.

    Attributes:
        metric: The name of the metric.
        value: Its value.
        count: How many sequences, or forecasts, were judged.
        units: What its value is in; empty if it has no units.
        of: What was judged.
    """

    metric: str
    value: float
    count: int
    units: str = ""
    of: str = "sequence"

    @property
    def sentence(self) -> str:
        """The score for people."""
        units = f", in {self.units}," if self.units else ""
        return f"{self.metric} {self.value:.4g}{units} on {self.count:,} {self.of}{'s' if self.count != 1 else ''}"


def score_of(preparation: Preparation, read: RawFile, outputs: Outputs, *, per_step: bool) -> Score:
    """Returns how good ``outputs`` are for what a file says.

    Args:
        preparation: What leads from outputs to answers, and names the metric of the task.
        read: The file, which has the truth of each sequence.
        outputs: What the network says of each.
        per_step: Whether it says something of each step.

    Raises:
        DataError: The file has other numbers, classes or labels than those that are predicted, or none.
    """
    answers, named = preparation.answers, preparation.options.get("metric", "")
    if isinstance(answers, LabelAnswers):
        metric = MULTI_LABEL.get(named, MULTI_LABEL["nll_per_frame"])
        said = np.concatenate([outputs[at, : len(truth)] for at, truth in enumerate(read.truths)])
        return Score(metric.name, metric.score(said, np.concatenate(list(read.truths))), len(read))
    if isinstance(answers, ClassAnswers):
        metric = CLASSIFICATION.get(named, CLASSIFICATION["accuracy"])
        return Score(
            metric.name, metric.score(*_judged(answers, read, outputs, per_step=per_step)), len(read)
        )
    truths = np.stack(list(read.truths)).astype(np.float64)
    if answers.horizon:
        return _of_forecasts(preparation, answers, read, outputs, truths)
    metric = REGRESSION.get(named, REGRESSION["mae"])
    truths = truths.reshape(len(read), -1)
    values = answers(outputs).astype(np.float32)
    if truths.shape != values.shape:
        raise DataError(
            f"the file has {truths.shape[1]} numbers for each sequence; the network predicts {values.shape[1]}"
        )
    units = _UNITS.get(metric.name, "")
    return Score(metric.name, metric.score(values, truths.astype(np.float32)), len(read), units)


def _of_forecasts(
    preparation: Preparation,
    answers: NumberAnswers,
    read: RawFile,
    outputs: Outputs,
    truths: npt.NDArray[np.float64],
) -> Score:
    """Judges forecasts as training did: standardised, with a metric that brings units back if it has some."""
    sizes = 1.0 if read.sizes is None else read.sizes[:, None, None]
    targets = (truths / sizes - np.array(answers.mean)) / np.array(answers.scale)  # (n, horizon, targets)
    if np.isnan(targets).all():
        raise DataError("the file has no value of the rows that are forecast; leave the score out")
    metric, units = _forecast_metric(preparation, answers)
    value = metric.score(outputs, targets.reshape(len(read), -1).astype(np.float32))
    return Score(metric.name, value, len(read), units, of="forecast")


def _forecast_metric(preparation: Preparation, answers: NumberAnswers) -> tuple[Metric, str]:
    levels, scale, options = answers.quantiles, answers.scale, preparation.options
    name = options.get("metric") or ("wql" if levels else "mae")
    if name == "wql":
        return wql(levels, scale, answers.mean), _UNITS[name]
    if name == "smape":
        return smape(scale, answers.mean, levels), _UNITS[name]
    if isinstance(preparation.inputs, PanelInputs):
        # Each series is in units of its own naive error.
        return mase((1.0,), (1.0,), levels), "naive errors of each series"
    if name == "mase" and answers.naive_errors:
        return mase(scale, answers.naive_errors, levels), _UNITS[name]
    # A champion that was kept before its naive errors were is judged without them.
    name = cast("ErrorMetric", name if name in ERRORS else "mae")
    if options.get("units") == "deviations":
        what = "squared deviations" if name == "mse" else "deviations"
        return error_metric(name, (1.0,), levels), f"{what} of the targets in training"
    return error_metric(name, scale, levels), _UNITS[name]


def _judged(
    answers: ClassAnswers, read: RawFile, outputs: Outputs, *, per_step: bool
) -> tuple[Outputs, npt.NDArray[np.int64]]:
    """Returns outputs and classes of all that has a label."""
    ids = {name: number for number, name in enumerate(answers.classes)}
    truths = read.truths if per_step else [[truth] for truth in read.truths]
    said, wanted = [], []
    for at, truth in enumerate(truths):
        if per_step and len(truth) != read.steps(at):
            raise DataError(
                f"{read.unit} {read.names[at]} has {read.steps(at)} steps and {len(truth)} labels; must have as many"
            )
        for step, label in enumerate(map(str, truth)):
            if label in PADDING_LABELS:
                continue
            if label not in ids:
                raise DataError(
                    f"{read.unit} {read.names[at]} has the class {label!r}, which the network does not know; must be "
                    f"one of {', '.join(map(repr, answers.classes[:10]))}{', ...' if len(ids) > 10 else ''}"
                )
            said.append(outputs[at, step] if per_step else outputs[at])
            wanted.append(ids[label])
    if not wanted:
        raise DataError("the file has no label; leave the score out")
    return np.stack(said), np.array(wanted, dtype=np.int64)
