"""Keeps fitted baselines as files: plain safetensors and JSON, beside the preparation of what they read.

::

    baseline.json           its name, what was fitted, the shape of its inputs and outputs, its scores
    baseline.safetensors    its arrays
    preparation.json        what leads from raw data to its inputs and from its outputs to answers
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.baselines.fitted_models import (
    MOST_BYTES,
    BaselineModel,
    LinearMap,
    answers,
    cut,
    model_from,
)
from evo_nas.tasks.baselines.ridge import BLOCK
from evo_nas.tasks.dataset import Objective, Sequences, Windows
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset
    from evo_nas.tasks.metrics import Metric
    from evo_nas.tasks.preparation import Preparation

FORMAT = 1
BASELINE_FILE, ARRAYS_FILE, PREPARATION_FILE = "baseline.json", "baseline.safetensors", "preparation.json"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What makes a fitted baseline one that can be kept.

    Attributes:
        preparation: From raw data to what baselines read, and from their outputs to answers.
        validation: Returns the validation metric of a model, NaN where it cannot answer for the whole part. It chooses
            which baseline is recommended, and no baseline learns from it.
    """

    preparation: Preparation
    validation: Callable[[BaselineModel], float]

    @classmethod
    def of_networks(cls, dataset: Dataset) -> Keeping | None:
        """Returns that of baselines that read what networks read; None where there is no preparation of raw data."""
        part, metric = dataset.validation, dataset.metric
        if dataset.preparation is None or dataset.episodes is not None:
            return None
        if isinstance(part, Windows):
            return cls(dataset.preparation, lambda model: _score_of_windows(model, part, metric))
        if not isinstance(part, Sequences):
            return None
        return cls.of_part(dataset.preparation, part, dataset)

    @classmethod
    def of_part(cls, preparation: Preparation, validation: Sequences, dataset: Dataset) -> Keeping | None:
        """Returns that of baselines that read sequences as ``preparation`` gives them.

        Args:
            preparation: From raw data to the sequences, and from outputs to answers.
            validation: The validation part as they read it.
            dataset: What else is known of the data.
        """
        targets = validation.targets
        if dataset.signature.per_step:
            if validation.scored is not None:
                if targets.dtype != np.int64:
                    return None  # there are no simple models of numbers at some steps
                targets = np.where(validation.scored, targets, -1)
            targets = np.concatenate(list(cut(targets, validation.lengths)))
        items = cut(validation.inputs, validation.lengths)
        return cls.of_sequences(preparation, lambda: (items, targets), metric=dataset.metric)

    @classmethod
    def of_sequences(
        cls,
        preparation: Preparation,
        part: Callable[[], tuple[Sequence[npt.NDArray[np.generic]], npt.NDArray[np.generic]]],
        *,
        metric: Metric,
    ) -> Keeping:
        """Returns that of baselines that read sequences.

        Args:
            preparation: From raw data to the sequences, and from outputs to answers.
            part: Returns the sequences of the validation part, ``(time, features)`` each, with their targets, or those
                of all their steps one after the other, where the class -1 does not count.
            metric: The metric of the data set.
        """

        def validation(model: BaselineModel) -> float:
            items, targets = part()
            # Classes of steps may not count; numbers may be below zero.
            counts = np.ones(len(targets), dtype=np.bool_)
            if targets.dtype == np.int64:
                counts = targets.astype(np.int64) >= 0
            return metric.score(answers(model, items)[counts], targets[counts])

        return cls(preparation, validation)


@dataclass(frozen=True, slots=True)
class KeptBaseline:
    """A baseline that was read from its files.

    Attributes:
        name: Its name, such as ``linear on changes``.
        model: What answers.
        signature: Shape of its inputs and outputs.
        objective: What its outputs are, as for a network.
        facts: All that ``baseline.json`` says.
    """

    name: str
    model: BaselineModel
    signature: Signature
    objective: Objective
    facts: Mapping[str, Any]


class _BaselineFile(BaseModel):
    """``baseline.json``."""

    model_config = ConfigDict(extra="ignore")

    format: int
    name: str
    kind: str
    settings: dict[str, Any]
    signature: Signature
    objective: Objective


def slug(name: str) -> str:
    """Returns the name of a baseline as that of a folder, such as ``linear-on-changes``."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def can_keep(model: BaselineModel, dataset: Dataset) -> bool:
    """Returns whether a model answers for what networks answer for, and is small enough to be kept."""
    return model.per_step == dataset.signature.per_step and model.size <= MOST_BYTES


def kept_files(
    name: str, model: BaselineModel, dataset: Dataset, keeping: Keeping, *, scores: Mapping[str, float]
) -> dict[str, bytes]:
    """Returns the content of each file of a fitted baseline by name.

    Args:
        name: Its name.
        model: The model; one that `can_keep` permits.
        dataset: The data set, whose signature and recipe the files hold.
        keeping: What it reads.
        scores: Its metric on each part by name.
    """
    preparation = keeping.preparation
    if dataset.preparation is not None:
        preparation = preparation.with_recipe(dataset.preparation.recipe)
    steps = model.steps if isinstance(model, LinearMap) and not model.per_step else dataset.signature.steps
    inputs = preparation.inputs
    if isinstance(inputs, WindowInputs):
        # A season may be longer than the window of networks.
        steps = max(inputs.window, steps)
        preparation = replace(preparation, inputs=replace(inputs, window=steps))
    features = inputs.features if dataset.signature.features else 0
    facts = {
        "format": FORMAT,
        "name": name,
        "metric": dataset.metric.name,
        **scores,
        "kind": model.kind,
        "settings": model.settings,
        "signature": asdict(replace(dataset.signature, features=features, steps=steps)),
        "objective": dataset.objective,
    }
    arrays = {field: np.ascontiguousarray(array) for field, array in model.arrays.items()}
    return {
        BASELINE_FILE: (json.dumps(facts, indent=2) + "\n").encode(),
        ARRAYS_FILE: save(arrays),
        PREPARATION_FILE: (preparation.to_json() + "\n").encode(),
    }


def read_kept(facts: bytes, arrays: bytes) -> KeptBaseline:
    """Returns the baseline of the two files.

    Args:
        facts: Content of ``baseline.json``.
        arrays: Content of ``baseline.safetensors``.

    Raises:
        DataError: A file is damaged, of a newer format, or does not fit the other.
    """
    try:
        read = _BaselineFile.model_validate_json(facts)
        if read.format > FORMAT:
            raise DataError(
                f"{BASELINE_FILE} has format {read.format}; this evo-nas reads up to {FORMAT}: install a newer one"
            )
        model = model_from(read.kind, load(arrays), read.settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its start"
        raise DataError(f"{BASELINE_FILE} is damaged at {where}: {first['msg']}; export it again") from error
    except SafetensorError as error:
        raise DataError(f"{ARRAYS_FILE} is damaged: {error}; export it again") from error
    return KeptBaseline(read.name, model, read.signature, read.objective, json.loads(facts))


def _score_of_windows(model: BaselineModel, windows: Windows, metric: Metric) -> float:
    """Returns the metric of a model on all of ``windows``; NaN if some have fewer rows before them than it reads."""
    steps = model.steps if isinstance(model, LinearMap) else windows.window
    if (windows.rows_before() < steps).any():
        return math.nan  # a score on the others would choose among models that answer for different rows
    whole = replace(windows, window=steps)
    blocks = (whole.cut(slice(start, start + BLOCK)) for start in range(0, len(whole), BLOCK))
    sums = [metric.statistic(model(block.inputs), block.targets.astype(np.float32)) for block in blocks]
    return metric.value(np.sum(sums, axis=0))
