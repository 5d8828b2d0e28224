"""Lines of Python, broken as formatters break them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 88
"""Letters of a line; what formatters have unless they are told otherwise."""


def statement(start: str, parts: Sequence[str], end: str = ")", *, indent: int = 8) -> list[str]:
    """Returns ``start`` with ``parts`` up to ``end``, on one line if that is short enough.

    Args:
        start: Such as ``x = f(``.
        parts: What stands between commas.
        end: Such as ``)``.
        indent: Blanks in front.
    """
    margin = " " * indent
    line = f"{margin}{start}{', '.join(parts)}{end}"
    if len(line) <= WIDTH:
        return [line]
    # The comma after the last one keeps formatters from joining the lines again.
    return [margin + start, *(f"{margin}    {part}," for part in parts), margin + end]


def docstring(text: str, *, indent: int = 4, more: Iterable[str] = ()) -> list[str]:
    """Returns a docstring of a summary and perhaps further lines, all of them broken where they are too long."""
    margin, rest = " " * indent, list(more)
    lines = wrapped(text, WIDTH - indent - 3)
    if not rest and len(lines) == 1 and len(lines[0]) + indent + 6 <= WIDTH:
        return [f'{margin}"""{lines[0]}"""']
    body = [lines[0], *lines[1:], *([""] if rest else []), *rest]
    written = [f"{margin}{line}".rstrip() for line in body]
    written[0] = f'{margin}"""{body[0]}'
    return [*written, f'{margin}"""']


def in_docstring(text: str) -> str:
    """Returns ``text`` on one line, with nothing that would end a docstring or be an escape in one.

    Names come with champions that are read, and the file is run when it is checked.
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split()).replace("\\", "/").replace('"', "'")


def wrapped(text: str, width: int) -> list[str]:
    """Returns ``text`` in lines of at most ``width``, where its words permit it."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def text_literal(text: str) -> str:
    """Returns ``text`` as a formatter spells it: between double quotes, unless single ones save a backslash."""
    spelt = repr(text)
    if spelt[0] == '"' or '"' in spelt:
        return spelt
    return f'"{spelt[1:-1]}"'


def parameters(given: Sequence[str]) -> str:
    """Returns the parameters of a function of sequences by their names."""
    return ", ".join(f"{name}: Sequence[Any]" for name in given)


def prepare_heading(what: str, shape: str, times: str = "") -> list[str]:
    """Returns the first lines of the function ``prepare``.

    Args:
        what: What it takes.
        shape: What it returns.
        times: What it takes beside sequences; empty for nothing.
    """
    named = [f"{name}: Sequence[Any]" for name in ("sequences", *(["times"] if times else []))]
    return [
        *statement("def prepare(", named, ") -> tuple[Tensor, Tensor | None]:", indent=0),
        f'    """Returns inputs `{shape}`, and the lengths of sequences that differ.',
        "",
        "    Args:",
        f"        sequences: {what}",
        *([f"        times: {times}"] if times else []),
        '    """',
    ]


def usage(file: str, given: Sequence[str]) -> list[str]:
    """Returns how a file is used, line by line."""
    return [f"python champion.py {file}", "", "from champion import predict", f"predict({', '.join(given)})"]
