"""Renders the reference of all keys of a configuration, for a terminal and as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rich.console import RenderableType

    from evo_nas.config.reference import Key, Section

INTRODUCTION = """\
Every key that the YAML file of a search may have: what it means, which values it takes, and what holds if it is not
given. `evo-nas explain-config` shows the same in a terminal, for example `evo-nas explain-config task.forecast`.

This file is written by `evo-nas explain-config --markdown > docs/reference.md` from the docstrings, bounds and
defaults of the options in the code; a test compares the two.
"""
HINT = "Each section has keys of its own, shown by `evo-nas explain-config SECTION`."


def section_view(section: Section) -> RenderableType:
    """Returns the purpose of a section, its keys or kinds, and an example."""
    parts: list[RenderableType] = [Text(section.name, "bold")] if section.name else []
    parts += [prose(section.about), *(prose(remark) for remark in section.remarks())]
    if section.kinds:
        names = ((each.name, prose(each.about)) for each in section.kinds)
        parts += [label("kinds"), columns(names)]
    if section.own_keys():
        parts += [label("keys"), columns(_rows(section.own_keys()))]
    if section.model:
        # Not indented, so that it can be copied into a file unchanged.
        parts += [label("example"), Text(section.example().rstrip(), no_wrap=True, overflow="ignore")]
    if not section.name:
        parts += [Text(), prose(HINT)]
    return Group(*parts)


def key_view(name: str, key: Key) -> RenderableType:
    """Returns the meaning of a key, with the keys inside it."""
    parts: list[RenderableType] = [Text(name, "bold"), prose(key.meaning), Text(facts(key), "dim")]
    if key.keys:
        parts += [label("keys"), columns(_rows(key.keys))]
    return Group(*parts)


def facts(key: Key) -> str:
    """Returns the permitted values of ``key`` and its default, such as ``a path; required``."""
    return "; ".join(filter(None, (key.permitted, _default(key), _example(key))))


def _default(key: Key) -> str:
    if key.is_required:
        return "required"
    # A section has no default of its own: each key inside it shows one.
    return "" if key.default is None else f"default {key.default}"


def _example(key: Key) -> str:
    return "" if key.example is None else f"for example {key.example}"


def _rows(keys: Iterable[Key], indent: str = "") -> Iterator[tuple[str, Text]]:
    for key in keys:
        yield indent + key.name, Text.assemble(prose(key.meaning), "\n", (facts(key), "dim"))
        yield from _rows(key.keys, indent + "  ")


def columns(rows: Iterable[tuple[str, Text]]) -> RenderableType:
    """Returns names beside what is said of them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(name, text)
    return Padding(table, (0, 0, 0, 2))


def label(text: str) -> Text:
    """Returns the heading of a part."""
    return Text(f"\n{text}", "dim")


def prose(text: str) -> Text:
    """Returns the text of a docstring, with the words in backticks in a style of their own."""
    pieces = re.split(r"`+([^`]+)`+", text)
    return Text.assemble(*((piece, "cyan" if index % 2 else "") for index, piece in enumerate(pieces)))


def markdown_of(sections: Mapping[str, Section]) -> str:
    """Returns the reference of all ``sections`` as a Markdown document."""
    parts = ["# Reference of a configuration\n", INTRODUCTION]
    for section in sections.values():
        parts += _markdown_section(section)
    return "\n".join(parts)


def _markdown_section(section: Section) -> Iterator[str]:
    level = "###" if "." in section.name else "##"
    yield f"{level} {section.name or 'The whole file'}\n"
    for paragraph in (section.about, *section.remarks()):
        yield f"{_markdown(paragraph)}\n"
    if section.kinds:
        yield f"Its `kind` is one of {', '.join(_link(each) for each in section.kinds)}.\n"
    if section.own_keys():
        yield "| key | meaning | values | default |\n|---|---|---|---|"
        yield from _markdown_rows(section.own_keys())
        yield ""
    if section.model:
        yield f"```yaml\n{section.example()}```\n"


def _markdown_rows(keys: Iterable[Key], way: str = "") -> Iterator[str]:
    for key in keys:
        default = "required" if key.is_required else f"`{key.default}`" if key.default is not None else ""
        example = "" if key.example is None else f", for example `{key.example}`"
        cells = (f"`{way}{key.name}`", _markdown(key.meaning), key.permitted + example, default)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
        yield from _markdown_rows(key.keys, f"{way}{key.name}.")


def _link(section: Section) -> str:
    return f"[`{section.name.rpartition('.')[2]}`](#{section.name.replace('.', '')})"


def _markdown(text: str) -> str:
    return text.replace("``", "`")
