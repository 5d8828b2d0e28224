"""``strategies``: lists the strategies, and shows the options of one."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from evo_nas.cli.options import as_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evo_nas.config.reference import Key, Section
    from evo_nas.strategies.strategy import Strategy, StrategyOptions

_WORD = r"[A-Z](?:\.|[\w'-]+)"
_NAME = rf"{_WORD}(?: {_WORD})*"
_CITATION = re.compile(rf'\b{_NAME}(?:, {_NAME})*(?:,? and {_NAME}| et al\.)?, "[^"]+"[^"]*?\b(?:19|20)\d\d')
HINT = "`evo-nas strategies NAME` shows the options of one; docs/strategies.md says which one to take."


@click.command()
@click.argument("name", default="", metavar="[NAME]")
@as_json
def strategies(name: str, *, as_json: bool) -> None:
    """Lists the strategies that a search may follow, or shows the options of NAME.

    A configuration chooses one with strategy: {kind: NAME}; its options are further keys of that section.
    """
    from evo_nas.config import nearest
    from evo_nas.errors import ConfigError
    from evo_nas.views.configuration import strategy_sections

    sections = strategy_sections()
    if name and name not in sections:
        raise ConfigError(f"{name} is no strategy; {nearest(name, sorted(sections))}")
    chosen = [name] if name else sorted(sections)
    if as_json:
        for kind in chosen:
            click.echo(json.dumps(strategy_fields(sections[kind])))
        return
    from evo_nas.cli.terminal import plain_console

    view = _view(sections[name]) if name else _list([sections[kind] for kind in chosen])
    # Not cropped, so that an example can be copied whole.
    plain_console().print(view, crop=False)


def strategy_fields(section: Section) -> dict[str, Any]:
    """Returns what is known of a strategy as plain values."""
    strategy = _strategy_of(section)
    return {
        "kind": strategy.kind,
        "summary": section.about,
        "options": [_option_fields(key) for key in section.own_keys()],
        "sources": sources_of(strategy),
        "needs": needs_of(strategy) or None,
    }


def _option_fields(key: Key) -> dict[str, Any]:
    from evo_nas.config.yaml_text import parse_yaml

    return {
        "name": key.name,
        "meaning": key.meaning,
        "permitted": key.permitted,
        "required": key.is_required,
        "default": None if key.default is None else parse_yaml(key.default, source=key.name),
        "example": None if key.example is None else parse_yaml(key.example, source=key.name),
        **({"options": [_option_fields(each) for each in key.keys]} if key.keys else {}),
    }


def sources_of(strategy: type[Strategy[StrategyOptions]]) -> list[str]:
    """Returns the papers that the module of ``strategy`` names: authors, title in quotes, place and year."""
    text = " ".join((sys.modules[strategy.__module__].__doc__ or "").split())
    return [match.group() for match in _CITATION.finditer(text)]


def needs_of(strategy: type[Strategy[StrategyOptions]]) -> str:
    """Returns the command that installs what ``strategy`` needs beside this package; empty if it needs nothing."""
    return f"pip install 'evo-nas[{strategy.extra}]'" if strategy.extra else ""


def _strategy_of(section: Section) -> type[Strategy[StrategyOptions]]:
    from evo_nas.strategies.registry import STRATEGIES

    return STRATEGIES[section.name.rpartition(".")[2]]


def _list(sections: list[Section]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from evo_nas.cli.reference_view import columns, prose

    lines = []
    for section in sections:
        strategy = _strategy_of(section)
        needs = f" Needs {needs_of(strategy)}." if strategy.extra else ""
        lines.append((strategy.kind, prose(section.about + needs)))
    return Group(columns(lines), Text(), prose(HINT))


def _view(section: Section) -> RenderableType:
    from rich.console import Group
    from rich.padding import Padding

    from evo_nas.cli.reference_view import label, prose, section_view

    strategy = _strategy_of(section)
    parts: list[RenderableType] = [section_view(section)]
    for title, lines in (("source", sources_of(strategy)), ("needs", [needs_of(strategy)])):
        if any(lines):
            parts += [label(title), *(Padding(prose(line), (0, 0, 0, 2)) for line in lines)]
    return Group(*parts)
