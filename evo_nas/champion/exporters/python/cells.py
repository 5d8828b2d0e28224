"""The classes of cells: their equations as code, and their weights by the names in these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from evo_nas.champion.exporters.python.code import WIDTH, docstring, statement, wrapped
from evo_nas.genome.canonical import canonical, canonical_references
from evo_nas.genome.cells import spoken_name
from evo_nas.genome.equations import STATES, cell_equations
from evo_nas.genome.formula import (
    Call,
    Fraction,
    Linear,
    Number,
    Product,
    Role,
    Sum,
    Symbol,
    operands_of,
)
from evo_nas.genome.notation import text_lines
from evo_nas.genome.ops import LARGEST_EXPONENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.equations import CellEquations
    from evo_nas.genome.formula import Formula
    from evo_nas.models.network import Network

FUNCTIONS: Mapping[str, str] = {
    "tanh": "torch.tanh({})",
    "sigmoid": "torch.sigmoid({})",
    "relu": "torch.relu({})",
    "leaky_relu": "F.leaky_relu({}, 0.01)",
    "exp": f"torch.exp(({{}}).clamp(max={LARGEST_EXPONENT}))",
    "softplus": "F.softplus({})",
    "silu": "F.silu({})",
    "max": "torch.maximum({})",
    "sqrt": "torch.sqrt(({}).clamp(min=1e-6))",
}
"""Each function of a formula in torch; bounds are those of `models.eager`."""


@dataclass(frozen=True, slots=True)
class CellSource:
    """The class of a cell.

    Attributes:
        source: Its text.
        equations: What it computes.
    """

    source: str
    equations: CellEquations


class Cells:
    """The classes of the cells of one file; equal cells have one class."""

    def __init__(self, networks: Sequence[Network]) -> None:
        layers = [layer for network in networks for layer in network.architecture.layers]
        forms = dict.fromkeys(canonical(layer.cell) for layer in layers)
        names = ["Cell"] if len(forms) == 1 else [f"Cell{at}" for at in range(1, len(forms) + 1)]
        self._made = {form: cell_source(form, name) for form, name in zip(forms, names, strict=True)}
        self._names = dict(zip(forms, names, strict=True))

    @property
    def sources(self) -> list[str]:
        """The text of each class."""
        return [made.source for made in self._made.values()]

    def name(self, cell: CellGraph) -> str:
        """Returns the class of ``cell``."""
        return self._names[canonical(cell)]

    def weights(
        self, cell: CellGraph, state: Mapping[str, Tensor], prefix: str, suffix: str
    ) -> dict[str, Tensor]:
        """Returns the weights of ``cell`` by the names that they have in its equations.

        Args:
            cell: The cell as the network has it.
            state: The weights of the network by their names there.
            prefix: The name of the recurrence.
            suffix: The direction; see `Recurrence.linear`.
        """
        equations, counterparts = self._made[canonical(cell)].equations, canonical_references(cell)
        form, weights = equations.cell, {}
        for index, node in enumerate(cell.nodes):
            counterpart = counterparts.get(cell.first_node + index, 0) - form.first_node
            stored = state.get(f"{prefix}.weight_{index}{suffix}")
            if counterpart < 0 or stored is None:
                continue
            if counterpart in equations.vectors:
                weights[attribute(equations.vectors[counterpart])] = stored
                continue
            linear, width = equations.linears[counterpart], len(stored)
            of_input = stored.shape[1] - width * (len(node.inputs) - 1)
            sizes = [width if source else of_input for source in node.inputs]
            blocks = torch.split(stored, sizes, dim=1)
            for (matrix, _), source in zip(linear.products, form.nodes[counterpart].inputs, strict=True):
                # Values that are equal are read once there, so that their weights add up.
                shares = [
                    block
                    for block, read in zip(blocks, node.inputs, strict=True)
                    if counterparts[read] == source
                ]
                weights[f"{attribute(matrix)}.weight"] = torch.stack(shares).sum(0)
            if linear.bias is not None:
                first = attribute(linear.products[0][0])
                weights[f"{first}.bias"] = state[f"{prefix}.bias_{index}{suffix}"]
        return weights


def cell_source(cell: CellGraph, name: str) -> CellSource:
    """Returns the class called ``name`` that computes ``cell``."""
    equations = cell_equations(cell)
    form = equations.cell
    carried = [_state(state, ago) for state, ago in form.carried]
    spoken = spoken_name(form)
    title = f"The equations of one step: {spoken or 'an evolved cell'}"
    lines = [
        f"class {name}(RecurrentCell):",
        *docstring(f"{title}; `*` is elementwise.", more=_documented(cell)),
        "",
        "    def __init__(self, inputs: int, width: int) -> None:",
        "        super().__init__()",
        f"        self.states, self.width = {len(carried)}, width",
        *_parameters(equations),
        "",
        *_signature(carried),
        *_step_docstring(carried),
        *_Body(equations).lines(),
    ]
    return CellSource("\n".join(lines), equations)


def _documented(cell: CellGraph) -> list[str]:
    """The equations, each on lines that are short enough."""
    lines = []
    for line in text_lines(cell):
        first, *rest = wrapped(line, WIDTH - 8)
        lines += [first, *(f"    {part}" for part in rest)]
    return lines


def _state(state: int, ago: int) -> str:
    return STATES[state] if ago == 1 else f"{STATES[state]}_{ago}_ago"


def _signature(carried: list[str]) -> list[str]:
    parts = ["self", "x: Tensor", *(f"{state}: Tensor" for state in carried)]
    return statement("def forward(", parts, ") -> tuple[Tensor, ...]:", indent=4)


def _step_docstring(carried: list[str]) -> list[str]:
    older = [state for state in carried if state.endswith("_ago")]
    return docstring(
        "Returns the states after a step, each `(batch, width)`.",
        indent=8,
        more=[
            "Args:",
            "    x: Input of the step `(batch, inputs)`.",
            *(
                f"    {state}: State before the step `(batch, width)`."
                for state in carried
                if state not in older
            ),
            *(
                f"    {state}: The state {state[0]} after the step {state.split('_')[1]} steps ago."
                for state in older
            ),
        ],
    )


def _parameters(equations: CellEquations) -> list[str]:
    """The matrices of each linear node, of which the first holds the bias, and the vectors."""
    lines = []
    for linear in equations.linears.values():
        for number, (matrix, operand) in enumerate(linear.products):
            inputs = "inputs" if isinstance(operand, Symbol) and operand.role is Role.INPUT else "width"
            bias = "" if number == 0 and linear.bias else ", bias=False"
            lines.append(f"        self.{attribute(matrix)} = nn.Linear({inputs}, width{bias})")
    lines += [
        f"        self.{attribute(vector)} = nn.Parameter(torch.zeros(width))"
        for vector in equations.vectors.values()
    ]
    return lines


def attribute(symbol: Symbol) -> str:
    """Returns the name of a matrix or a vector in the class."""
    return f"{symbol.letter}_{symbol.index}"


class _Body:
    """The lines of ``forward``; what does not fit into one gets a value of its own."""

    def __init__(self, equations: CellEquations) -> None:
        self._equations = equations
        self._lines: list[str] = []
        self._parts = 0

    def lines(self) -> list[str]:
        form = self._equations.cell
        for equation in self._equations.lines:
            self._assign(self._name(equation.name), equation.formula)
        after = [_new(state) if ago == 1 else _state(state, ago - 1) for state, ago in form.carried]
        line = f"        return {', '.join(after)}" if len(after) > 1 else f"        return ({after[0]},)"
        if len(line) <= WIDTH:
            return [*self._lines, line]
        return [*self._lines, *statement("return (", after)]

    def _assign(self, name: str, formula: Formula) -> None:
        """Writes one line, after lines for the largest parts of ``formula`` as long as it is too long."""
        while len(line := f"        {name} = {self._write(formula)}") > WIDTH:
            formula = self._shorter(formula)
        self._lines.append(line)

    def _shorter(self, formula: Formula) -> Formula:
        operands = operands_of(formula)
        largest = max(operands, key=lambda operand: len(self._write(operand)))
        if isinstance(largest, Symbol | Number):
            return self._halved(formula)
        if isinstance(formula, Call):
            return Call(formula.function, tuple(map(self._named, operands)))
        return _replaced(formula, largest, self._named(largest))

    def _halved(self, formula: Formula) -> Formula:
        """Names the first half of a long sum or product of names."""
        match formula:
            case Sum(terms):
                half = len(terms) // 2
                return Sum(((1, self._named(Sum(terms[:half]))), *terms[half:]))
            case Product(factors):
                half = len(factors) // 2
                return Product((self._named(Product(factors[:half])), *factors[half:]))
            case _:
                raise AssertionError(f"{formula} is short when its operands are names")

    def _named(self, formula: Formula) -> Formula:
        if isinstance(formula, Symbol | Number):
            return formula
        self._parts += 1
        name = Symbol("part", str(self._parts))
        self._assign(self._name(name), formula)
        return name

    def _name(self, symbol: Symbol) -> str:
        match symbol.role:
            case Role.NEW_STATE:
                return f"new_{symbol.letter}"
            case Role.STATE:
                return symbol.letter if symbol.ago == 1 else f"{symbol.letter}_{symbol.ago}_ago"
            case Role.MATRIX | Role.VECTOR:
                return f"self.{attribute(symbol)}"
            case _:
                return symbol.letter + symbol.index

    def _write(self, formula: Formula) -> str:
        match formula:
            case Symbol():
                written = self._name(formula)
            case Number(value):
                written = str(value)
            case Call(function, operands):
                written = self._call(function, operands)
            case Sum(terms):
                written = self._sum(terms)
            case Product(factors):
                written = " * ".join(map(self._factor, factors))
            case Fraction(dividend, Number(count)):
                written = f"{self._factor(dividend)} / {count}"
            case Fraction(dividend, divisor):
                written = f"{self._factor(dividend)} / away_from_zero({self._write(divisor)})"
            case Linear(products, _):
                written = " + ".join(
                    f"{self._name(matrix)}({self._write(operand)})" for matrix, operand in products
                )
        return written

    def _call(self, function: str, operands: tuple[Formula, ...]) -> str:
        inside = ", ".join(map(self._write, operands))
        pattern = FUNCTIONS[function]
        # No parentheses around a name or a call, as a formatter has it.
        if isinstance(operands[0], Symbol | Call):
            pattern = pattern.replace("({})", "{}") if "({})." in pattern else pattern
        return pattern.format(inside)

    def _sum(self, terms: tuple[tuple[int, Formula], ...]) -> str:
        (sign, first), *rest = terms
        start = self._write(first) if sign > 0 else f"-{self._factor(first)}"
        return start + "".join(
            f" + {self._write(term)}" if each > 0 else f" - {self._factor(term)}" for each, term in rest
        )

    def _factor(self, formula: Formula) -> str:
        is_sum = isinstance(formula, Sum) or (isinstance(formula, Linear) and len(formula.products) > 1)
        return f"({self._write(formula)})" if is_sum else self._write(formula)


def _new(state: int) -> str:
    return f"new_{STATES[state]}"


def _replaced(formula: Formula, old: Formula, new: Formula) -> Formula:
    """Returns ``formula`` with one of its direct operands replaced, wherever it stands."""
    match formula:
        case Sum(terms):
            return Sum(tuple((sign, new if term is old else term) for sign, term in terms))
        case Product(factors):
            return Product(tuple(new if factor is old else factor for factor in factors))
        case Fraction(dividend, divisor):
            return Fraction(new if dividend is old else dividend, new if divisor is old else divisor)
        case Linear(products, bias):
            return Linear(
                tuple((matrix, new if operand is old else operand) for matrix, operand in products),
                bias,
            )
        case _:
            raise AssertionError(f"{formula} has no operands")
