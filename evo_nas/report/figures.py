"""`Figure`: a Vega-Lite specification with colours by role, drawn as SVG or PNG without a browser."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

WIDTH, HEIGHT = 400, 220
"""Of the plot in pixels, small enough that its text can be read on a phone."""
PNG_SCALE = 2.0

INK, SOFT, GRID = "#010101", "#020202", "#030303"
"""Roles of text and lines. A role is a colour that no palette has, so that it can be replaced in the drawn SVG."""
FIRST, SECOND, THIRD, FOURTH, FIFTH = "#040404", "#050505", "#060606", "#070707", "#080808"
"""Roles of series in the order in which they are used."""
SERIES = (FIRST, SECOND, THIRD, FOURTH, FIFTH)
ROLES: Mapping[str, tuple[str, str, str]] = {
    INK: ("ink", "#1f2328", "#e6edf3"),
    SOFT: ("soft", "#656d76", "#9198a1"),
    GRID: ("grid", "#dfe3e8", "#30363d"),
    # Told apart by people with any kind of colour vision (Okabe and Ito, 2008; lightened for the dark).
    FIRST: ("first", "#0072b2", "#56b4e9"),
    SECOND: ("second", "#d55e00", "#f0883e"),
    THIRD: ("third", "#009e73", "#3fb68b"),
    FOURTH: ("fourth", "#a8508a", "#d98cbf"),
    FIFTH: ("fifth", "#8a6d00", "#e3c04f"),
}
"""For each role its name in the style sheet, and its colour on light and on dark."""
_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": SOFT, "titleColor": SOFT, "gridColor": GRID, "domainColor": GRID, "tickColor": GRID,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 150,
        "titlePadding": 14,  # text is measured without the fonts of the browser that shows it
    },
    "legend": {
        "labelColor": INK, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "orient": "top", "labelLimit": 200, "symbolStrokeWidth": 2,
    },
    "header": {"labelColor": INK, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12},
    "title": {"color": INK, "fontSize": 12, "fontWeight": "normal", "anchor": "start"},
    "text": {"color": INK, "fontSize": 12},
    "line": {"color": FIRST, "strokeWidth": 2}, "point": {"color": FIRST, "filled": True},
    "bar": {"color": FIRST}, "area": {"color": FIRST}, "rect": {"color": FIRST}, "rule": {"color": SOFT},
    "range": {"category": list(SERIES)},
}  # fmt: skip


NEEDS: Mapping[str, str] = {
    "best-by-evaluations": "a network that was trained in full",
    "best-by-clock": "a network that was trained in full",
    "best-by-cost": "a network that was trained in full",
    "learning-curves": "trainings of more than one epoch",
    "pareto-front": "two networks that were trained in full",
    "diversity": "forty networks",
    "operators": "three children of one operator",
    "endings": "an evaluation",
    "workers": "trainings of this run",
    "lineage": "a best network that descends from another one",
    "gene-importance": "scores that tell the genes apart",
    "gates": "a champion with gates, and its data",
    "inputs": "a champion with several inputs, and its data",
    "history": "a champion of sequences, and its data",
    "confusion": "a champion that tells classes apart, and its data",
    "forecasts": "a champion that forecasts, and its data",
    "error-by-step": "a champion that forecasts several steps, and its data",
    "predictions": "a champion that predicts a number for a sequence, and its data",
    "roll": "a champion that predicts several labels at each step, and its data",
}
"""What a run must have for each figure of a report."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its words.

    Attributes:
        name: Its name in files and anchors, such as ``best-so-far``.
        title: What it shows.
        caption: How to read it, one or two sentences.
        spec: Vega-Lite without data sources, sizes may be left out.
        is_wide: Whether it takes the width of the page.
    """

    name: str
    title: str
    caption: str
    spec: Mapping[str, Any] = field(repr=False)
    is_wide: bool = False

    def svg_of_page(self) -> str:
        """Returns SVG whose colours are the variables of the page's style sheet, as wide as its place."""
        svg = _drawn_svg(self.spec)
        for role, (name, *_) in ROLES.items():
            svg = svg.replace(role, f"var(--{name})")
        # The view box keeps the shape; fixed sizes would overflow a phone.
        start, end = svg.split(">", 1)
        kept = " ".join(part for part in start.split(" ") if not part.startswith(("width=", "height=")))
        return f'{kept} role="img" aria-label="{self.title}">{end}'

    def svg(self) -> str:
        """Returns SVG for a white page."""
        svg = _drawn_svg(self.spec)
        for role, (_, light, _) in ROLES.items():
            svg = svg.replace(role, light)
        return svg

    def png(self) -> bytes:
        """Returns a PNG on white."""
        drawn = _vl_convert().svg_to_png(
            self.svg().replace(">", '><rect width="100%" height="100%" fill="white"/>', 1), scale=PNG_SCALE
        )
        return bytes(drawn)


def absent(name: str) -> Figure:
    """Returns what is shown in place of the figure ``name``, one of `NEEDS`, of a run that lacks what it needs."""
    said = f"Nothing to draw: this needs {NEEDS[name]}."
    return Figure(
        name,
        name.replace("-", " ").capitalize(),
        said,
        {
            "data": {"values": [{}]},
            "height": 40,
            "mark": {"type": "text", "color": SOFT},
            "encoding": {"text": {"value": said}},
        },
    )


def quantitative(name: str, title: str = "", **more: Any) -> dict[str, Any]:
    """Returns the encoding of a number ``name``; ``more`` are properties of Vega-Lite, such as ``scale``."""
    return {"field": name, "type": "quantitative", "title": title or name, **more}


def nominal(name: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    """Returns the encoding of a category ``name``; without a title none is drawn."""
    return {"field": name, "type": "nominal", "title": title, **more}


def coloured(name: str, names: Sequence[str], title: str | None = None) -> dict[str, Any]:
    """Returns the colours of the series ``names``, which the field ``name`` tells, with a legend."""
    colours = [SERIES[at % len(SERIES)] for at in range(len(names))]
    return nominal(name, title, scale={"domain": list(names), "range": colours}, sort=None)


def values_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the data of a figure; a number that is not finite becomes a gap."""
    return {"values": [{key: _plain(value) for key, value in row.items()} for row in rows]}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        # Six digits draw alike, and a page of them has half the bytes.
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _drawn_svg(spec: Mapping[str, Any]) -> str:
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        **({} if _is_composed(spec) else {"width": WIDTH, "height": HEIGHT}),
        **spec,
        "config": _CONFIG,
    }
    return str(_vl_convert().vegalite_to_svg(whole))


def _is_composed(spec: Mapping[str, Any]) -> bool:
    return any(key in spec for key in ("hconcat", "vconcat", "concat", "facet", "spec"))


def _vl_convert() -> Any:
    try:
        import vl_convert  # noqa: PLC0415 - an extra, which only a report needs
    except ImportError:
        raise ConfigError(
            "the package vl-convert-python draws the figures and is not installed; pip install 'evo-nas[report]'"
        ) from None
    return vl_convert
