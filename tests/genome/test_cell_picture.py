"""A drawing of a cell says what its equations say, and nothing in it lies on anything else."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node
from evo_nas.genome.cell_diagram import Shape, diagram_of
from evo_nas.genome.cell_picture import cells_svg, on_paper
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.equations import gates_of
from evo_nas.genome.ops import Op

SVG = "{http://www.w3.org/2000/svg}"
DELAYED = CellGraph(
    1,
    (
        Node(Op.DELAY_3, (1,)),
        Node(Op.LINEAR, (0, 2), bias=True),
        Node(Op.ADD, (3, 3)),
        Node(Op.SUBTRACT, (4, 1)),
        Node(Op.TANH, (5,)),
    ),
    (6,),
)
SIGMA, MINUS = "\N{GREEK SMALL LETTER SIGMA}", "\N{MINUS SIGN}"
CELLS = {**NAMED_CELLS, "delayed": DELAYED}


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_lstm_is_drawn_as_in_textbooks() -> None:
    diagram = diagram_of(NAMED_CELLS["lstm"])
    boxes = [vertex for vertex in diagram.vertices if vertex.shape is Shape.MATRIX]
    assert sorted((box.name.letter, box.sign, box.is_gate, box.has_bias) for box in boxes if box.name) == [
        ("f", SIGMA, True, True),
        ("g", "tanh", False, True),
        ("i", SIGMA, True, True),
        ("o", SIGMA, True, True),
    ]
    assert sum(vertex.shape is Shape.UNITWISE for vertex in diagram.vertices) == 5
    found = texts(cells_svg({"": NAMED_CELLS["lstm"]}))
    assert {"xt", f"ht{MINUS}1", f"ct{MINUS}1", "ht", "ct", "f", "i", "o"} <= set(found)


def test_delays_signs_and_what_is_read_twice_are_told() -> None:
    found = texts(cells_svg({"": DELAYED}))
    assert {f"ht{MINUS}1", f"ht{MINUS}3", "W", "+ b", MINUS} <= set(found)
    twice = [
        line for line in diagram_of(DELAYED).lines if diagram_of(DELAYED).vertices[line.target].sign == "+"
    ]
    assert len(twice) == 2


@pytest.mark.parametrize("name", CELLS)
def test_each_cell_is_drawn_with_its_gates_and_nothing_overlaps(name: str) -> None:
    root = ET.fromstring(cells_svg({"": CELLS[name]}))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    boxes = {
        tuple(float(each.attrib[side]) for side in ("x", "y", "width", "height"))
        for each in root.iter(f"{SVG}rect")
        if "x" in each.attrib
    }
    for one, other in combinations(sorted(boxes), 2):
        is_beside = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
        is_below = one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
        assert is_beside or is_below
    assert all(x >= 0 and y >= 0 and x + wide < width and y + high < height for x, y, wide, high in boxes)
    assert set(gates_of(canonical(CELLS[name]))) <= set(texts(ET.tostring(root, encoding="unicode")))


def test_a_drawing_has_the_colours_of_a_page_or_those_of_paper() -> None:
    svg = cells_svg({"cell of layer 1": NAMED_CELLS["gru"], "cell of <layer> 2": NAMED_CELLS["mingru"]})
    assert "var(--fourth, #" in svg
    assert "var(" not in on_paper(svg)
    assert set(re.findall(r"cell of \S+ \d", "\n".join(texts(svg)))) == {
        "cell of layer 1",
        "cell of <layer> 2",
    }
