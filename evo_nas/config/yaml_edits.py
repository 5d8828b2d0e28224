"""Writes other values into YAML text and leaves the rest as a person wrote it, above all its comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from evo_nas.config.yaml_text import compose_yaml, inline_yaml, parse_yaml, to_yaml
from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Edit(NamedTuple):
    """What takes the place of ``text[start:end]``."""

    start: int
    end: int
    text: str


def edited(text: str, values: dict[str, Any]) -> str:
    """Returns ``text`` with what is different in ``values`` changed at its place.

    Where that is not possible, as in a text that cannot be read, the values are written anew.

    Args:
        text: A YAML document, such as a configuration with comments.
        values: What it has to say, in full.
    """
    try:
        before, root = parse_yaml(text, source="the text"), compose_yaml(text)
        if not isinstance(before, dict) or not _is_block(root):
            return to_yaml(values)
        written = text
        # From the last to the first, so that no edit moves the place of another.
        for edit in sorted(_edits(text, root, before, values), reverse=True):
            written = written[: edit.start] + edit.text + written[edit.end :]
        return written if _same(parse_yaml(written, source="the text"), values) else to_yaml(values)
    except ConfigError:
        return to_yaml(values)


def _edits(text: str, node: Any, before: dict[str, Any], after: dict[str, Any]) -> Iterator[_Edit]:
    """Yields what makes the mapping ``node``, which says ``before``, say ``after``."""
    for key, value in node.value:
        name = key.value
        if name not in after:
            yield _Edit(_line_start(text, key.start_mark.index), _line_end(text, _end(text, value)) + 1, "")
        elif _same(before[name], after[name]):
            continue
        elif _is_block(value) and isinstance(after[name], dict):
            yield from _edits(text, value, before[name], after[name])
        else:
            yield _replaced(text, key, value, inline_yaml(after[name]))
    added = {name: value for name, value in after.items() if name not in before}
    if added:
        end = _line_end(text, _end(text, node))
        margin = " " * node.start_mark.column
        lines = "".join(f"\n{margin}{line}" for line in to_yaml(added).splitlines())
        yield _Edit(end, end, lines)


def _replaced(text: str, key: yaml.Node, value: yaml.Node, written: str) -> _Edit:
    """Returns the edit that writes another value of ``key``; a comment behind it stays in its column."""
    end = _end(text, value)
    if value.start_mark.line == key.start_mark.line and value.start_mark.index < end:
        start = value.start_mark.index
    else:  # nothing, or a list below its key
        start = text.index(":", key.end_mark.index) + 1
        written = f" {written}"
    if gap := re.compile(r" +(?=#)").match(text, end):
        room = gap.end() - start - len(written)
        return _Edit(start, gap.end(), written + " " * max(room, 1))
    return _Edit(start, end, written)


def _is_block(node: yaml.Node | None) -> bool:
    return isinstance(node, yaml.MappingNode) and not node.flow_style and bool(node.value)


def _end(text: str, node: yaml.Node) -> int:
    """Returns where ``node`` ends; PyYAML has the end of block nodes behind the comments and lines that follow."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end = int(node.end_mark.index)
    return len(text[:end].rstrip()) if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") else end


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Returns the index of the newline that ends a line, or of the end of the text."""
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _same(before: Any, after: Any) -> bool:
    """Says whether two values mean the same; ``2`` may stand for a section with one key, such as ``{count: 2}``."""
    if isinstance(after, dict):
        if isinstance(before, dict):
            return before.keys() == after.keys() and all(_same(before[key], after[key]) for key in after)
        return before is not None and len(after) == 1 and _same(before, next(iter(after.values())))
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    # True is no 1, but 1.0 is, since JavaScript has one kind of numbers.
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)
