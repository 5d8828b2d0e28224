"""The tokens that the training part knows, and their ids."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

Level = Literal["character", "word"]
UNKNOWN = "�"
"""Token 0: it stands for every token that training does not know, and it pads."""
WORD = re.compile(r"\w+|[^\w\s]|\n")


def tokenized(text: str, level: Level) -> Sequence[str]:
    """Returns the characters of a text, or its words, punctuation marks and line ends."""
    return text if level == "character" else WORD.findall(text)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by their ids."""

    tokens: tuple[str, ...]

    @classmethod
    def fitted(
        cls, training: Iterable[Sequence[str]], *, rarest: int, largest: int, source: str
    ) -> Vocabulary:
        """Returns the tokens that occur at least ``rarest`` times in the training part, frequent ones first.

        Raises:
            DataError: There are more than ``largest`` of them, or none.
        """
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
