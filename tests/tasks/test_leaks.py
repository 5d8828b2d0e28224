"""Statistics, vocabularies and examples of the training part never come from the other parts."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.registry import TASKS


def load(kind: str, **options):
    task = TASKS[kind]
    return task(task.Options.model_validate(options)).read().dataset


TIME = {"by": "time", "test": 0.2, "validation": 0.1}


def test_a_huge_value_in_the_test_part_leaves_numeric_training_as_it_was(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{row},{row % 7},{'up' if row % 2 else 'down'}" for row in range(60)]
    path.write_text("\n".join(["a,b,label", *lines]))
    before = load("classification", path=path, split=TIME).train.inputs
    path.write_text("\n".join(["a,b,label", *lines[:-1], "1e12,-1e12,up"]))
    assert np.array_equal(load("classification", path=path, split=TIME).train.inputs, before)


def test_a_huge_value_in_the_test_part_leaves_labelling_as_it_was(tmp_path) -> None:
    path = tmp_path / "steps.csv"
    lines = [f"s{row // 3},{row % 11},{'up' if row % 2 else 'down'}" for row in range(90)]
    path.write_text("\n".join(["who,x,label", *lines]))
    options = {"path": path, "sequence": "who", "split": {**TIME, "duplicates": "keep"}}
    before = load("labelling", **options).train.inputs
    path.write_text("\n".join(["who,x,label", *lines[:-1], "s29,1e12,up"]))
    assert np.array_equal(load("labelling", **options).train.inputs, before)


def test_words_of_the_test_part_alone_are_unknown(tmp_path) -> None:
    path = tmp_path / "lines.txt"
    lines = [f"{'wet' if n % 2 else 'dry'} cloud {n}" for n in range(40)]
    path.write_text("\n".join([*lines[:-1], "wet zeppelin"]))
    dataset = load("text_classification", path=path, split=TIME)
    assert "zeppelin" not in dataset.vocabulary
    assert dataset.test.inputs[-1, 0] == 0


def test_characters_of_the_last_part_alone_are_unknown(tmp_path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("abcdefgh " * 100 + "z" * 80)
    dataset = load("language_model", path=path, steps=8)
    assert "z" not in dataset.vocabulary
    assert dataset.test.tokens[-1] == 0


def test_parts_of_a_text_follow_each_other_without_overlap(tmp_path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("".join(chr(ord("a") + number % 26) for number in range(1000)))
    dataset = load("language_model", path=path, steps=8)
    ids = np.concatenate([part.tokens for part in (dataset.train, dataset.validation, dataset.test)])
    assert "".join(dataset.vocabulary[number] for number in ids) == path.read_text()


def test_a_frame_never_sees_itself(tmp_path) -> None:
    rng = np.random.default_rng(0)
    songs = rng.integers(0, 2, (20, 6, 3))
    np.savez(tmp_path / "a.npz", train=songs)
    train = load("multi_label", path=tmp_path / "a.npz").train
    assert np.array_equal(train.inputs[:, 1:], train.targets[:, :-1])


@pytest.mark.parametrize(
    "kind", ["multi_label", "language_model", "copy_memory", "few_shot", "formal_language"]
)
def test_what_forecasts_is_marked_as_causal(kind, tmp_path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "songs.npz", train=rng.integers(0, 2, (20, 6, 3)))
    np.savez(tmp_path / "shapes.npz", x=rng.normal(size=(96, 5, 2)), y=np.repeat(np.arange(8), 12))
    (tmp_path / "book.txt").write_text("abcdefgh " * 100)
    paths = {"multi_label": "songs.npz", "language_model": "book.txt", "few_shot": "shapes.npz"}
    options = {"path": tmp_path / paths[kind]} if kind in paths else {}
    assert load(kind, **options).causal


@pytest.mark.parametrize(
    "kind", ["adding", "copy_memory", "dyck", "formal_language", "mnist1d", "parity", "sines"]
)
def test_drawn_parts_share_no_sequence(kind) -> None:
    dataset = load(kind)
    drawn = [
        {row.tobytes() for row in part.inputs}
        for part in (dataset.train, dataset.test)
        if isinstance(part, Sequences)
    ]
    assert not drawn[0] & drawn[1]
