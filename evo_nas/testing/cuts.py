"""The laws of `evo_nas.tasks.dataset.Cut` as tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from evo_nas.config import TrainingConfig
from evo_nas.errors import ConfigError, DataError
from evo_nas.evaluation import Status
from evo_nas.genome.architecture import Architecture, Layer
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.tasks.cuts.examples import ExampleCut
from evo_nas.tasks.cuts.making import with_cuts
from evo_nas.tasks.dataset import Dataset, Part, Sequences, Stream, Windows
from evo_nas.training.batches import prepare
from evo_nas.training.trainer import train

if TYPE_CHECKING:
    import numpy.typing as npt


CUTS = 3


class CutContract:
    """What holds for the cuts of every task; a task whose examples cannot be drawn anew skips it.

    `TaskContract` has these tests, too.
    """

    @pytest.fixture
    def dataset(self) -> Dataset:
        """The data that are cut."""
        raise NotImplementedError("override the fixture dataset")

    @pytest.fixture
    def resampled(self, dataset: Dataset) -> Dataset:
        """The data with three cuts."""
        try:
            return with_cuts(dataset, CUTS)
        except ConfigError as error:
            pytest.skip(f"it has no further cuts: {error}")

    def test_every_cut_has_the_shape_and_about_the_sizes_of_the_first(self, resampled: Dataset) -> None:
        for number in range(CUTS):
            cut = resampled.of_cut(number)
            assert cut.signature == resampled.signature
            assert cut.metric.name == resampled.metric.name
            assert len(resampled.validation) / 2 <= len(cut.validation) <= 2 * len(resampled.validation)
            assert len(cut.train) >= len(cut.validation) / 2
            assert len(cut.test) == len(resampled.test)
        with pytest.raises(DataError, match=rf"has no cut {CUTS}; must be 0 to {CUTS - 1}"):
            resampled.of_cut(CUTS)

    def test_no_two_cuts_are_validated_on_the_same(self, resampled: Dataset) -> None:
        if isinstance(resampled.train, Stream):
            # A text may repeat itself, so that the places of its pieces are compared.
            assert len({cut.said for cut in resampled.cuts}) == CUTS - 1
            return
        asked = [content(resampled.of_cut(number).validation) for number in range(CUTS)]
        assert len(set(asked)) == CUTS

    def test_a_cut_asks_nothing_that_it_learnt_and_leaves_the_test_part_alone(
        self, resampled: Dataset
    ) -> None:
        for number, chosen in enumerate(resampled.cuts, start=1):
            cut = resampled.of_cut(number)
            assert len(cut.test) == len(resampled.test)
            if isinstance(chosen, ExampleCut):
                # There are no positions beyond training and validation.
                total = len(resampled.train) + len(resampled.validation)
                assert not set(chosen.train.tolist()) & set(chosen.validation.tolist())
                assert max(chosen.train.max(), chosen.validation.max()) < total
            check_that_parts_are_apart(cut)

    def test_only_its_training_rows_decide_what_a_cut_learns_from(self, resampled: Dataset) -> None:
        for number in range(1, CUTS):
            before = resampled.of_cut(number).train
            assert content(poisoned(resampled, number).of_cut(number).train) == content(before)

    def test_cuts_are_the_same_however_many_there_are(self, resampled: Dataset, dataset: Dataset) -> None:
        fewer = with_cuts(dataset, CUTS - 1)
        for number in range(CUTS - 1):
            for one, other in zip(
                resampled.of_cut(number).parts.values(), fewer.of_cut(number).parts.values(), strict=True
            ):
                assert content(one) == content(other)

    def test_a_network_trains_on_a_cut(self, resampled: Dataset) -> None:
        architecture = Architecture(
            layers=(Layer(NAMED_CELLS["gru"], 4),), embedding=4 if resampled.signature.vocabulary else None
        )
        data = prepare(resampled.of_cut(CUTS - 1))
        outcome = train(architecture, data, TrainingConfig(), epochs=1, seed=1).outcome
        assert outcome.status is Status.OK, outcome.error


def content(part: Part) -> bytes:
    """Returns all that a network can see of a part."""
    plain = _plain(part)
    return b"".join(
        np.ascontiguousarray(array).tobytes()
        for array in (plain.inputs, plain.targets, plain.lengths, plain.scored)
        if array is not None
    )


def check_that_parts_are_apart(dataset: Dataset) -> None:
    """Fails if something that is asked in one part of ``dataset`` can be learnt from another one."""
    if isinstance(dataset.train, Windows):
        _check_windows(dataset)
    elif isinstance(dataset.train, Sequences) and not dataset.vocabulary:
        # Different texts may be equal when unknown words are replaced.
        rows = [
            {_row(part, row) for row in range(len(part))}
            for part in dataset.parts.values()
            if isinstance(part, Sequences)
        ]
        assert not rows[0] & rows[1]
        assert not rows[1] & rows[2]
        assert not rows[0] & rows[2]


def poisoned(dataset: Dataset, number: int) -> Dataset:
    """Returns data in which all that cut ``number`` must not learn from is something else."""
    cut = dataset.cuts[number - 1]
    train, validation, test = dataset.parts.values()
    if isinstance(cut, ExampleCut):
        assert isinstance(train, Sequences)
        assert isinstance(validation, Sequences)
        assert isinstance(test, Sequences)
        asked = cut.validation
        parts: tuple[Part, ...] = (
            _spoilt(train, asked[asked < len(train)]),
            _spoilt(validation, asked[asked >= len(train)] - len(train)),
            _spoilt(test, np.arange(len(test))),
        )
    elif isinstance(train, Windows):
        parts = _spoilt_rows(dataset, number)
    elif isinstance(train, Stream):
        parts = _spoilt_piece(dataset, number)
    else:
        return dataset
    return dataset.in_same_shape(**dict(zip(dataset.parts, parts, strict=True)))


def _spoilt(part: Sequences, where: npt.NDArray[np.int64]) -> Sequences:
    """Returns a part some of whose examples are other ones of the same lengths."""
    inputs = part.inputs.copy()
    inputs[where] = 0 if inputs.dtype == np.int64 else 1e3 + np.arange(inputs.shape[1])[None, :, None]
    if part.targets.dtype == np.int64:
        return replace(part, inputs=inputs)  # a class has no unit that could be learnt
    targets = part.targets.copy()
    targets[where] = 1 - targets[where]
    return replace(part, inputs=inputs, targets=targets)


def _spoilt_rows(dataset: Dataset, number: int) -> tuple[Part, ...]:
    first = dataset.of_cut(number).validation
    assert isinstance(first, Windows)
    starts = first.starts
    series = np.searchsorted(starts, np.arange(len(first.inputs)), side="right") - 1
    asked = np.searchsorted(starts, first.origins, side="right") - 1
    begins = np.full(len(starts), len(first.inputs))
    np.minimum.at(begins, asked, first.origins)
    is_later = np.arange(len(first.inputs)) >= begins[series]
    parts = []
    for part in dataset.parts.values():
        assert isinstance(part, Windows)
        inputs = np.where(is_later[:, None], np.float32(7e3), part.inputs)
        targets = np.where(is_later[:, None], np.float32(7e3), part.targets)
        parts.append(replace(part, inputs=inputs, targets=targets))
    return tuple(parts)


def _spoilt_piece(dataset: Dataset, number: int) -> tuple[Part, ...]:
    train, piece, test = dataset.train, dataset.of_cut(number).validation, dataset.test
    assert isinstance(train, Stream)
    assert isinstance(piece, Stream)
    assert isinstance(test, Stream)
    length = len(piece.tokens)
    stop = len(train.tokens) - (number - 1) * length
    tokens = train.tokens.copy()
    tokens[stop - length : stop] = 0
    return replace(train, tokens=tokens), dataset.validation, replace(test, tokens=np.zeros_like(test.tokens))


def _check_windows(dataset: Dataset) -> None:
    train, validation, test = (part for part in dataset.parts.values() if isinstance(part, Windows))
    for start, stop in zip(train.starts, [*train.starts[1:], len(train.inputs)], strict=True):
        learnt, asked, judged = (
            part.origins[(part.origins >= start) & (part.origins < stop)]
            for part in (train, validation, test)
        )
        if len(learnt) and len(asked):
            assert learnt.max() + train.horizon <= asked.min()
        if len(asked) and len(judged):
            assert asked.max() + train.horizon <= judged.min()


def _row(part: Sequences, row: int) -> bytes:
    length = part.inputs.shape[1] if part.lengths is None else int(part.lengths[row])
    return part.inputs[row, :length].tobytes()


def _plain(part: Part) -> Sequences:
    if isinstance(part, Windows):
        return part.cut()
    return Sequences(part.tokens[None, :-1], part.tokens[None, 1:]) if isinstance(part, Stream) else part
