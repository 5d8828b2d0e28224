"""`Library`: takes from the building blocks what a file needs, and what that needs in turn."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.python import blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SOURCES: Mapping[str, Sequence[str]] = {
    "collections.abc": ("Mapping", "Sequence"),
    "datetime": ("datetime", "timezone"),
    "pathlib": ("Path",),
    "typing": ("Any",),
    "torch": ("Tensor", "nn"),
}
"""Where names are imported from that are no modules; the same in all blocks."""
_MODULES = ("argparse", "calendar", "csv", "functools", "itertools", "math", "re", "unicodedata")


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition at the top of a module of blocks.

    Attributes:
        name: The function, class or constant.
        source: Its text.
        uses: All names in it.
    """

    name: str
    source: str
    uses: frozenset[str]


@cache
def definitions() -> Mapping[str, Definition]:
    """Returns all definitions of the blocks by name, those of one module next to each other."""
    found = {}
    for module in sorted(files(blocks).iterdir(), key=lambda file: file.name):
        if module.name.endswith(".py"):
            for definition in _definitions_in(module.read_text(encoding="utf-8")):
                assert definition.name not in found, f"{definition.name} is defined twice"
                found[definition.name] = definition
    return found


def needed(source: str) -> list[Definition]:
    """Returns the blocks that the definitions in ``source`` use, and those that these use."""
    known, wanted = definitions(), {}
    # Definition by definition, since a name of one may be a variable of another.
    used = (_names_in(node) for node in ast.parse(source).body)
    pending = sorted(set[str]().union(*used))
    while pending:
        name = pending.pop()
        if name in known and name not in wanted:
            wanted[name] = known[name]
            pending.extend(sorted(known[name].uses))
    order = list(known)
    # Bases and constants come first, since they are read when the file is imported.
    return sorted(wanted.values(), key=lambda definition: order.index(definition.name))


def imports_of(source: str) -> str:
    """Returns the import lines that ``source`` needs, as formatters sort them."""
    names = set[str]().union(*(_names_in(node) for node in ast.parse(source).body))
    own = [f"import {module}" for module in _MODULES if module in names]
    taken = {module: [name for name in some if name in names] for module, some in _SOURCES.items()}
    lines = {module: f"from {module} import {', '.join(some)}" for module, some in taken.items() if some}
    own += [line for module, line in lines.items() if module != "torch"]
    of_torch = ["import torch"] if "torch" in names else []
    of_torch += [lines["torch"]] if "torch" in lines else []
    of_torch += ["from torch.nn import functional as F"] if "F" in names else []
    groups = [["from __future__ import annotations"], own, of_torch]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _definitions_in(text: str) -> list[Definition]:
    lines = text.splitlines()
    found = []
    for node in ast.parse(text).body:
        name = _name_of(node)
        if name is not None:
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
            source = "\n".join(lines[first - 1 : node.end_lineno])
            found.append(Definition(name, source, frozenset(_names_in(node))))
    return found


def _name_of(node: ast.stmt) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return None


def _names_in(tree: ast.AST) -> set[str]:
    """Returns the names that ``tree`` reads, without those that it gives to values of its own."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in names} - own
