"""The few shapes of SVG that pictures are made of, by hand, since no library is needed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from evo_nas.views.text import columns_of, visible

if TYPE_CHECKING:
    import numpy.typing as npt

FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'Noto Sans', 'Liberation Sans', 'DejaVu Sans', sans-serif"
LETTER = 0.56
"""Width of a letter beside the height of the font, on average."""
COLUMNS = 600
"""Places of a line beside each other; more would not be seen."""


def element(tag: str, content: str = "", /, **attributes: object) -> str:
    """Returns an element; an underscore in the name of an attribute becomes a hyphen."""
    written = "".join(
        f" {name.replace('_', '-')}={quoteattr(_spelt(value))}" for name, value in attributes.items()
    )
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def label(
    text: str, x: float, y: float, *, size: float = 12, colour: str = "#39424e", **attributes: object
) -> str:
    """Returns a text of the user's, whose first letter stands at ``x`` and its base line at ``y``."""
    # Lone surrogates, bytes of a file name that is not UTF-8, cannot be written in XML.
    shown = visible(text).encode("utf-8", "backslashreplace").decode()
    return element("text", escape(shown), x=x, y=y, font_size=size, fill=colour, **attributes)


def fitting(text: str, width: float, *, size: float = 12) -> str:
    """Returns ``text``, cut so that it is about ``width`` wide at most."""
    most = max(int(width / (LETTER * size)), 2)
    if columns_of(text) <= most:
        return text
    # One less, for the ellipsis.
    fitting_ends = (end for end in range(len(text), -1, -1) if columns_of(text[:end]) < most)
    return text[: next(fitting_ends)].rstrip() + "…"


def rectangle(x: float, y: float, width: float, height: float, colour: str, **attributes: object) -> str:
    """Returns a filled rectangle."""
    return element("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), fill=colour, **attributes)


class Box(NamedTuple):
    """A rectangle for a chart."""

    left: float
    top: float
    width: float
    height: float


def line(
    values: npt.NDArray[np.float64], box: Box, ends: tuple[float, float], colour: str, opacity: float = 1.0
) -> str:
    """Returns a line through ``values`` ``(n,)``, broken where one is missing.

    Args:
        values: ``(n,)``.
        box: Where to draw it.
        ends: The values at the bottom and at the top of ``box``.
        colour: Its colour.
        opacity: 1 to hide what lies below.
    """
    low, high = ends
    x, y = _thinned(values)
    across = box.left + box.width * x / max(len(values) - 1, 1)
    down = box.top + box.height * (1 - (y - low) / ((high - low) or 1.0))
    pieces, pen = [], "M"
    for right, below in zip(across.tolist(), down.tolist(), strict=True):
        is_known = np.isfinite(below)
        pieces.append(f"{pen}{right:.1f} {below:.1f}" if is_known else "")
        pen = "L" if is_known else "M"
    path = "".join(pieces)
    looks = {"stroke": colour, "stroke_width": 1.2, "stroke_linejoin": "round", "stroke_opacity": opacity}
    return element("path", d=path, fill="none", **looks) if path else ""


def document(width: float, height: float, shapes: list[str]) -> str:
    """Returns the whole picture, on a white card."""
    card = rectangle(0, 0, width, height, "#ffffff", rx=10)
    options = {"viewBox": f"0 0 {_spelt(width)} {_spelt(height)}", "font_family": FONT}
    body = "\n".join(["", card, *shapes, ""])
    return (
        element("svg", body, xmlns="http://www.w3.org/2000/svg", width=width, height=height, **options) + "\n"
    )


def _thinned(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Returns positions and values of a line that looks the same: the least and the most of every few values."""
    step = -(-len(values) // COLUMNS)
    if step < 3:
        return np.arange(len(values), dtype=np.float64), values
    # Values that every n-th point would miss, such as single peaks, stay; what is missing is so only where all are.
    blocks = np.pad(values, (0, -len(values) % step), constant_values=np.nan).reshape(-1, step)
    is_known = np.isfinite(blocks).any(axis=1)
    ends = np.full((len(blocks), 2), np.nan)
    ends[is_known] = np.stack(
        [np.nanmin(blocks[is_known], axis=1), np.nanmax(blocks[is_known], axis=1)], axis=1
    )
    return np.repeat(np.arange(len(blocks)) * step, 2).astype(np.float64), ends.ravel()


def _spelt(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
