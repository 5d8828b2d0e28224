"""Formal languages: how a word is drawn, and what may follow each of its symbols."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BRACKETS = ("()", "[]", "{}", "<>")
START, END = "^", "$"
LanguageName = Literal["anbn", "anbncn", "dyck1", "dyck2", "addition"]


@dataclass(frozen=True, slots=True)
class Language:
    """A language of which a machine with a memory can tell exactly what may come next.

    Attributes:
        symbols: The symbols of words by id.
        follows: The sets of symbols that may follow, by class; class 0 holds at the start of a word and nowhere else.
        period: Every length of a word is a multiple of it.
        draw: ``(rng, length) -> ids`` of a word.
        classes: ``(ids) -> class`` after each symbol of a word.
    """

    symbols: tuple[str, ...]
    follows: tuple[str, ...]
    period: int
    draw: Callable[[np.random.Generator, int], Sequence[int]]
    classes: Callable[[Sequence[int]], Sequence[int]]


def balanced_word(rng: np.random.Generator, length: int, *, kinds: int) -> list[int]:
    """Returns a balanced word of brackets; bracket ``2 k`` opens and ``2 k + 1`` closes."""
    word: list[int] = []
    due: list[int] = []
    while len(word) < length:
        # As many brackets are open as steps are left: only closing ones fit.
        must_close = len(due) == length - len(word)
        if due and (must_close or rng.random() < 0.5):
            word.append(due.pop())
        else:
            kind = int(rng.integers(kinds))
            word.append(2 * kind)
            due.append(2 * kind + 1)
    return word


def _dyck(kinds: int) -> Language:
    opening, closing = zip(*BRACKETS[:kinds], strict=True)
    always = " ".join(opening)
    return Language(
        symbols=tuple("".join(BRACKETS[:kinds])),
        follows=(always, *(f"{always} {bracket}" for bracket in closing), f"{always} {END}"),
        period=2,
        draw=partial(balanced_word, kinds=kinds),
        classes=partial(_after_brackets, kinds=kinds),
    )


def _after_brackets(word: Sequence[int], *, kinds: int) -> list[int]:
    due: list[int] = []
    classes = []
    for bracket in word:
        if bracket % 2:
            due.pop()
        else:
            due.append(bracket // 2)
        classes.append(1 + due[-1] if due else 1 + kinds)
    return classes


def _counted(letters: str) -> Language:
    """Returns the words in which each letter is repeated equally often, one letter after the other."""
    first, second = letters[:1], letters[1:2]
    return Language(
        symbols=tuple(letters),
        follows=(first, f"{first} {second}", *letters[1:], END),
        period=len(letters),
        draw=lambda _, length: np.repeat(range(len(letters)), length // len(letters)).tolist(),
        classes=partial(_after_letters, letters=len(letters)),
    )


def _after_letters(word: Sequence[int], *, letters: int) -> list[int]:
    count = len(word) // letters
    # From the first of the later letters on, the next symbol is certain: the same letter until as many were read.
    later = [after for letter in range(1, letters) for after in [*[letter + 1] * (count - 1), letter + 2]]
    return [1] * count + later


def _sum(pairs: Sequence[int]) -> list[int]:
    classes, carry = [], 0
    for pair in pairs:
        total = pair // 2 + pair % 2 + carry
        classes.append(1 + total % 2)
        carry = total // 2
    return classes


def _pairs_of_bits(rng: np.random.Generator, length: int) -> list[int]:
    # The last pair is 0 and 0, so that the carry has a place.
    return [*rng.integers(0, 4, length - 1).tolist(), 0]


LANGUAGES: Mapping[LanguageName, Language] = {
    "anbn": _counted("ab"),
    "anbncn": _counted("abc"),
    "dyck1": _dyck(1),
    "dyck2": _dyck(2),
    "addition": Language(("00", "01", "10", "11"), (START, "0", "1"), 1, _pairs_of_bits, _sum),
}
