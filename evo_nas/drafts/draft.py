"""`Draft`: a guessed configuration, and the YAML text that it becomes."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evo_nas.config.yaml_text import inline_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SURE, LIKELY, POSSIBLE = 3, 2, 1
"""How certain a draft is; two of the same certainty are a question."""
WIDTH = 100
EPOCHS = ((500, 40), (5_000, 16), (50_000, 8))
"""Epochs for up to so many examples: few examples need many passes."""
FEWEST_EPOCHS = 4
MUCH_WORK = 2_000_000
"""Steps of an epoch from which a search has fewer evaluations, so that it still ends within hours."""


@dataclass(frozen=True, slots=True)
class Line:
    """A key of the draft.

    Attributes:
        key: The key.
        value: Its value.
        reason: Why it is this value, and what else it may be; empty if there is nothing to say.
    """

    key: str
    value: Any
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A guessed configuration.

    Attributes:
        kind: The kind of task.
        certainty: How sure the guess is; see `SURE`.
        reason: Why it is this kind.
        lines: The other keys of the task.
        examples: About how many examples training has.
        steps: About how many steps an example has.
        remedies: Keys that are only set if the data cannot be read without, in the order in which they are tried.
    """

    kind: str
    certainty: int
    reason: str
    lines: tuple[Line, ...]
    examples: int
    steps: int = 1
    remedies: tuple[Line, ...] = ()

    def with_line(self, line: Line) -> Draft:
        """Returns the draft with ``line`` in place of the one with the same key, or at the end."""
        if all(each.key != line.key for each in self.lines):
            return replace(self, lines=(*self.lines, line))
        return replace(self, lines=tuple(line if each.key == line.key else each for each in self.lines))

    def to_yaml(self, name: str, heading: Iterable[str]) -> str:
        """Returns the YAML file, a comment above each key whose value was guessed.

        Args:
            name: Name of the search.
            heading: Paragraphs for the top of the file.
        """
        lines = [f"{line}" for paragraph in heading for line in _comment(paragraph)]
        lines += [f"name: {inline_yaml(name)}", "", "task:"]
        for line in (Line("kind", self.kind, self.reason), *self.lines):
            lines += [f"  {text}" for text in _written(line)]
        for section, keys in self._sections():
            lines += ["", f"{section}:", *(f"  {text}" for line in keys for text in _written(line))]
        return "\n".join(lines) + "\n"

    def _sections(self) -> Iterator[tuple[str, tuple[Line, ...]]]:
        epochs = next((epochs for most, epochs in EPOCHS if self.examples <= most), FEWEST_EPOCHS)
        about = f"about {self.examples:,} examples to learn from"
        yield (
            "training",
            (
                Line(
                    "epochs",
                    epochs,
                    f"passes over the training part: {about}; more for the last bit of accuracy",
                ),
                Line(
                    "schedule",
                    "cosine",
                    "the learning rate falls to zero over the epochs, or: constant, halving",
                ),
                Line("time_limit_s", 240, "seconds after which the training of a candidate is stopped"),
            ),
        )
        evaluations = 60 if self.examples * self.steps * epochs > MUCH_WORK * EPOCHS[-1][1] else 120
        reason = "candidates to train and compare; a search can be resumed with more, and 20 show whether all works"
        yield "budget", (Line("evaluations", evaluations, reason),)


def slug(path: Path) -> str:
    """Returns a name for a search of the data in ``path``: small letters, digits and dashes."""
    stem = path.name.split(".", 1)[0] or path.parent.name
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:64].strip("-") or "my-search"


def _written(line: Line) -> list[str]:
    return [*_comment(line.reason), f"{line.key}: {inline_yaml(line.value)}"]


def _comment(text: str) -> list[str]:
    # Names of columns and files are the user's: a line break or a control character in one would end the comment.
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    # A surrogate stands for a byte of a file name that is not UTF-8, which a YAML file must be.
    shown = shown.encode("utf-8", "backslashreplace").decode()
    return [
        f"# {part}" for part in textwrap.wrap(shown, WIDTH, break_long_words=False, break_on_hyphens=False)
    ]
