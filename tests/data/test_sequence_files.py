"""The same sequences, whatever format they come in."""

from __future__ import annotations

import bz2
import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy.io import savemat

from evo_nas.data.sequence_files import Roles, read_sequences
from evo_nas.errors import DataError

VALUES = np.arange(12.0).reshape(3, 4) / 4
LABELS = ["up", "down", "up"]
NAMES = ["x1", "y1", "x2", "y2"]
EXAMPLES = list(zip(VALUES, LABELS, strict=True))
COMMA = "\n".join(["x1,y1,x2,y2,label", *(",".join([*map(str, row), label]) for row, label in EXAMPLES)])
RECORDS = [{**dict(zip(NAMES, row.tolist(), strict=True)), "label": label} for row, label in EXAMPLES]


def write_ts(path) -> None:
    lines = [
        f"{','.join(map(str, row[::2]))}:{','.join(map(str, row[1::2]))}:{label}" for row, label in EXAMPLES
    ]
    path.write_text("\n".join(["#comment", "@timeStamps false", "@classLabel true up down", "@data", *lines]))


def write_arff(path) -> None:
    head = ["% comment", "@relation shapes", *(f"@ATTRIBUTE '{name}' numeric" for name in NAMES)]
    rows = [", ".join([*map(str, row), f" {label}"]) for row, label in EXAMPLES]
    path.write_text("\n".join([*head, "@attribute label {up,down}", "@DATA", *rows]))


WRITERS = {
    "a.csv": lambda path: path.write_text(COMMA),
    "a.csv.gz": lambda path: path.write_bytes(gzip.compress(COMMA.encode())),
    "a.csv.bz2": lambda path: path.write_bytes(bz2.compress(COMMA.encode())),
    "a.tsv": lambda path: path.write_text(COMMA.replace(",", "\t")),
    "a.parquet": lambda path: parquet.write_table(pa.Table.from_pylist(RECORDS), path),
    "a.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, RECORDS))),
    "a.arff": write_arff,
    "a.npz": lambda path: np.savez(path, x=VALUES.reshape(3, 2, 2), y=np.array(LABELS)),
    "a.mat": lambda path: savemat(path, {"x": VALUES.reshape(3, 2, 2), "y": np.array(LABELS, dtype=object)}),
    "a.ts": write_ts,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_sequences(name, tmp_path) -> None:
    WRITERS[name](tmp_path / name)
    examples = read_sequences(tmp_path / name, Roles(features=2))
    assert np.array_equal(np.stack(examples.items), VALUES.reshape(3, 2, 2))
    assert list(examples.labels) == LABELS
    assert examples.remarks


def test_rows_of_a_sequence_may_lie_anywhere_and_differ_in_number(tmp_path) -> None:
    path = tmp_path / "steps.csv"
    path.write_text("who,x,label\nb,1,up\na,2,down\nb,3,up\nb,4,up\n")
    examples = read_sequences(path, Roles(sequence="who"))
    assert [item.ravel().tolist() for item in examples.items] == [[1, 3, 4], [2]]
    assert examples.labels == ["up", "down"]


def test_cells_of_matlab_may_differ_in_length(tmp_path) -> None:
    cells = np.empty(2, dtype=object)
    cells[0], cells[1] = np.ones((3, 2)), np.zeros((5, 2))
    savemat(tmp_path / "a.mat", {"x": cells, "y": [0, 1]})
    examples = read_sequences(tmp_path / "a.mat", Roles(label="y"))
    assert [item.shape for item in examples.items] == [(3, 2), (5, 2)]


def test_arrays_may_be_padded_to_their_lengths(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones((2, 4)), y=[0, 1], lengths=[4, 2])
    assert [len(item) for item in read_sequences(tmp_path / "a.npz", Roles()).items] == [4, 2]


def test_pickled_objects_are_never_loaded(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([[1], [1, 2]], dtype=object), y=[0, 1])
    with pytest.raises(DataError, match="must be an .npz of plain arrays"):
        read_sequences(tmp_path / "a.npz", Roles())
