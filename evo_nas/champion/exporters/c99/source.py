"""`Source`: a C file that grows by arrays, states and functions, and counts what they take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import torch

from evo_nas.champion.exporters.c99.helpers import HELPERS
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

WIDTH = 110
NUMBER_BYTES = 4
"""Bytes of a float and of an int32_t."""


class Source:
    """The parts of a C file, in the order in which they have to stand.

    Attributes:
        weight_bytes: Bytes of constant arrays.
        state_bytes: Bytes that are kept from call to call.
        buffer_bytes: Bytes of static memory whose content means nothing between calls.
    """

    def __init__(self) -> None:
        self.weight_bytes = self.state_bytes = self.buffer_bytes = 0
        self._constants: list[str] = []
        self._statics: list[str] = []
        self._functions: list[str] = []
        self._resets: dict[str, list[str]] = {}
        self._helpers: dict[str, None] = {}
        self._bodies: dict[str, str] = {}

    def weights(self, name: str, values: Tensor | Sequence[float], comment: str = "") -> str:
        """Adds an array of floats and returns its name.

        Raises:
            ChampionError: A value is not finite, so that C has no number for it.
        """
        numbers = torch.as_tensor(values).detach().cpu().to(torch.float32).flatten().numpy()
        if not np.isfinite(numbers).all():
            raise ChampionError(
                f"the weights {name} hold a number that is not finite; train the champion again"
            )
        self.weight_bytes += NUMBER_BYTES * len(numbers)
        self._constants.append(_array("float", name, map(literal, numbers), len(numbers), comment))
        return name

    def integers(self, name: str, values: Sequence[int]) -> str:
        """Adds an array of integers and returns its name."""
        self.weight_bytes += NUMBER_BYTES * len(values)
        self._constants.append(_array("int32_t", name, map(str, values), len(values), ""))
        return name

    def state(self, name: str, size: int, *, owner: str, begins: str = "0.0f") -> str:
        """Adds numbers that are kept from call to call, and returns their name.

        Args:
            name: Name of the array.
            size: How many there are.
            owner: Whose they are; `reset` sets all of one owner.
            begins: The value of all before the first step.
        """
        self.state_bytes += NUMBER_BYTES * size
        self._statics.append(f"static float {name}[{size}];")
        self._resets.setdefault(owner, []).append(f"{self.helper('fill')}({name}, {begins}, {size});")
        return name

    def counter(self, name: str, *, owner: str, size: int = 0) -> str:
        """Adds an integer, or ``size`` of them, which are 0 before the first step, and returns the name."""
        self.state_bytes += NUMBER_BYTES * max(1, size)
        self._statics.append(f"static int32_t {name}[{size}];" if size else f"static int32_t {name};")
        resets = self._resets.setdefault(owner, [])
        resets += loop("i", size, f"{name}[i] = 0;") if size else [f"{name} = 0;"]
        return name

    def buffer(self, name: str, size: str, count: int) -> str:
        """Adds static memory of ``size``, an expression that is ``count`` by default, and returns its name."""
        self.buffer_bytes += NUMBER_BYTES * count
        self._statics.append(f"static float {name}[{size}];")
        return name

    def pointer(self, declaration: str) -> None:
        """Adds a static pointer as it is declared."""
        self._statics.append(declaration)

    def has_states(self, owner: str) -> bool:
        """Returns whether anything of ``owner`` is kept from call to call."""
        return owner in self._resets

    def helper(self, name: str) -> str:
        """Makes a function of `helpers` known and returns its name."""
        for needed in HELPERS[name].needs:
            self.helper(needed)
        self._helpers[name] = None
        return name

    def function(self, heading: str, body: Sequence[str], comment: str = "") -> None:
        """Adds a function.

        Args:
            heading: Its type, name and arguments.
            body: Its lines.
            comment: What it does.
        """
        self._functions.append("\n".join([*_comment(comment), heading, "{", *indented(body), "}"]))
        self._bodies[heading.partition("(")[0].split()[-1].lstrip("*")] = "\n".join(body)

    def reset_function(self, name: str, owner: str) -> None:
        """Adds the function ``name()`` that brings the states of ``owner`` to those before the first step."""
        self.function(f"static void {name}(void)", self._resets.get(owner, []))

    def stack_bytes(self, function: str) -> int:
        """Returns the bytes of the local arrays of a function and of what it calls, at the deepest."""
        body = self._bodies[function]
        arrays = (line for line in body.splitlines() if line.lstrip().startswith("float "))
        own = sum(int(size) for line in arrays for size in re.findall(r"\[(\d+)\]", line))
        called = (name for name in re.findall(r"(\w+)\(", body) if name in self._bodies)
        return NUMBER_BYTES * own + max(map(self.stack_bytes, called), default=0)

    def text(self) -> str:
        """Returns all parts."""
        helpers = [HELPERS[name].text for name in HELPERS if name in self._helpers]
        statics = ["\n".join(self._statics)] if self._statics else []
        return "\n\n".join([*self._constants, *statics, *helpers, *self._functions]) + "\n"


def loop(variable: str, count: int | str, *body: str) -> list[str]:
    """Returns a loop of ``variable`` from 0 to below ``count``."""
    return [
        f"for (int32_t {variable} = 0; {variable} < {count}; {variable}++) {{",
        *indented(body),
        "}",
    ]


def when(condition: str, *body: str) -> list[str]:
    """Returns lines that run if the condition holds."""
    return [f"if ({condition}) {{", *indented(body), "}"]


def indented(lines: Iterable[str]) -> list[str]:
    """Returns ``lines`` one level further in."""
    return [f"    {line}" if line else line for line in lines]


def in_comment(text: str) -> str:
    """Returns ``text`` on one line, with nothing that would end a comment, begin one or be a trigraph."""
    return " ".join(
        text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("\\", "/").split()
    )


def string_literal(text: str) -> str:
    """Returns ``text`` as a string of C in UTF-8; what is not plain ASCII is written in octal."""
    plain = {*range(0x20, 0x7F)} - {*b'"\\?'}
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'


def literal(number: float) -> str:
    """Returns a float of C with all the digits that float32 has."""
    digits = f"{number:.9g}"
    return f"{digits}f" if any(mark in digits for mark in ".e") else f"{digits}.0f"


def _comment(text: str) -> list[str]:
    if not text:
        return []
    first, *rest = [in_comment(line) for line in text.splitlines()]
    if not rest:
        return [f"/* {first} */"]
    return [f"/* {first}", *(f" * {line}".rstrip() for line in rest), " */"]


def _array(kind: str, name: str, values: Iterable[str], size: int, comment: str) -> str:
    lines, line = [], "   "
    for value in values:
        if len(line) + len(value) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {value},"
    lines.append(line)
    heading = f"static const {kind} {name}[{size}] = {{"
    return "\n".join([*_comment(comment), heading, *lines, "};"])
