"""Draws cells as SVG: inputs and old states on the left, new states on the right, gates in a colour of their own.

Colours are variables of CSS with those of white paper behind them, so that one drawing serves a page in light and dark.
`on_paper` puts the colours in, for programs that know no variables.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from evo_nas.genome.cell_diagram import MINUS, MIX, Shape, diagram_of
from evo_nas.genome.equations import STATES
from evo_nas.genome.formula import Role
from evo_nas.genome.layering import placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.cell_diagram import Diagram, Line, Vertex
    from evo_nas.genome.formula import Symbol

PAPER, CARD = "var(--paper, #ffffff)", "var(--card, #f6f8fa)"
INK, SOFT = "var(--ink, #1f2328)", "var(--soft, #656d76)"
GATE = "var(--fourth, #a8508a)"
_X = INK
_STATES = (
    "var(--first, #0072b2)",
    "var(--second, #d55e00)",
    "var(--third, #009e73)",
    "var(--fifth, #8a6d00)",
)
"""Of each state, before and after the step alike."""
SANS = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
SERIF = "'STIX Two Text', 'Latin Modern Roman', 'Times New Roman', 'Liberation Serif', 'DejaVu Serif', serif"
MARGIN, TITLE, LEGEND, NAME = 16.0, 34.0, 20.0, 18.0
HEIGHT, BOX, LETTER = 34.0, 52.0, 7.6
"""Of a circle, of a box, and the width of a letter in them."""
LEAST_GAP, MOST_GAP = 44.0, 110.0
MATHS = {"font_family": SERIF, "font_style": "italic"}
HALO = {"stroke": PAPER, "stroke_width": "4", "stroke_linejoin": "round", "paint_order": "stroke"}
"""Of text that lines may pass behind."""
_MARKED = re.compile(r"var\(--[a-z]+, (#[0-9a-f]+)\)")


def cells_svg(cells: Mapping[str, CellGraph]) -> str:
    """Returns one drawing of cells below each other, each with its title, if that is not empty."""
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "font-family": SANS, "role": "img"})
    paper = SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": PAPER})
    paper.tail = "\n"
    top, width = 0.0, 0.0
    for title, cell in cells.items():
        if title:
            _text(svg, title, (MARGIN, top + MARGIN + 10), font_size="14", fill=INK, text_anchor="start")
            top += TITLE
        group = SubElement(svg, "g", {"transform": f"translate({MARGIN:g} {top + MARGIN + NAME:g})"})
        drawing = _Drawing(diagram_of(cell))
        wide, high = drawing.draw(group)
        top, width = top + high + 2 * MARGIN + NAME, max(width, wide + 2 * MARGIN)
    svg.set("aria-label", "; ".join(filter(None, cells)) or "drawing of a cell")
    svg.attrib |= {"viewBox": f"0 0 {width:.0f} {top:.0f}", "width": f"{width:.0f}", "height": f"{top:.0f}"}
    return tostring(svg, encoding="unicode")


def on_paper(svg: str) -> str:
    """Returns a drawing with the colours of white paper instead of variables."""
    return _MARKED.sub(r"\1", svg)


class _Drawing:
    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        self._sizes = [_size(vertex) for vertex in diagram.vertices]
        read = {line.target for line in diagram.lines}
        shapes = [vertex.shape for vertex in diagram.vertices]
        self._placement = placed(
            [(line.source, line.target) for line in diagram.lines],
            sizes=[high for _, high in self._sizes],
            last={at for at, shape in enumerate(shapes) if shape is Shape.NEW_STATE},
            late={at for at, shape in enumerate(shapes) if shape is Shape.UNITWISE and at not in read},
        )
        self._middles = self._middles_of_columns()

    def draw(self, parent: Element) -> tuple[float, float]:
        """Draws into ``parent`` and returns width and height."""
        ports = self._ports()
        for line, port in ports:
            self._line(parent, line, port)
        for at, vertex in enumerate(self._diagram.vertices):
            _vertex(parent, vertex, self._at(at), self._sizes[at])
        # Above all lines, which may pass behind them.
        for line, port in ports:
            self._label(parent, line, port)
        places = range(len(self._sizes))
        below = max(self._at(at)[1] + self._sizes[at][1] / 2 for at in places)
        below = max(below, *self._placement.heights.values())
        right = max(self._at(at)[0] + self._sizes[at][0] / 2 for at in places)
        widest, legend = 0.0, _legend(self._diagram)
        for number, text in enumerate(legend):
            place = 0.0, below + 32 + LEGEND * number
            _text(parent, text, place, font_size="12", fill=SOFT, text_anchor="start")
            widest = max(widest, 6.2 * len(text))
        return max(right, widest), below + 24 + LEGEND * len(legend)

    def _at(self, vertex: int) -> tuple[float, float]:
        column = self._placement.columns[vertex]
        return self._middles[column], self._placement.heights[vertex, column]

    def _middles_of_columns(self) -> list[float]:
        columns, heights = self._placement.columns, self._placement.heights
        count = max(columns) + 1
        widths = [
            max(self._sizes[at][0] for at, each in enumerate(columns) if each == column)
            for column in range(count)
        ]
        steepest = [0.0] * count
        for line in self._diagram.lines:
            route = self._placement.route(line.source, line.target)
            for one, other in pairwise(route):
                steepest[one[1]] = max(steepest[one[1]], abs(heights[one] - heights[other]))
        middles = [widths[0] / 2]
        for column in range(1, count):
            gap = min(LEAST_GAP + 0.2 * steepest[column - 1], MOST_GAP)
            middles.append(middles[-1] + widths[column - 1] / 2 + gap + widths[column] / 2)
        return middles

    def _ports(self) -> list[tuple[Line, float]]:
        """Returns each line with the height at which it ends, so that two lines into one vertex do not touch."""
        found: list[tuple[Line, float]] = []
        for target, (_, high) in enumerate(self._sizes):
            into = [line for line in self._diagram.lines if line.target == target]
            into.sort(
                key=lambda line: self._placement.heights[self._placement.route(line.source, target)[-2]]
            )
            step = min(
                16.0 if self._diagram.vertices[target].sign == MIX else 12.0,
                (high - 12) / max(len(into) - 1, 1),
            )
            middle = self._at(target)[1] - step * (len(into) - 1) / 2
            found += [(line, middle + step * number) for number, line in enumerate(into)]
        # Gates lie above what they let through.
        return sorted(found, key=lambda pair: self._diagram.vertices[pair[0].source].is_gate)

    def _line(self, parent: Element, line: Line, port: float) -> None:
        colour = self._colour(line)
        x, y = self._at(line.source)
        x += self._sizes[line.source][0] / 2
        path = f"M{x:.1f} {y:.1f}"
        route = self._placement.route(line.source, line.target)
        end = self._at(line.target)[0] - self._sizes[line.target][0] / 2 - 7
        for point in route[1:]:
            is_end = point == route[-1]
            middle = self._middles[point[1]]
            half = self._half(point[1])
            to_x, to_y = (end, port) if is_end else (middle - half, self._placement.heights[point])
            path += f"C{(x + to_x) / 2:.1f} {y:.1f} {(x + to_x) / 2:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
            if not is_end:
                to_x = middle + half
                path += f"H{to_x:.1f}"
            x, y = to_x, to_y
        SubElement(parent, "path", {"d": path, "fill": "none", "stroke": colour, "stroke-width": "1.6"})
        tip = f"M{end + 7:.1f} {port:.1f}l-8 -3.6v7.2z"
        SubElement(parent, "path", {"d": tip, "fill": colour})

    def _half(self, column: int) -> float:
        """Returns how far a line that passes a column runs straight before and behind its middle."""
        columns = self._placement.columns
        return max(self._sizes[at][0] for at, each in enumerate(columns) if each == column) / 2

    def _label(self, parent: Element, line: Line, port: float) -> None:
        if not line.label:
            return
        x, y = self._at(line.target)
        x -= self._sizes[line.target][0] / 2
        if self._diagram.vertices[line.target].sign == MIX:
            place = x + 6, port + 4
            _text(parent, line.label, place, font_size="12", fill=GATE, text_anchor="start", **MATHS)
        else:
            place = x - 9, port + (-6 if port < y else 13)
            _text(parent, line.label, place, font_size="12", fill=INK, **HALO)

    def _colour(self, line: Line) -> str:
        vertex = self._diagram.vertices[line.source]
        return GATE if vertex.is_gate else _colour_of(vertex, SOFT)


def _size(vertex: Vertex) -> tuple[float, float]:
    """Returns width and height."""
    if vertex.shape is Shape.MATRIX:
        return max(BOX, LETTER * len(vertex.sign) + 24), 46.0
    if vertex.sign == MIX:
        return 74.0, 60.0
    if vertex.shape is Shape.UNITWISE:
        return max(HEIGHT, LETTER * len(vertex.sign) + 18), HEIGHT
    return 58.0, HEIGHT


def _colour_of(vertex: Vertex, otherwise: str) -> str:
    if vertex.name is None or vertex.shape not in (Shape.INPUT, Shape.NEW_STATE):
        return otherwise
    return _X if vertex.name.role is Role.INPUT else _STATES[STATES.index(vertex.name.letter)]


def _vertex(parent: Element, vertex: Vertex, at: tuple[float, float], size: tuple[float, float]) -> None:
    (x, y), (wide, high) = at, size
    is_state = vertex.shape in (Shape.INPUT, Shape.NEW_STATE)
    colour = _colour_of(vertex, GATE if vertex.is_gate else SOFT)
    frame = {
        "x": f"{x - wide / 2:.1f}", "y": f"{y - high / 2:.1f}", "width": f"{wide:.1f}", "height": f"{high:.1f}",
        "rx": "6" if vertex.shape is Shape.MATRIX else f"{min(high, HEIGHT) / 2:g}",
    }  # fmt: skip
    # Opaque first, so that no line shines through the tint.
    SubElement(parent, "rect", {**frame, "fill": PAPER})
    tint = {"fill": colour, "fill-opacity": "0.1"} if is_state or vertex.is_gate else {"fill": CARD}
    dashes = {"stroke-dasharray": "4 3"} if vertex.name is not None and vertex.name.ago > 1 else {}
    SubElement(parent, "rect", {**frame, **tint, **dashes, "stroke": colour, "stroke-width": "1.5"})
    if is_state:
        assert vertex.name is not None
        _symbol(parent, vertex.name, (x, y + 5.5), font_size="19", fill=colour)
        return
    # The sign stands higher where the bias is below it.
    lift = 5.0 if vertex.has_bias else 0.0
    aside = 15.0 if vertex.sign == MIX else 0.0
    _text(parent, vertex.sign, (x + aside, y + 5.2 - lift), font_size="15", fill=INK)
    if vertex.has_bias:
        _text(parent, "+ b", (x, y + 16), font_size="11", fill=SOFT)
    if vertex.name is not None:
        look = GATE if vertex.is_gate else SOFT
        _symbol(parent, vertex.name, (x, y - high / 2 - 6), font_size="16", fill=look, **HALO)


def _symbol(parent: Element, symbol: Symbol, at: tuple[float, float], **look: str) -> None:
    """Writes a letter with its index below, or with its time."""
    text = _text(parent, symbol.letter, at, **MATHS, **look)
    below = symbol.index
    if symbol.role is not Role.VALUE:
        below = f"t{MINUS}{symbol.ago}" if symbol.role is Role.STATE else "t"
    if below:
        SubElement(
            text, "tspan", {"dy": "4", "font-size": f"{0.68 * float(look['font_size']):.1f}"}
        ).text = below


def _text(parent: Element, text: str, at: tuple[float, float], **look: str) -> Element:
    """Writes ``text``, whose middle is ``at`` a place of its base line; ``look`` are further attributes."""
    named = {name.replace("_", "-"): value for name, value in look.items()}
    x, y = at
    element = SubElement(parent, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": "middle"} | named)
    element.text = text
    return element


def _legend(diagram: Diagram) -> Sequence[str]:
    """Returns what a reader has to know of the signs that occur."""
    signs = {vertex.sign for vertex in diagram.vertices}
    lines = []
    if any(vertex.shape is Shape.MATRIX for vertex in diagram.vertices):
        lines.append("Box: matrices times what enters, summed (+ b: with a bias), then the function.")
    lines.append("Round: unit by unit.")
    if MIX in signs:
        lines[-1] += f" {MIX}: the sum of what enters, weighted as marked."
    if any("w" in sign for sign in signs):
        lines[-1] += " w: a learned vector."
    return lines
