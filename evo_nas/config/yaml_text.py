"""Reads and writes YAML text.

Reading is strict: size and depth are limited, aliases, tags and repeated keys are refused, scalars follow YAML 1.2.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import yaml

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Hashable

MAX_DEPTH = 32
MAX_DIGITS = 100
_NUMERALS = "-+.0123456789"


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses everything that a configuration does not need.

    PyYAML resolves YAML 1.1 scalars, in which ``no`` is false, ``1:30`` is ninety and ``1e-3`` a string;
    this loader resolves the core schema of YAML 1.2 (section 10.3).
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - filled below
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise _refused("an alias (*name) is not allowed; write the value out", self._next_event())
        event = self._next_event()
        if event.anchor is not None:
            raise _refused(f"an anchor (&{event.anchor}) is not allowed; remove it", event)
        tag: str | None = getattr(event, "tag", None)
        if tag is not None:
            written = tag.replace("tag:yaml.org,2002:", "!!")
            raise _refused(f"a tag ({written}) is not allowed; remove it", event)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refused(f"nested more than {MAX_DEPTH} deep; flatten it", event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _next_event(self) -> yaml.NodeEvent:
        event: yaml.NodeEvent = self.peek_event()  # type: ignore[no-untyped-call]
        return event

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's
        keys: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _refused(f"the key {_source(key)} is not a name; put it in quotes if it is one", key)
            if key.value in keys:
                raise _refused(f"the key {key.value} is given twice; keep one of them", key)
            keys.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _refused(message: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=at.start_mark)


def _source(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "that starts here"


class _Dumper(yaml.SafeDumper):
    """A dumper that writes one key per line and each list on one line.

    It quotes text that YAML 1.1 or YAML 1.2 would read as another type.
    """


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list(_NUMERALS)),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list(_NUMERALS),
    ),
):
    # The dumper needs the same rules: it quotes text that they would resolve to something else.
    for _class in (_StrictLoader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), _first)


def _decimal(loader: _StrictLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    if len(text) > MAX_DIGITS:
        raise _refused(f"a number of {len(text)} digits is not allowed; at most {MAX_DIGITS} are", node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _decimal)


def parse_yaml(text: str, *, source: str) -> Any:
    """Returns the single document in ``text`` as mappings, lists and scalars.

    Args:
        text: A YAML document.
        source: Name of the text in messages, such as the path of its file.

    Raises:
        ConfigError: The text is not YAML, or has aliases, anchors, tags, repeated keys or deep nesting.
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = ", ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(f"{source}{line}: {reason}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{source} is not valid YAML: {' '.join(str(error).split())}") from None


def compose_yaml(text: str) -> yaml.Node | None:
    """Returns the nodes of ``text``, which `parse_yaml` reads, with their places in it; None if it holds nothing."""
    node: yaml.Node | None = yaml.compose(text, Loader=_StrictLoader)
    return node


_Dumper.add_representer(
    list,
    lambda dumper, entries: dumper.represent_sequence("tag:yaml.org,2002:seq", entries, flow_style=True),
)


def to_yaml(values: Any) -> str:
    """Returns ``values`` as a YAML document with one key per line; long lists are wrapped to fit a terminal."""
    # PyYAML wraps only after the word that exceeds the width, hence less than the 80 columns of a terminal.
    written: str = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, default_flow_style=False, width=64, allow_unicode=True
    )
    return written


def inline_yaml(value: Any) -> str:
    """Returns ``value`` as YAML on one line."""
    # PyYAML adds an end marker to a document that is a single scalar, so the value is dumped inside a list.
    written: str = yaml.dump(
        [value], Dumper=_Dumper, default_flow_style=True, width=math.inf, allow_unicode=True
    )
    return written.strip()[1:-1]
