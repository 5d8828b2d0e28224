"""Writes equations as text, as LaTeX and as MathML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from evo_nas.genome.equations import cell_equations
from evo_nas.genome.formula import Call, Fraction, Linear, Number, Product, Role, Sum, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.formula import Equation, Formula


def text_lines(cell: CellGraph) -> list[str]:
    """Returns the equations of `cell_equations` line by line, such as ``f = sigmoid(W_f·x + U_f·h + b_f)``.

    ``*`` is elementwise.
    """
    text = _Text()
    return [f"{text.symbol(each.name)} = {text.write(each.formula)}" for each in cell_equations(cell).lines]


def latex(cell: CellGraph) -> str:
    r"""Returns the equations as an ``aligned`` environment of LaTeX, without the dollars around it."""
    notation = _Latex()
    lines = [
        f"  {notation.symbol(each.name)} &= {notation.write(each.formula)}"
        for each in cell_equations(cell).lines
    ]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}"])


def mathml(cell: CellGraph) -> str:
    """Returns the equations as one ``math`` element, which browsers draw without a script."""
    rows = "".join(map(_row, cell_equations(cell).lines))
    return (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
        f'<mtable columnalign="right center left" columnspacing="0.3em">{rows}</mtable></math>'
    )


def _row(equation: Equation) -> str:
    notation = _MathML()
    cells = (notation.symbol(equation.name), "<mo>=</mo>", notation.write(equation.formula))
    # Browsers centre cells of tables and know no `columnalign`.
    sides = ("right", "center", "left")
    return (
        "<mtr>"
        + "".join(
            f'<mtd style="text-align: {side}">{cell}</mtd>' for side, cell in zip(sides, cells, strict=True)
        )
        + "</mtr>"
    )


class Notation(ABC):
    """A way to write formulas; a subclass says how each kind is written."""

    def write(self, formula: Formula) -> str:
        """Returns ``formula`` in this notation."""
        match formula:
            case Symbol():
                written = self.symbol(formula)
            case Number(value):
                written = self.number(value)
            case Call(function, operands):
                written = self.call(function, [self.write(operand) for operand in operands])
            case Sum(terms):
                written = self.sum([(sign, self._term(sign, term)) for sign, term in terms])
            case Product(factors):
                written = self.product([self._factor(factor) for factor in factors])
            case Fraction(dividend, divisor):
                written = self.fraction(dividend, divisor)
            case Linear(products, bias):
                written = self.sum([(1, each) for each in self._parts(products, bias)])
        return written

    @abstractmethod
    def symbol(self, symbol: Symbol) -> str:
        """Returns a letter with its index, and with its time where it has one."""

    @abstractmethod
    def number(self, value: int) -> str:
        """Returns a whole number."""

    @abstractmethod
    def call(self, function: str, operands: Sequence[str]) -> str:
        """Returns a function of what is written already."""

    @abstractmethod
    def sum(self, terms: Sequence[tuple[int, str]]) -> str:
        """Returns a sum of terms with their signs."""

    @abstractmethod
    def product(self, factors: Sequence[str]) -> str:
        """Returns a product unit by unit."""

    @abstractmethod
    def times(self, matrix: Symbol, operand: str) -> str:
        """Returns a product with a matrix."""

    @abstractmethod
    def fraction(self, dividend: Formula, divisor: Formula) -> str:
        """Returns a division unit by unit."""

    @abstractmethod
    def grouped(self, formula: str) -> str:
        """Returns what is written already in parentheses."""

    def _parts(self, products: Sequence[tuple[Symbol, Formula]], bias: Symbol | None) -> list[str]:
        parts = [self.times(matrix, self._multiplied(operand)) for matrix, operand in products]
        return parts if bias is None else [*parts, self.symbol(bias)]

    def _factor(self, formula: Formula) -> str:
        written = self.write(formula)
        return self.grouped(written) if _is_sum(formula) else written

    def _multiplied(self, formula: Formula) -> str:
        """Returns what stands behind a matrix, which binds more closely than a product unit by unit."""
        written = self.write(formula)
        return written if isinstance(formula, Symbol | Call) else self.grouped(written)

    def _term(self, sign: int, formula: Formula) -> str:
        return self._factor(formula) if sign < 0 else self.write(formula)


def _is_sum(formula: Formula) -> bool:
    return isinstance(formula, Sum) or (
        isinstance(formula, Linear) and len(formula.products) + (formula.bias is not None) > 1
    )


def _joined(terms: Sequence[tuple[int, str]], plus: str = " + ", minus: str = " - ") -> str:
    """Returns terms with the signs between them; the first one is positive in every formula of an op."""
    (first_sign, first), *rest = terms
    start = first if first_sign > 0 else minus.lstrip() + first
    return start + "".join((plus if sign > 0 else minus) + term for sign, term in rest)


class _Text(Notation):
    def symbol(self, symbol: Symbol) -> str:
        match symbol.role:
            case Role.STATE:
                return symbol.letter if symbol.ago == 1 else f"{symbol.letter}[t-{symbol.ago}]"
            case Role.NEW_STATE:
                return f"{symbol.letter}'"
            case Role.MATRIX | Role.VECTOR:
                return f"{symbol.letter}_{symbol.index}"
            case _:
                return symbol.letter + symbol.index

    def number(self, value: int) -> str:
        return str(value)

    def call(self, function: str, operands: Sequence[str]) -> str:
        return f"{function}({', '.join(operands)})"

    def sum(self, terms: Sequence[tuple[int, str]]) -> str:
        return _joined(terms)

    def product(self, factors: Sequence[str]) -> str:
        return " * ".join(factors)

    def times(self, matrix: Symbol, operand: str) -> str:
        return f"{self.symbol(matrix)}·{operand}"

    def fraction(self, dividend: Formula, divisor: Formula) -> str:
        below = self.grouped(self.write(divisor)) if isinstance(divisor, Product) else self._factor(divisor)
        return f"{self._factor(dividend)} / {below}"

    def grouped(self, formula: str) -> str:
        return f"({formula})"


class _Latex(Notation):
    _functions = {"sigmoid": r"\sigma", "tanh": r"\tanh", "exp": r"\exp", "max": r"\max"}  # noqa: RUF012

    def symbol(self, symbol: Symbol) -> str:
        match symbol.role:
            case Role.STATE:
                return f"{symbol.letter}_{{t-{symbol.ago}}}"
            case Role.INPUT | Role.NEW_STATE:
                return f"{symbol.letter}_t"
            case Role.MATRIX | Role.VECTOR:
                return f"{symbol.letter}_{{{symbol.index.replace('_', ',')}}}"
            case _:
                above = f"^{{({symbol.index})}}" if symbol.index else ""
                return f"{symbol.letter}{above}_t"

    def number(self, value: int) -> str:
        return str(value)

    def call(self, function: str, operands: Sequence[str]) -> str:
        if function == "sqrt":
            return rf"\sqrt{{{operands[0]}}}"
        name = self._functions.get(function) or rf"\operatorname{{{function.replace('_', ' ')}}}"
        return rf"{name}\left({', '.join(operands)}\right)"

    def sum(self, terms: Sequence[tuple[int, str]]) -> str:
        return _joined(terms)

    def product(self, factors: Sequence[str]) -> str:
        return r" \odot ".join(factors)

    def times(self, matrix: Symbol, operand: str) -> str:
        return f"{self.symbol(matrix)} {operand}"

    def fraction(self, dividend: Formula, divisor: Formula) -> str:
        return rf"\frac{{{self.write(dividend)}}}{{{self.write(divisor)}}}"

    def grouped(self, formula: str) -> str:
        return rf"\left({formula}\right)"


class _MathML(Notation):
    def symbol(self, symbol: Symbol) -> str:
        letter = f"<mi>{symbol.letter}</mi>"
        match symbol.role:
            case Role.STATE:
                return f"<msub>{letter}<mrow><mi>t</mi><mo>−</mo><mn>{symbol.ago}</mn></mrow></msub>"  # noqa: RUF001
            case Role.INPUT | Role.NEW_STATE:
                return f"<msub>{letter}<mi>t</mi></msub>"
            case Role.MATRIX | Role.VECTOR:
                return f"<msub>{letter}<mi>{symbol.index.replace('_', ',')}</mi></msub>"
            case _ if symbol.index:
                above = f"<mrow><mo>(</mo><mn>{symbol.index}</mn><mo>)</mo></mrow>"
                return f"<msubsup>{letter}<mi>t</mi>{above}</msubsup>"
            case _:
                return f"<msub>{letter}<mi>t</mi></msub>"

    def number(self, value: int) -> str:
        return f"<mn>{value}</mn>"

    def call(self, function: str, operands: Sequence[str]) -> str:
        if function == "sqrt":
            return f"<msqrt>{operands[0]}</msqrt>"
        name = "σ" if function == "sigmoid" else escape(function.replace("_", " "))  # noqa: RUF001
        return f"<mi>{name}</mi>" + self.grouped("<mo>,</mo>".join(operands))

    def sum(self, terms: Sequence[tuple[int, str]]) -> str:
        return f"<mrow>{_joined(terms, '<mo>+</mo>', '<mo>−</mo>')}</mrow>"  # noqa: RUF001

    def product(self, factors: Sequence[str]) -> str:
        return f"<mrow>{'<mo>⊙</mo>'.join(factors)}</mrow>"

    def times(self, matrix: Symbol, operand: str) -> str:
        return f"<mrow>{self.symbol(matrix)}<mo>&#x2062;</mo>{operand}</mrow>"

    def fraction(self, dividend: Formula, divisor: Formula) -> str:
        return f"<mfrac>{self.write(dividend)}{self.write(divisor)}</mfrac>"

    def grouped(self, formula: str) -> str:
        return f"<mrow><mo>(</mo>{formula}<mo>)</mo></mrow>"
