"""Consoles and texts that take nothing of the user's for markup."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from evo_nas.views.text import visible


def plain_console(**options: Any) -> Console:
    """Returns a console that takes no text for markup, emoji codes or something to colour."""
    return Console(highlight=False, markup=False, emoji=False, **options)


def wide_console() -> Console:
    """Returns a console that never breaks a line, so that every name can be copied."""
    return plain_console(width=10_000, soft_wrap=True)


def plain(text: object, style: str = "") -> Text:
    """Returns a text of the user's for a table or a line: as it is, and in one line."""
    return Text(visible(str(text)), style=style)
