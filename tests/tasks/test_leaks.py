"""Statistics, vocabularies and examples of the training part never come from the other parts."""

from __future__ import annotations

import numpy as np
import pytest

from evo_nas.errors import DataError
from evo_nas.tasks.dataset import Sequences
from evo_nas.tasks.registry import TASKS


def load(kind: str, **options):
    task = TASKS[kind]
    return task(task.Options.model_validate(options)).read().dataset


TIME = {"by": "time", "test": 0.2, "validation": 0.1}


def test_a_huge_value_in_the_test_part_leaves_numeric_training_as_it_was(tmp_path) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"{row / 2},{row % 7},{'up' if row % 2 else 'down'}" for row in range(60)]
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


def people(count: int = 20, each: int = 8) -> list[str]:
    """Returns rows of persons near points of their own."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(count, 3)) * 3
    return [
        ",".join(f"{value:.4f}" for value in centres[person] + rng.normal(size=3) / 10)
        + f",p{person},{'ab'[person % 2]}"
        for person in range(count)
        for _ in range(each)
    ]


def test_naming_a_group_is_enough_to_keep_it_in_one_part(tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["x,y,z,person,label", *people()]))
    dataset = load("classification", path=path, group="person")
    persons = [set(names) for names in dataset.groups.values()]
    assert sum(map(len, persons)) == len(set.union(*persons)) == 20
    assert [len(part) / 8 for part in dataset.parts.values()] == list(map(len, persons))
    assert any("the test part has 32 examples of 4 groups: p" in remark for remark in dataset.remarks)


@pytest.mark.parametrize("by", ["rows", "time"])
def test_a_group_and_a_split_that_tears_it_apart_are_refused_together(by, tmp_path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(["x,y,z,person,label", *people()]))
    with pytest.raises(DataError, match=f"split.by is {by}, but `group` is given"):
        load("classification", path=path, group="person", split={"by": by})


def test_a_group_in_the_files_of_two_parts_is_refused(tmp_path) -> None:
    rows = people()
    for name, part in (("train.csv", rows[:-12]), ("test.csv", rows[-12:])):
        (tmp_path / name).write_text("\n".join(["x,y,z,person,label", *part]))
    with pytest.raises(
        DataError, match=r"group 'p18' is in the .* and in the test part.*train.csv, row 146.*test"
    ):
        load("classification", path=tmp_path / "train.csv", test_path=tmp_path / "test.csv", group="person")


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("classification", "a.ts", "@data\n1,2:3,4:a\n"),
        ("text_classification", "a.txt", "dry sun\nwet rain\n"),
        ("tagging", "a.conll", "dry A\nsun N\n"),
    ],
)
def test_a_group_in_a_format_without_columns_for_it_is_refused(kind, name, content, tmp_path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="group is 'person', but a file of this kind has no column for it"):
        load(kind, path=tmp_path / name, group="person")


def test_duplicates_in_two_files_are_named_by_their_files_and_rows(tmp_path) -> None:
    rows = [f"{row / 2},{row * row},{'up' if row % 2 else 'down'}" for row in range(40)]
    for name, part in (
        ("train.csv", rows[:30]),
        ("more.csv", rows[30:]),
        ("test.csv", [*rows[20:22], "77,1,up"]),
    ):
        (tmp_path / name).write_text("\n".join(["a,b,label", *part]))
    files = {"path": [tmp_path / "more.csv", tmp_path / "train.csv"], "test_path": tmp_path / "test.csv"}
    with pytest.raises(
        DataError, match=r"train.csv, row 22, and .*test.csv, row 2, are the same, but in two parts"
    ):
        load("classification", **files, split={"seed": 3})
    remarks = load("classification", **files, split={"duplicates": "drop"}).remarks
    assert any(
        "2 examples were dropped" in remark and "train.csv, row 22, 23" in remark for remark in remarks
    )
