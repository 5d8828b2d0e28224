"""The tokens that the training part knows, and their ids."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

Level = Literal["character", "word", "blank"]
"""What a token of a text is: a character, a word or a mark between words, or what stands between blanks."""
UNKNOWN = "�"
"""Token 0: it stands for every token that training does not know, and it pads."""
_BETWEEN_BLANKS = re.compile(r"[^ \t\r\n\f\v]+|\n")
_MARKS_END = 0x20000
"""Beyond this code there are only variants of Chinese characters, and selectors that no word has."""


def tokenized(text: str, level: Level) -> Sequence[str]:
    """Returns the tokens of a text; line ends are tokens of their own.

    The text is composed first (NFC), so that an accent is the same whether it was typed with its letter or after it.
    """
    composed = unicodedata.normalize("NFC", text)
    if level == "character":
        return composed
    return (_words() if level == "word" else _BETWEEN_BLANKS).findall(composed)


@cache
def _words() -> re.Pattern[str]:
    # Python's \w lacks the combining marks, which are vowels in Hindi, Thai or Arabic: words would break at each.
    codes = [code for code in range(0x300, _MARKS_END) if unicodedata.category(chr(code)).startswith("M")]
    marks = (
        "".join(map(chr, codes)) + "\u200c\u200d"
    )  # and what joins or parts the letters of a word without a blank
    return re.compile(rf"\w[\w{marks}]*|[^\w\s][{marks}]*|\n")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by their ids."""

    tokens: tuple[str, ...]

    @classmethod
    def fitted(
        cls,
        training: Iterable[Sequence[str]],
        *,
        rarest: int,
        largest: int,
        source: str,
        former: tuple[str, ...] = (),
    ) -> Vocabulary:
        """Returns the tokens that occur at least ``rarest`` times in the training part, frequent ones first.

        Args:
            training: The tokens of each sequence.
            rarest: How often a token occurs at least.
            largest: More tokens are refused.
            source: What the training part is called in messages.
            former: The tokens of a network that goes on with these data, which stay what they are; empty for none.

        Raises:
            DataError: There are more than ``largest`` of them, or none.
        """
        if former:
            return cls(former)
        counts: Counter[str] = Counter()
        for tokens in training:
            counts.update(tokens)
        known = [token for token, count in counts.most_common() if count >= rarest]
        if len(known) >= largest:
            raise DataError(
                f"{source} has {len(known):,} different tokens in its training part; max_vocabulary is {largest:,}: "
                "raise it, raise min_count, or choose level: character"
            )
        if not known:
            raise DataError(
                f"{source} has no token that occurs {rarest} times in its training part; lower min_count"
            )
        return cls((UNKNOWN, *known))

    def encoded(self, tokens: Sequence[str]) -> npt.NDArray[np.int64]:
        """Returns ids int64 ``(n,)``; unknown tokens are 0."""
        ids = {token: number for number, token in enumerate(self.tokens)}
        return np.fromiter((ids.get(token, 0) for token in tokens), dtype=np.int64, count=len(tokens))

    def encoded_all(self, texts: Sequence[Sequence[str]]) -> list[npt.NDArray[np.int64]]:
        """Returns the ids of each of ``texts``, int64 ``(n,)``."""
        # The mapping is built once for all texts; `encoded` would build it for each.
        ids = {token: number for number, token in enumerate(self.tokens)}
        return [np.array([ids.get(token, 0) for token in tokens], dtype=np.int64) for tokens in texts]
