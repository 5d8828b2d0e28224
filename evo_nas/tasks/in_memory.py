"""The task for data in memory; `arrays.dataset_from_arrays` makes such data from arrays."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.options import StrictOptions
from evo_nas.data.splitting import PARTS
from evo_nas.errors import DataError
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.baselines.generic import generic_baselines
from evo_nas.tasks.baselines.keeping import Keeping
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Part

_FOR_PEOPLE = frozenset(
    {"name", "groups", "remarks", "missing", "preparation", "statistics", "resampling", "cuts"}
)
"""Fields of a data set that change no result, or follow from the others."""
_LATER = frozenset({"episodes"})
"""Fields that came later: without a value they are left out, so that runs from before them can be resumed."""


class InMemoryOptions(StrictOptions):
    """The task ``in_memory`` has no options: a Python program hands its data over."""


class InMemoryTask(Task[InMemoryOptions]):
    """A data set that a Python program holds; it is used as it is.

    Args:
        options: Nothing.
        dataset: The data; None if only a configuration names this task, since a file cannot hold them.
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
        """Checks the data set; see `Task.read`.

        Raises:
            DataError: No data were handed over, or their types or shapes are not those of a `Dataset`.
        """
        dataset = self._held
        for name, part in dataset.parts.items():
            if not len(part):
                raise DataError(f"{name} is empty; must hold at least one example")
            if isinstance(part, Sequences):
                _check_inputs(name, part, dataset)
                _check_targets(name, part, dataset)
            _check_episodes(name, part, dataset)
        return Prepared.of(
            dataset,
            dataset.parts,
            partial(generic_baselines, dataset=dataset),
            keeping=Keeping.of_networks(dataset),
        )

    def family(self) -> Prepared:
        """Checks the data set, whose parts must be episodes; see `Task.family`."""
        return super().family() if self._held.episodes is None else self.read()

    def fingerprint(self) -> dict[str, str]:
        """Returns the SHA-256 of each array in hex by its name, such as ``train.inputs``, and of all other facts."""
        arrays: dict[str, str] = {}
        facts: dict[str, object] = {}
        for name, value in _fields(self._held):
            if isinstance(value, np.ndarray):
                arrays[name] = _sha256(value)
            else:
                facts[name] = value
        resampling = self._held.resampling
        if isinstance(resampling, ExampleResampling) and resampling.redrawing.by != "rows":
            # Neither groups nor times are in the arrays, and they decide the cuts.
            arrays["resampling"] = resampling.redrawing.digest()
        return arrays | {"facts": hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()}

    @property
    def _held(self) -> Dataset:
        if self._dataset is None:
            raise DataError(
                "task.kind is in_memory, but its data are in no file; search or resume from Python, with "
                "evo_nas.search(..., dataset=...)"
            )
        if not isinstance(self._dataset, Dataset):
            raise DataError(
                f"dataset is a {type(self._dataset).__name__}; must be a Dataset, as dataset_from_arrays makes one"
            )
        return self._dataset


def _check_episodes(name: str, part: Part, dataset: Dataset) -> None:
    size = dataset.episodes
    if size is None:
        return
    if not isinstance(part, Sequences) or min(size) < 1 or len(part) % size.examples:
        raise DataError(
            f"{name} has {len(part)} examples and episodes is {tuple(size)}; must be sequences, so many to adapt to "
            "and so many to be measured on, of whole episodes"
        )


def _check_inputs(name: str, part: Sequences, dataset: Dataset) -> None:
    vocabulary, features = dataset.signature.vocabulary, dataset.signature.features
    inputs = part.inputs
    if vocabulary:
        if inputs.dtype != np.int64 or inputs.ndim != 2 or not _in_range(inputs, vocabulary):
            raise DataError(
                f"{name}.inputs is {_kind_of(inputs)}; must be int64 (n, time) of ids from 0 to {vocabulary - 1}"
            )
    elif inputs.dtype != np.float32 or inputs.ndim != 3 or inputs.shape[2] != features:
        raise DataError(f"{name}.inputs is {_kind_of(inputs)}; must be float32 (n, time, {features})")
    elif not np.isfinite(inputs.astype(np.float64)).all():
        raise DataError(f"{name}.inputs has a missing or infinite value; mend it or leave the sequence out")


def _check_targets(name: str, part: Sequences, dataset: Dataset) -> None:
    targets, outputs = part.targets, dataset.signature.outputs
    steps = part.inputs.shape[:2] if dataset.signature.per_step else part.inputs.shape[:1]
    if dataset.objective is Objective.CROSS_ENTROPY:
        if targets.dtype != np.int64 or targets.shape != steps or not _in_range(targets, outputs):
            raise DataError(
                f"{name}.targets is {_kind_of(targets)}; must be int64 {steps} of classes from 0 to {outputs - 1}"
            )
        return
    wanted = (*steps, outputs // max(len(dataset.quantiles), 1))
    if targets.dtype != np.float32 or targets.shape != wanted:
        raise DataError(f"{name}.targets is {_kind_of(targets)}; must be float32 {wanted}")
    if not _are_usable(targets, has_holes=dataset.has_target_holes):
        raise DataError(
            f"{name}.targets has a missing or infinite value; mend it, leave the sequence out, or mark what is not "
            "known as NaN and set has_target_holes, where a sequence needs at least one known target"
        )


def _are_usable(targets: npt.NDArray[np.generic], *, has_holes: bool) -> bool:
    known = np.isfinite(targets.astype(np.float64)).reshape(len(targets), -1)
    if not has_holes:
        return bool(known.all())
    return bool(known.any(axis=1).all()) and not np.isinf(targets.astype(np.float64)).any()


def _in_range(ids: npt.NDArray[np.generic], count: int) -> bool:
    numbers = ids.astype(np.int64)
    return bool(0 <= numbers.min() <= numbers.max() < count)


def _kind_of(array: npt.NDArray[np.generic]) -> str:
    return f"{array.dtype} {array.shape}"


def _fields(value: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Yields the fields of a data set and of its parts that decide a search, by their dotted names."""
    assert dataclasses.is_dataclass(value)
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if field.name in PARTS:
            yield from _fields(inner, f"{field.name}.")
        elif field.name == "metric":
            yield "metric", inner.name  # its functions have addresses in their representation, which change
        elif field.name not in _FOR_PEOPLE and not (field.name in _LATER and inner is None):
            yield f"{at}{field.name}", inner


def _sha256(array: npt.NDArray[np.generic]) -> str:
    header = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()
