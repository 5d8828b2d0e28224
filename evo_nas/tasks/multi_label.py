"""Sequences of sets, such as the keys of polyphonic music: each frame is predicted from those before it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
from pydantic import Field

from evo_nas.data.array_files import are_numbers, array_named, is_arrays, read_arrays
from evo_nas.data.examples import Examples, Places, joined
from evo_nas.data.options import StrictOptions
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.paths import DataPath
from evo_nas.data.redrawing import Redrawing
from evo_nas.data.split_remarks import remarks_on_split, remarks_on_time, remarks_on_validation
from evo_nas.data.splitting import PARTS, Rows, SplitOptions, split_rows
from evo_nas.errors import DataError
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.answers import LabelAnswers
from evo_nas.tasks.cuts.examples import ExampleResampling
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.example_sums import Scored
from evo_nas.tasks.metrics import MULTI_LABEL, MultiLabelMetric
from evo_nas.tasks.preparation import Preparation
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.task import Prepared, Task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    import numpy.typing as npt

    from evo_nas.tasks.baselines.fitting import Fit, TrainTest

    Frames = npt.NDArray[np.float32]
    Sums = npt.NDArray[np.float64]

PSEUDO_COUNT = 1.0
"""It is added to the counts of the baselines, so that no key is impossible."""
Name = Annotated[str, Field(min_length=1)]


class MultiLabelOptions(StrictOptions):
    """Options of the task ``multi_label``.

    Attributes:
        path: NPZ or MAT file with arrays of sequences ``(time, keys)`` of 0 and 1.
        train: Array of the training part, or of all sequences if they are to be split.
        validation: Array of the validation part; otherwise it is taken from ``train``.
        test: Array of the test part; otherwise it is taken from ``train``.
        split: How sequences are divided into parts, where no arrays are given; there are no groups and no classes.
        metric: What search optimises: ``nll_per_frame`` in nats, summed over the keys; or, for the keys that are more
            likely on than off, ``frame_accuracy`` or ``f1``.
    """

    path: DataPath = Field(examples=["chorales.npz"])
    train: Name = "train"
    validation: Name | None = None
    test: Name | None = None
    split: SplitOptions = SplitOptions()
    metric: MultiLabelMetric = "nll_per_frame"


class _Songs(NamedTuple):
    """The sequences of each part, what should be known of the split, and how other parts are drawn."""

    train: list[Frames]
    validation: list[Frames]
    test: list[Frames]
    remarks: tuple[str, ...]
    redrawing: Redrawing


class MultiLabelTask(Task[MultiLabelOptions]):
    """Frames of 0 and 1; the target of each step is the next frame, so the first frame is never predicted."""

    kind = "multi_label"
    Options = MultiLabelOptions

    @classmethod
    def sample(cls, folder: Path) -> Self:
        """Returns 30 sequences of 6 frames with 4 random keys."""
        path = folder / "chords.npz"
        np.savez(path, train=np.random.default_rng(0).integers(0, 2, size=(30, 6, 4)))
        return cls(MultiLabelOptions(path=path))

    def read(self) -> Prepared:
        """Reads the sequences; see `Task.read`."""
        songs = self._songs()
        keys = songs.train[0].shape[1]
        dataset = Dataset(
            name="multi-label sequences",
            signature=Signature(features=keys, outputs=keys, per_step=True),
            objective=Objective.BINARY_CROSS_ENTROPY,
            metric=MULTI_LABEL[self.options.metric],
            train=_shifted(songs.train),
            validation=_shifted(songs.validation),
            test=_shifted(songs.test),
            causal=True,
            remarks=(
                f"{keys} keys per frame, {np.mean([frame.sum(axis=1).mean() for frame in songs.train]):.2f} on",
                *songs.remarks,
            ),
            resampling=ExampleResampling(songs.redrawing),
            preparation=Preparation(
                KeyInputs(keys), LabelAnswers(tuple(str(key + 1) for key in range(keys)), ahead=True)
            ),
        )
        parts = {"train": songs.train, "validation": songs.validation, "test": songs.test}
        return Prepared.of(dataset, parts, self._baselines)

    def _baselines(self, songs: TrainTest[list[Frames]]) -> dict[str, Fit]:
        """Returns what fits each key's frequency, and a Markov chain for each key."""
        guesses = {"frequency of keys": _frequencies, "Markov chain per key": _markov_chain}
        return {name: partial(self._score, guess, songs) for name, guess in guesses.items()}

    def _score(
        self, guess: Callable[[TrainTest[list[Frames]]], Sums], songs: TrainTest[list[Frames]]
    ) -> Scored:
        wanted = np.concatenate([frames[1:] for frames in songs.test])
        return Scored.of(MULTI_LABEL[self.options.metric], _logit(guess(songs)), wanted)

    def _songs(self) -> _Songs:
        options = self.options
        if not is_arrays(options.path):
            raise DataError(f"{options.path} is no file of arrays; must be .npz or .mat")
        arrays = read_arrays(options.path)
        names = {"train": options.train, "validation": options.validation, "test": options.test}
        songs = {part: self._frames(arrays, name) for part, name in names.items() if name is not None}
        for part, some in songs.items():
            if some[0].shape[1] != songs["train"][0].shape[1]:
                raise DataError(
                    f"{options.path}: {names[part]} has {some[0].shape[1]} keys and {options.train} "
                    f"{songs['train'][0].shape[1]}; must have the same keys"
                )
        everything = joined([self._examples(str(names[part]), some) for part, some in songs.items()])
        ends = np.cumsum([len(some) for some in songs.values()]).tolist()
        given = {
            part: np.arange(start, end)
            for part, start, end in zip(list(songs)[1:], ends, ends[1:], strict=False)
        }
        contents = [frames.tobytes() for frames in everything.items]
        rows = Rows(everything.source, contents, places=everything.places)
        parts = split_rows(rows, options.split, given=given)
        train, validation, test = (
            [everything.items[position] for position in parts[part].tolist()] for part in PARTS
        )
        remarks = remarks_on_validation(len(validation), steps=sum(map(len, validation)), targets="sets")
        said = (*remarks_on_time(rows, options.split, given), *remarks_on_split(rows, parts))
        redrawing = Redrawing.of(rows, parts, options.split, given=given)
        return _Songs(train, validation, test, (*said, *remarks), redrawing)

    def _examples(self, name: str, songs: list[Frames]) -> Examples[Frames]:
        source = str(self.options.path)
        return Examples(
            source,
            songs,
            labels=[""] * len(songs),
            places=Places.of(f"{source}, {name}", "sequence", range(1, len(songs) + 1)),
        )

    def _frames(self, arrays: dict[str, npt.NDArray[np.generic]], name: str) -> list[Frames]:
        path = self.options.path
        sequences = [np.asarray(sequence) for sequence in array_named(path, arrays, name)]
        for number, frames in enumerate(sequences, start=1):
            if frames.ndim != 2 or len(frames) < 2 or frames.shape[1] != sequences[0].shape[1]:
                raise DataError(
                    f"{path}: sequence {number} of {name} has shape {frames.shape}; must be (time, keys) with at "
                    "least 2 frames and the same keys everywhere"
                )
            if not are_numbers(frames) or not np.isin(frames, (0.0, 1.0)).all():
                raise DataError(f"{path}: sequence {number} of {name} has values other than 0 and 1")
        if not sequences:
            raise DataError(f"{path}: {name} is empty; must hold at least one sequence")
        return [frames.astype(np.float32) for frames in sequences]


def _frequencies(songs: TrainTest[list[Frames]]) -> Sums:
    learnt = songs.train
    rate = _rate(sum(frames[1:].sum(axis=0) for frames in learnt), sum(len(frames) - 1 for frames in learnt))
    steps = sum(len(frames) - 1 for frames in songs.test)
    return np.broadcast_to(rate, (steps, len(rate)))


def _markov_chain(songs: TrainTest[list[Frames]]) -> Sums:
    learnt = songs.train
    # The probability that a key is on after it was off, and after it was on.
    after: list[Sums] = []
    for state in (0.0, 1.0):
        was = [frames[:-1] == state for frames in learnt]
        rises = sum((frames[1:] * mask).sum(axis=0) for frames, mask in zip(learnt, was, strict=True))
        after.append(_rate(rises, sum(mask.sum(axis=0) for mask in was)))
    before = np.concatenate([frames[:-1] for frames in songs.test])
    return np.where(before > 0, after[1], after[0])


def _shifted(sequences: list[Frames]) -> Sequences:
    inputs, targets = [frames[:-1] for frames in sequences], [frames[1:] for frames in sequences]
    return Sequences(padded(inputs, np.float32), padded(targets, np.float32), lengths_of(inputs))


def _rate(rises: Sums | int, total: Sums | int) -> Sums:
    return (np.asarray(rises, dtype=np.float64) + PSEUDO_COUNT) / (np.asarray(total) + 2 * PSEUDO_COUNT)


def _logit(probability: Sums) -> Frames:
    return np.log(probability / (1 - probability)).astype(np.float32)
