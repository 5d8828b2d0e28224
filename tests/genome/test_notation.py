"""Equations are written as people write them, in three notations that say the same."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, H, Node, X
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.equations import cell_equations, gates_of
from evo_nas.genome.notation import latex, mathml, text_lines
from evo_nas.genome.ops import Op

MATHML = "{http://www.w3.org/1998/Math/MathML}"


@pytest.mark.parametrize(
    ("name", "gates"),
    [
        ("rnn_tanh", ""),
        ("lstm", "fio"),
        ("lstm_slim3", "fio"),
        ("lstm_peephole", "fio"),
        ("gru", "rz"),
        ("mgu", "z"),
        ("qrnn", "oz"),
        ("minlstm", "z"),
    ],
)
def test_gates_have_the_letters_of_the_gates_with_their_task(name: str, gates: str) -> None:
    assert "".join(sorted(gates_of(canonical(NAMED_CELLS[name])))) == gates


def test_the_gru_is_written_as_in_textbooks() -> None:
    assert text_lines(NAMED_CELLS["gru"]) == [
        "r = sigmoid(W_r·x + U_r·h + b_r)",
        "z = sigmoid(W_z·x + U_z·h + b_z)",
        "n = tanh(W_n·x + b_n + r * (U_n·h + b_n2))",
        "h' = z * h + (1 - z) * n",
    ]


def test_latex_says_which_step_each_value_is_of() -> None:
    assert latex(NAMED_CELLS["lstm"]).splitlines()[-3:] == [
        r"  c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\",
        r"  h_t &= o_t \odot \tanh\left(c_t\right)",
        r"\end{aligned}",
    ]


def test_what_multiplies_a_sum_is_written_around_it() -> None:
    cell = CellGraph(
        1,
        (
            Node(Op.LINEAR, (X,), bias=True),
            Node(Op.SUBTRACT, (2, H)),
            Node(Op.LINEAR, (3,)),
            Node(Op.DIVIDE, (4, 3)),
            Node(Op.DELAY_4, (H,)),
            Node(Op.SUBTRACT, (5, 6)),
            Node(Op.MUL, (7, H)),
        ),
        (8,),
    )
    assert text_lines(cell) == [
        "v1 = W_v1·x + b_v1 - h",
        "h' = h * (V_h·v1 / v1 - h[t-4])",
    ]


@given(cell=st.from_type(CellGraph))
def test_every_notation_has_a_line_for_each_equation(cell: CellGraph) -> None:
    count = len(cell_equations(cell).lines)
    assert len(text_lines(cell)) == count
    formulas = latex(cell)
    assert formulas.count("&=") == count
    assert formulas.count("{") == formulas.count("}")
    assert formulas.count(r"\left(") == formulas.count(r"\right)")
    assert len(ET.fromstring(mathml(cell)).findall(f".//{MATHML}mtr")) == count


@given(cell=st.from_type(CellGraph))
def test_every_weight_has_a_name_of_its_own(cell: CellGraph) -> None:
    equations = cell_equations(cell)
    owners = [index for index, node in enumerate(equations.cell.nodes) if node.op is Op.LINEAR]
    assert sorted(equations.linears) == owners
    matrices = [matrix for linear in equations.linears.values() for matrix, _ in linear.products]
    biases = [linear.bias for linear in equations.linears.values() if linear.bias]
    names = [*matrices, *biases, *equations.vectors.values()]
    assert len({(symbol.letter, symbol.index) for symbol in names}) == len(names)
