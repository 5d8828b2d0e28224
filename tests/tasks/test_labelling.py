from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.baselines.fitting import TrainTest
from evo_nas.tasks.baselines.generic import generic_baselines
from evo_nas.tasks.classification import SequenceOptions
from evo_nas.tasks.labelling import LabellingTask


def test_a_class_for_every_step_is_needed(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "\n".join(["a,label", *(f"{row * row},{'up' if row % 2 else 'down'}" for row in range(40))])
    )
    with pytest.raises(DataError, match="every step needs a label; name the column of the sequence"):
        LabellingTask(SequenceOptions(path=(path,))).read()


def test_steps_that_are_padding_are_not_scored(tmp_path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(40, 6))
    labels[::2, 4:] = -100
    np.savez(tmp_path / "a.npz", x=rng.normal(size=(40, 6, 2)), y=labels)
    prepared = LabellingTask(SequenceOptions(path=(tmp_path / "a.npz",))).read()
    dataset = prepared.dataset
    assert dataset.classes == ("0", "1")
    assert sum(int(part.scored.sum()) for part in dataset.parts.values()) == 200
    assert any("40 steps were not scored" in remark for remark in dataset.remarks)
    assert all(result.score is not None for result in prepared.fit_baselines().values())


def test_steps_that_are_not_scored_are_neighbours_of_those_that_are(tmp_path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 30, 1))
    labels = np.roll(values[..., 0] > 0, 1, axis=1).astype(np.int64)
    labels[rng.random(labels.shape) < 0.6] = -100
    np.savez(tmp_path / "a.npz", x=values, y=labels)
    prepared = LabellingTask(SequenceOptions(path=(tmp_path / "a.npz",))).read()
    dataset = prepared.dataset
    both = TrainTest(dataset.train, dataset.test)
    for baselines in (prepared.baselines, generic_baselines(both, dataset)):
        assert baselines["logistic regression"]().score < 0.65
        assert baselines["logistic regression on 13 steps"]().score > 0.85
