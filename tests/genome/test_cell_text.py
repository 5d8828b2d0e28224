from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given

from evo_nas.errors import GenomeError
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cell_text import (
    CellFormat,
    cell_of,
    is_written_out,
    label_of,
    read_cell,
    settled_text,
    write_cell,
)
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.ops import Op

HERE = Path()
ELMAN = json.dumps(
    {
        "h_new_0": {"op": "activation_tanh", "input": ["f"]},
        "f": {"op": "linear", "input": ["x", "h_prev_0"]},
    }
)
UNNAMED = CellGraph(1, (Node(Op.LINEAR, (0, 1)), Node(Op.RELU, (2,))), (3,))


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_published_cell_is_read_by_its_name(name) -> None:
    assert read_cell(name, base=HERE) == NAMED_CELLS[name]


@pytest.mark.parametrize(
    ("form", "name"),
    [
        (CellFormat.JSON, "mingru"),
        (CellFormat.RECIPE, "lstm"),
        (CellFormat.GENOTYPE, "darts_v2"),
        (CellFormat.GENOTYPE, "enas"),
    ],
)
def test_text_of_each_format_is_recognised(form, name) -> None:
    text = write_cell(NAMED_CELLS[name], form)
    assert canonical(read_cell(f"  {text}\n", base=HERE)) == canonical(NAMED_CELLS[name])


def test_arc_is_recognised_by_its_numbers() -> None:
    arc = "0 0 0 1 1"
    assert write_cell(read_cell(arc, base=HERE), CellFormat.ARC) == arc


@given(...)
def test_json_expresses_every_cell(cell: CellGraph) -> None:
    assert read_cell(write_cell(cell, CellFormat.JSON), base=HERE) == cell


@pytest.mark.parametrize("content", [ELMAN, f"\ufeff{ELMAN}\n", "rnn_tanh\n"])
def test_file_with_a_text_or_a_name_is_read_from_its_base(tmp_path, content) -> None:
    (tmp_path / "cell.json").write_text(content, encoding="utf-8")
    cell = read_cell("cell.json", base=tmp_path)
    assert canonical(cell) == canonical(NAMED_CELLS["rnn_tanh"])
    assert read_cell(str(tmp_path / "cell.json"), base=HERE) == cell


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"what is this", "cell.json holds no cell; must be a JSON object"),
        (b"\xff\xfe", "cell.json is not UTF-8 at byte 0; save it as UTF-8"),
        (b"{" * 100, "nested deeper than 16 levels"),
        (
            b'{"h_new_0": {"op": "conv", "input": ["x"]}}',
            "recipe.h_new_0.op is 'conv'; must be one of linear",
        ),
        (b" " * 4_000_001, "has more than 4000000 bytes"),
        (b"", "holds no cell"),
    ],
)
def test_file_without_a_cell_is_refused_with_its_reason(tmp_path, content, message) -> None:
    (tmp_path / "cell.json").write_bytes(content)
    with pytest.raises(GenomeError, match=message):
        read_cell("cell.json", base=tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "lstmm",
            "the cell 'lstmm' is no known name and no file; did you mean lstm\\? must be one of rnn_tanh",
        ),
        ("", "cannot be read"),
        ("\0", "cannot be read"),
        ("x" * 5000, "the cell 'x{40}\\.\\.\\.' cannot be read: File name too long"),
        ("{}", "cell.states is 0"),
        ('{"format": 1}', "cell.states is missing"),
        ("Genotype(recurrent=[])", "recurrent and concat"),
        ("0 1", "two for each further step"),
    ],
)
def test_what_is_no_cell_is_refused_in_one_line(source, message) -> None:
    with pytest.raises(GenomeError, match=message) as refusal:
        read_cell(source, base=HERE)
    assert "\n" not in str(refusal.value)


def test_equal_cells_have_one_settled_text_however_they_were_written() -> None:
    assert settled_text(read_cell(ELMAN, base=HERE)) == "rnn_tanh"
    unused = CellGraph(1, (*UNNAMED.nodes, Node(Op.LINEAR, (0,))), UNNAMED.outputs)
    assert settled_text(unused) == settled_text(UNNAMED)
    assert cell_of(settled_text(unused)) == canonical(UNNAMED)
    assert cell_of("lstm") == NAMED_CELLS["lstm"]


def test_label_of_a_cell_is_short_and_its_own() -> None:
    assert label_of("lstm") == "lstm"
    label = label_of(settled_text(UNNAMED))
    assert label.startswith("cell-")
    assert len(label) == len("cell-") + 8
    assert label != label_of(settled_text(CellGraph(1, (Node(Op.LINEAR, (0, 1)),), (2,))))


@pytest.mark.parametrize("source", ["lstm", " gru ", "{", "Genotype(", "0 0 1", json.dumps({"format": 1})])
def test_what_is_written_out_is_never_taken_for_a_file(source: str, tmp_path: Path) -> None:
    assert is_written_out(source)
    (tmp_path / "lstm").write_text("not a cell")
    with suppress(GenomeError):  # it may be malformed
        assert write_cell(read_cell(source, base=tmp_path), CellFormat.JSON)


@pytest.mark.parametrize("source", ["lstmm", "cell.json", "../lstm", "/etc/passwd", ""])
def test_whatever_else_is_the_path_of_one(source: str, tmp_path: Path) -> None:
    assert not is_written_out(source)
    with pytest.raises(GenomeError):
        read_cell(source, base=tmp_path)
