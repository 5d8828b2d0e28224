"""Cuts of texts: another piece is the validation part, and all of the rest is learnt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.statistics import known_ids, unknown_ids
from evo_nas.tasks.dataset import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.tasks.dataset import Dataset


@dataclass(frozen=True, slots=True)
class PieceCut:
    """Another piece of the training text is validated on.

    What is left is one text: the pieces before and after it, followed by the validation part of the first cut. It is
    joined as texts of several files are, with one place where a token follows another that it does not follow in the
    text; no token of the piece is in it.

    Attributes:
        start: First token of the piece.
        stop: The token after its last one.
        said: See `Cut`.
    """

    start: int
    stop: int
    said: str

    def applied(self, dataset: Dataset) -> Dataset:
        """Returns the data of this cut; see `Cut.applied`."""
        text, rest, test = (_tokens(dataset, part) for part in ("train", "validation", "test"))
        piece = text[self.start : self.stop]
        train = np.concatenate([text[: self.start], text[self.stop :], rest])
        tokens = [train, piece, test]
        if dataset.statistics.rarest:
            is_unknown = unknown_ids(train, rarest=dataset.statistics.rarest)
            tokens = [known_ids(some, is_unknown) for some in tokens]
        parts = [
            replace(part, tokens=some)
            for part, some in zip(dataset.parts.values(), tokens, strict=True)
            if isinstance(part, Stream)
        ]
        return dataset.with_parts(*parts)


@dataclass(frozen=True, slots=True)
class EarlierPieces:
    """Each further cut is validated on the piece before that of the cut before it, all of the same length."""

    def limit(self, dataset: Dataset) -> str:  # noqa: ARG002 - it is the same for all
        """Why there are not more cuts."""
        return "the training text has no further piece as long as the validation part"

    def cuts(self, dataset: Dataset, count: int) -> Sequence[PieceCut]:
        """Returns at most ``count`` cuts; see `Resampling.cuts`."""
        text, length = _tokens(dataset, "train"), len(_tokens(dataset, "validation"))
        stops = [len(text) - number * length for number in range(min(count, len(text) // length))]
        return [_piece(stop - length, stop, learnt=len(text)) for stop in stops]


def _piece(start: int, stop: int, *, learnt: int) -> PieceCut:
    said = (
        f"{learnt:,} training and {stop - start:,} validation tokens, validation of tokens {start + 1:,} to {stop:,} "
        "of the training text"
    )
    return PieceCut(start, stop, said)


def _tokens(dataset: Dataset, part: str) -> npt.NDArray[np.int64]:
    stream = dataset.parts[part]
    assert isinstance(stream, Stream)
    return stream.tokens
