"""Lets every terminal show every text: no encoding ends a command."""

from __future__ import annotations

import codecs
import io
import sys

BARS = "▁▂▃▄▅▆▇█"
"""Heights of a small chart, lowest first."""

_HANDLER = "evo_nas.readable"
# What this program draws itself, for a terminal that lacks the character; each as wide as the original.
_SUBSTITUTES = {**dict(zip(BARS, "_.:-=+*#", strict=True)), "→": ">", "±": "~", "…": "~"}


def print_in_any_encoding() -> None:
    """Lets standard output and standard error escape what their encoding lacks instead of failing."""
    codecs.register_error(_HANDLER, _substitute)
    for stream in (sys.stdout, sys.stderr):
        # Something else, such as a notebook's stream, takes any character.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _substitute(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_substitute_for, lacking)), error.end


def _substitute_for(character: str) -> str:
    if "\u2800" <= character <= "\u28ff":  # the spinner of a step that takes time
        return "*"
    return _SUBSTITUTES.get(character) or character.encode("ascii", "backslashreplace").decode("ascii")
