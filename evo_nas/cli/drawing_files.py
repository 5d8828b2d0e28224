"""Writes drawings to files, as SVG or as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_drawing(svg: str, path: Path) -> None:
    """Writes ``svg`` to ``path``, an ``.svg`` or ``.png`` file, the latter twice as large.

    Raises:
        ConfigError: ``path`` has another suffix.
        DataError: The package that turns SVG into PNG is not installed.
    """
    if path.suffix.lower() == ".svg":
        path.write_text(svg, encoding="utf-8")
    elif path.suffix.lower() == ".png":
        path.write_bytes(_png(svg))
    else:
        raise ConfigError(f"--picture is {path}; its name must end in .svg or .png")


def _png(svg: str) -> bytes:
    try:
        import resvg_py
    except ModuleNotFoundError:
        raise DataError(
            "a PNG picture needs the package resvg-py; run pip install 'evo-nas[pictures]', or name an .svg file"
        ) from None
    to_png: Callable[..., list[int] | bytes] = resvg_py.svg_to_bytes
    return bytes(to_png(svg_string=svg, zoom=2))
