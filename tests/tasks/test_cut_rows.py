"""Sequences of both parts are chosen and put into one array, whatever their lengths and targets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.data.redrawing import Redrawing
from evo_nas.genome.architecture import Signature
from evo_nas.tasks.arrays import dataset_from_arrays
from evo_nas.tasks.cuts.examples import ExampleCut, ExampleResampling
from evo_nas.tasks.cuts.making import with_cuts
from evo_nas.tasks.cuts.rows import rows_of
from evo_nas.tasks.dataset import Dataset, Objective, Sequences
from evo_nas.tasks.few_shot import FewShotOptions, FewShotTask
from evo_nas.tasks.metrics import ACCURACY
from evo_nas.tasks.registry import TASKS


def steps_with_labels(lengths: list[int], *, padded_to: int, first: int) -> Sequences:
    """Returns sequences that count on from ``first``; the label of each step is its parity, every third counts."""
    inputs = np.zeros((len(lengths), padded_to, 1), dtype=np.float32)
    for row, length in enumerate(lengths):
        inputs[row, :length, 0] = first + 100 * row + np.arange(length)
    targets = (inputs[..., 0] % 2).astype(np.int64)
    return Sequences(inputs, targets, np.array(lengths), inputs[..., 0] % 3 == 0)


def labelled(train: list[int], validation: list[int]) -> Dataset:
    return Dataset(
        name="parity of steps",
        signature=Signature(1, 2, per_step=True),
        objective=Objective.CROSS_ENTROPY,
        metric=ACCURACY,
        train=steps_with_labels(train, padded_to=max(train), first=1000),
        validation=steps_with_labels(validation, padded_to=max(validation), first=5000),
        test=steps_with_labels([3], padded_to=3, first=9000),
    )


@given(
    st.lists(st.integers(1, 9), min_size=3, max_size=8),
    st.lists(st.integers(1, 9), min_size=3, max_size=8),
    st.randoms(use_true_random=False),
)
def test_every_chosen_sequence_keeps_its_steps_targets_and_what_counts(train, validation, random) -> None:
    dataset = labelled(train, validation)
    total = len(train) + len(validation)
    positions = np.array(sorted(random.sample(range(total), random.randint(1, total))))
    rows = rows_of(dataset, positions)
    lengths = [*train, *validation]
    assert rows.inputs.shape[1] == max(lengths[position] for position in positions)
    for row, position in enumerate(positions.tolist()):
        part, at = (
            (dataset.train, position)
            if position < len(train)
            else (dataset.validation, position - len(train))
        )
        assert isinstance(part, Sequences)
        length = lengths[position]
        assert np.array_equal(rows.inputs[row, :length], part.inputs[at, :length])
        assert not rows.inputs[row, length:].any()
        assert np.array_equal(rows.targets[row, :length], part.targets[at, :length])
        assert rows.scored is not None
        assert part.scored is not None
        assert np.array_equal(rows.scored[row, :length], part.scored[at, :length])
        assert (rows.inputs.shape[1] if rows.lengths is None else rows.lengths[row]) == length


def test_networks_keep_their_shape_when_the_longest_sequence_is_learnt() -> None:
    dataset = labelled([3, 2, 4, 3, 4, 2], [9, 8, 9])
    dataset = replace(dataset, resampling=ExampleResampling(Redrawing.of_rows(train=6, validation=3)))
    cut = with_cuts(dataset, 2).of_cut(1)
    assert cut.train.inputs.shape[1] == 9  # type: ignore[union-attr]
    assert cut.signature == dataset.signature
    assert cut.signature.steps == 4


def test_parts_without_padding_but_of_different_lengths_are_padded_together() -> None:
    rng = np.random.default_rng(0)
    train, validation = (
        (rng.normal(size=(count, steps, 1)), rng.integers(0, 2, count)) for count, steps in ((20, 3), (10, 5))
    )
    dataset = dataset_from_arrays(
        *train, kind="classification", validation=validation, test=(rng.normal(size=(4, 3, 1)), [0, 1, 0, 1])
    )
    cut = with_cuts(dataset, 2).of_cut(1)
    assert isinstance(cut.train, Sequences)
    assert cut.train.lengths is not None
    assert set(cut.train.lengths.tolist()) == {3, 5}
    counted = np.concatenate(
        [row[:length, 0] for row, length in zip(cut.train.inputs, cut.train.lengths, strict=True)]
    )
    assert counted.mean() == pytest.approx(0, abs=1e-5)
    assert counted.std() == pytest.approx(1, abs=1e-5)


def test_words_that_training_does_not_have_are_no_inputs(tmp_path) -> None:
    rows = [
        f"s{number},{step + number / 7},{'storm' if number == 7 else 'calm'},{'up' if number % 2 else 'down'}"
        for number in range(30)
        for step in range(3)
    ]
    (tmp_path / "steps.csv").write_text("\n".join(["who,x,sky,label", *rows]))
    options = {
        "path": tmp_path / "steps.csv",
        "sequence": "who",
        "categorical": ["sky"],
        "label": "label",
        "inputs": ["x"],
    }
    task = TASKS["classification"]
    dataset = with_cuts(task(task.Options.model_validate(options)).read().dataset, 9)
    storms = []
    for number in range(9):
        cut = dataset.of_cut(number)
        parts = [part.inputs[..., list(dataset.statistics.words)] for part in cut.parts.values()]  # type: ignore[union-attr]
        assert set(np.unique(np.concatenate(parts))) <= {0.0, 1.0}
        storms.append([bool((part.sum(axis=(0, 1)) > 0).all()) for part in parts])
    # Whether a cut learns of storms depends on where the only stormy sequence is; none asks without having learnt.
    assert any(learnt for learnt, _, _ in storms)
    assert not any(asked and not learnt for learnt, asked, _ in storms)


def test_classes_that_are_asked_change_no_episode_that_is_learnt(tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(96, 5, 2)) + np.repeat(np.arange(8), 12)[:, None, None]
    trains = []
    for spoilt in (False, True):
        if spoilt:
            first = trains[0][0]
            assert isinstance(first.validation, list)
            which = np.isin(np.repeat(np.arange(8), 12), [int(name) for name in first.validation])
            values[which] = 40 - 3 * values[which]
        np.savez(tmp_path / "shapes.npz", x=values, y=np.repeat(np.arange(8), 12))
        task = FewShotTask(FewShotOptions(path=(tmp_path / "shapes.npz",), episodes=40))
        dataset = with_cuts(task.read().dataset, 2)
        trains.append((dataset.cuts[0], dataset.of_cut(1).train))
    one, other = (train for _, train in trains)
    assert isinstance(one, Sequences)
    assert isinstance(other, Sequences)
    assert np.allclose(one.inputs, other.inputs, atol=1e-4)
    assert np.array_equal(one.targets, other.targets)


def test_few_shot_cuts_ask_classes_that_no_other_part_has(tmp_path) -> None:
    dataset = with_cuts(FewShotTask.sample(tmp_path).read().dataset, 3)
    asked = [set(cut.validation) for cut in dataset.cuts]  # type: ignore[attr-defined]
    assert not asked[0] & asked[1]
    for cut in dataset.cuts:
        assert not set(cut.train) & set(cut.validation)  # type: ignore[attr-defined]
        assert not {*cut.train, *cut.validation} & set(cut.classes.by_part["test"])  # type: ignore[attr-defined]


def test_what_a_cut_divides_by_is_divided_in_inputs_and_targets() -> None:
    dataset = Dataset(
        "numbers",
        Signature(1, 1),
        Objective.MSE,
        ACCURACY,
        *(
            Sequences(np.full((count, 2, 1), 6, np.float32), np.full((count, 1), 12, np.float32))
            for count in (3, 2, 1)
        ),
    )
    cut = ExampleCut(
        np.array([0, 4]), np.array([1]), "", np.array([1, 2, 1, 1, 3], dtype=np.float32)
    ).applied(dataset)
    assert isinstance(cut.train, Sequences)
    assert isinstance(cut.validation, Sequences)
    assert cut.train.inputs[:, 0, 0].tolist() == [6, 2]
    assert cut.train.targets[:, 0].tolist() == [12, 4]
    assert cut.validation.targets[:, 0].tolist() == [6]
