"""Arrays of NumPy and MATLAB, packed or not."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from scipy.io import savemat

from evo_nas.data.array_files import arrays_by_part, read_arrays
from evo_nas.data.columns import Roles
from evo_nas.data.sequence_files import read_sequences
from evo_nas.data.table_files import read_table
from evo_nas.errors import DataError
from evo_nas.tasks.classification import ClassificationTask, SequenceOptions
from evo_nas.tasks.few_shot import FewShotOptions, FewShotTask
from evo_nas.tasks.numeric_files import read_numeric

VALUES = np.arange(12.0).reshape(3, 2, 2)


def saved(save, **arrays) -> bytes:
    file = io.BytesIO()
    save(file, arrays) if save is savemat else save(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.npz", saved(np.savez, x=VALUES)),
        ("b.npz", saved(np.savez_compressed, x=VALUES)),
        ("a.mat", saved(savemat, x=VALUES)),
        ("a.npz.gz", gzip.compress(saved(np.savez, x=VALUES))),
        ("a.mat.gz", gzip.compress(saved(savemat, x=VALUES))),
    ],
)
def test_every_form_gives_the_same_array(name, content, tmp_path) -> None:
    (tmp_path / name).write_bytes(content)
    assert np.array_equal(read_arrays(tmp_path / name)["x"], VALUES)


def test_an_array_without_a_name_has_its_labels_in_a_file_beside_it(tmp_path) -> None:
    np.save(tmp_path / "inputs.npy", VALUES)
    np.save(tmp_path / "classes.npy", ["up", "down", "up"])
    examples = read_sequences(tmp_path / "inputs.npy", Roles(label="classes.npy"))
    assert np.array_equal(np.stack(examples.items), VALUES)
    assert examples.labels == ["up", "down", "up"]
    with pytest.raises(DataError, match="it has 'x'"):
        read_sequences(tmp_path / "inputs.npy", Roles())
    with pytest.raises(DataError, match=r"nowhere\.npy cannot be read: No such file"):
        read_sequences(tmp_path / "inputs.npy", Roles(label="nowhere.npy"))


def test_arrays_of_parts_are_told_by_their_names() -> None:
    names = ("x_train", "y_train", "x_val", "y_val", "x_test", "y_test", "note")
    parts = arrays_by_part(dict.fromkeys(names, VALUES))
    assert {part: list(arrays) for part, arrays in parts.items()} == {
        "train": ["x", "y"],
        "validation": ["x", "y"],
        "test": ["x", "y"],
    }


@pytest.mark.parametrize(
    "names", [("x", "y"), ("x_train", "y_train"), ("x_test", "y_test"), ("train", "test")]
)
def test_arrays_of_one_part_are_not_parted(names) -> None:
    assert arrays_by_part(dict.fromkeys(names, VALUES)) == {}


def test_an_array_of_rows_and_columns_is_a_table(tmp_path) -> None:
    np.save(tmp_path / "a.npy", VALUES[:, 0])
    assert read_table(tmp_path / "a.npy").matrix(["1", "0"]).tolist() == [[1, 0], [5, 4], [9, 8]]
    np.save(tmp_path / "b.npy", np.array([(1.5, 2)], dtype=[("load", "f8"), ("hour", "i4")]))
    assert read_table(tmp_path / "b.npy").numeric_columns() == ["load", "hour"]
    np.save(tmp_path / "c.npy", VALUES)
    with pytest.raises(DataError, match=r"has shape \(3, 2, 2\); a table must be \(rows, columns\)"):
        read_table(tmp_path / "c.npy")
    np.save(tmp_path / "d.npy", np.float64(3))
    with pytest.raises(DataError, match=r"has shape \(\); a table must be"):
        read_table(tmp_path / "d.npy")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.mat"])
@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00", b"PK\x03\x04"])
def test_a_damaged_file_is_one_clear_line(name, content, tmp_path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read: .*; must be an .npz of plain arrays"):
        read_arrays(tmp_path / name)


def test_a_pickle_is_never_loaded(tmp_path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1], [1, 2]], dtype=object))
    for read in (read_arrays, read_table):
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path / "a.npy")


@pytest.fixture
def keras(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "mnist.npz"
    sizes = {"train": 30, "val": 5, "test": 10}
    np.savez(
        path,
        **{f"x_{part}": rng.integers(0, 255, (size, 4, 3), dtype=np.uint8) for part, size in sizes.items()},
        **{f"y_{part}": np.arange(size, dtype=np.uint8)[:, None] % 2 for part, size in sizes.items()},
    )
    return path


def test_a_file_of_keras_gives_the_parts_that_it_holds(keras) -> None:
    files = read_numeric(SequenceOptions(path=(keras,)), Roles())
    assert {part: len(examples) for part, examples in files.items()} == {
        "train": 30,
        "validation": 5,
        "test": 10,
    }
    assert files["test"].items[0].shape == (4, 3)
    assert files["test"].where[2] == f"{keras}, test part, sequence 3"
    dataset = ClassificationTask(SequenceOptions(path=(keras,))).read().dataset
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [30, 5, 10]


def test_a_part_is_given_once(keras, tmp_path) -> None:
    np.savez(tmp_path / "other.npz", x=np.ones((4, 4, 3)), y=[0, 1, 0, 1])
    for paths in (
        {"path": (keras,), "test_path": (tmp_path / "other.npz",)},
        {"path": (tmp_path / "other.npz",), "test_path": (keras,)},
    ):
        with pytest.raises(
            DataError, match=r"mnist\.npz holds the train, validation, test parts, but test_path is given"
        ):
            read_numeric(SequenceOptions(**paths), Roles())


def test_a_task_watches_the_labels_beside_an_array(tmp_path) -> None:
    np.save(tmp_path / "inputs.npy", VALUES)
    np.save(tmp_path / "classes.npy", ["up", "down", "up"])
    task = ClassificationTask(SequenceOptions(path=(tmp_path / "inputs.npy",), label="classes.npy"))
    assert set(task.fingerprint()) == {"inputs.npy", "classes.npy"}


def test_few_shot_draws_the_classes_of_all_parts_of_a_file(tmp_path) -> None:
    labels = np.repeat(np.arange(9), 8)
    values = np.random.default_rng(0).normal(size=(72, 4, 3))
    even = labels % 2 == 0
    np.savez(
        tmp_path / "a.npz",
        x_train=values[even],
        y_train=labels[even],
        x_test=values[~even],
        y_test=labels[~even],
    )
    options = FewShotOptions(path=(tmp_path / "a.npz",), ways=3, shots=1, queries=3)
    assert FewShotTask(options).read().dataset.signature.outputs == 3
