"""The constants of a file: short ones are written into it, long ones lie beside the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evo_nas.champion.exporters.python.code import statement, text_literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_WRITTEN = 32
"""Items of a list that are written into the file; a vocabulary of thousands would hide the code."""


class Constants:
    """Collects the constants that a file defines.

    Attributes:
        stored: What lies beside the weights, by its name there.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.stored: dict[str, list[Any]] = {}

    @property
    def source(self) -> str:
        """The lines that define them."""
        return "\n".join(self._lines)

    def number(self, name: str, value: float | None) -> None:
        """Adds a single number."""
        self._lines.append(f"{name} = {value!r}")

    def text(self, name: str, value: str) -> None:
        """Adds a text."""
        self._lines.append(f"{name} = {text_literal(value)}")

    def many(self, name: str, values: Sequence[float] | Sequence[str], says: str) -> None:
        """Adds a list of numbers or texts; ``says`` is a comment that explains it."""
        self._lines.append(f"# {says}")
        if len(values) > MOST_WRITTEN:
            # A plain list of plain values: what is read from the file is not executed.
            self.stored[name.lower()] = list(values)
            self._lines.append(f'{name} = stored()["{name.lower()}"]')
            return
        items = [text_literal(each) if isinstance(each, str) else repr(each) for each in values]
        self._lines += statement(f"{name} = [", items, "]", indent=0)

    def lists(self, name: str, values: Mapping[str, Sequence[str]], says: str) -> None:
        """Adds a list of texts for each name; ``says`` is a comment that explains it."""
        self._lines += [f"# {says}", f"{name} = {{"]
        for key, texts in values.items():
            lines = statement(f"{text_literal(key)}: [", list(map(text_literal, texts)), "]", indent=4)
            self._lines += [*lines[:-1], f"{lines[-1]},"]
        self._lines.append("}")
