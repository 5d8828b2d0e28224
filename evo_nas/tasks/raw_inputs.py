"""From raw sequences to the inputs of a network, as training did it: plain values that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evo_nas.data.examples import Places
from evo_nas.data.frames import as_laid_out, is_frame, names_its_rows
from evo_nas.data.holes import HoleFilling, Missing
from evo_nas.data.layout import Layout, TextLayout
from evo_nas.data.memory import Reading
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.data.vocabulary import Level, tokenized
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]
    Numbers = npt.NDArray[np.float64]
    Padded = tuple[Array, npt.NDArray[np.int64] | None]
    """One array of all sequences, and their lengths if they differ."""


MOST_NAMED = 20
"""Tokens that a message lists."""


@dataclass(frozen=True, slots=True)
class NumericInputs:
    """Sequences of numbers, standardised, with what becomes of their holes.

    Attributes:
        mean: Mean of each feature in training.
        scale: Deviation of each feature in training.
        columns: Names of the features in their order, where they have names.
        missing: What becomes of missing values.
        masked: The features that get a mask, by position; see `data.holes.HoleFilling`.
        layout: How tables hold the sequences.
        window: Last steps of a raw sequence that are read; None for all of them.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    columns: tuple[str, ...] = ()
    missing: Missing = "refuse"
    masked: tuple[int, ...] = ()
    layout: Layout = field(default_factory=Layout)
    window: int | None = None
    kind: Literal["numbers"] = "numbers"

    @property
    def features(self) -> int:
        """Inputs of a network at each step."""
        return len(self.mean) + 2 * len(self.masked)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Numbers are no tokens."""
        return ()

    def __call__(self, sequence: Numbers, *, place: str = "a sequence") -> npt.NDArray[np.float32]:
        """Returns the inputs float32 ``(time, inputs)`` of a sequence; see `scaled`."""
        return HoleFilling(self.missing, self.masked)(self.scaled(sequence, place=place))

    def scaled(self, sequence: Numbers, *, place: str = "a sequence") -> npt.NDArray[np.float32]:
        """Returns a sequence ``(time, features)``, NaN where a value is missing, standardised.

        Args:
            sequence: The sequence.
            place: What it is called in a message.

        Raises:
            DataError: The sequence has other features, a hole that training has not, or a value far from those.
        """
        if sequence.ndim != 2 or sequence.shape[1] != len(self.mean):
            raise DataError(
                f"{place} has shape {sequence.shape}; must be (time, {len(self.mean)}), the features that the "
                "network learnt from"
            )
        holes = np.flatnonzero(np.isnan(sequence).any(axis=0)).tolist()
        unknown = [
            at
            for at in holes
            if self.missing == "refuse" or (self.missing == "mask" and at not in self.masked)
        ]
        if unknown:
            raise DataError(
                f"feature {self._name(unknown[0])} has a missing value, as it never had when the network learnt; fill "
                "it in"
            )
        scaler = Scaler(np.array(self.mean), np.array(self.scale))
        return scaler(
            sequence, place=lambda row, feature: f"{place}, step {row + 1}, feature {self._name(feature)}"
        )

    def _name(self, feature: int) -> str:
        return repr(self.columns[feature]) if self.columns else str(feature + 1)

    def padded(self, sequences: Sequence[Array], *, places: Places | None = None) -> Padded:
        """Returns sequences as one array ``(n, time, inputs)``, and their lengths ``(n,)`` if they differ.

        Args:
            sequences: The sequences, ``(time, features)`` each.
            places: What they are called in messages; counted from 1 if not given.
        """
        places = places or Places(["sequence"] * len(sequences), range(1, len(sequences) + 1))
        prepared = [self(each.astype(np.float64), place=places[at]) for at, each in enumerate(sequences)]
        return padded(prepared, np.float32), lengths_of(prepared)

    def raw(self, sequences: Any, *, sequence: str | None = None) -> Padded:
        """Returns raw sequences in memory as `padded` does.

        Args:
            sequences: An array ``(n, time, features)``, or a list of arrays or frames, or a frame; see
                `data.memory.Reading`. Frames may have more columns than those that are read.
            sequence: Column of a frame with the name of each row's sequence; that of training if not given.

        Raises:
            DataError: The sequences are not of the kind that the network learnt from.
        """
        layout, is_one = self.layout, is_frame(sequences)
        if is_one:
            sequences = as_laid_out("raw inputs", sequences, layout)
            sequence = sequence or (None if names_its_rows(sequences) else layout.sequence)
        elif isinstance(sequences, list | tuple) and all(map(is_frame, sequences)):
            sequences = [
                as_laid_out(f"raw inputs {at + 1}", each, layout) for at, each in enumerate(sequences)
            ]
        # Holes are judged by what training had, not by what is possible.
        reading = Reading("classification", sequence, holes=True)
        items = reading.inputs("raw", sequences, columns=layout.row or self.columns)
        if layout.row and is_one:
            items = [item.reshape(-1, len(self.mean)) for item in items]
        # Training saw no longer pieces, each with the answer at its end.
        return self.padded([item[-self.window :] for item in items] if self.window else items)


@dataclass(frozen=True, slots=True)
class TokenInputs:
    """Sequences of tokens as ids; a token that training has not is 0, which stands for all of them, or is refused.

    Attributes:
        vocabulary: Token of each id.
        level: What a token of a text is; None if sequences are lists of tokens, or ids.
        lower: Whether letters become small.
        max_length: Number of tokens that are read; the rest is cut off.
        layout: How tables hold the texts.
        is_closed: Whether there are no tokens but those of the vocabulary, so that 0 is one as any other.
    """

    vocabulary: tuple[str, ...]
    level: Level | None = None
    lower: bool = False
    max_length: int | None = None
    layout: TextLayout = field(default_factory=TextLayout)
    is_closed: bool = False
    kind: Literal["tokens"] = "tokens"

    @property
    def features(self) -> int:
        """Tokens have no values."""
        return 0

    def padded(self, sequences: Sequence[Any], *, places: Places | None = None) -> Padded:
        """Returns texts, lists of tokens or ids as one array of ids ``(n, time)``, and their lengths if they differ.

        Args:
            sequences: The texts, lists or arrays.
            places: What they are called in messages; counted from 1 if not given.

        Raises:
            DataError: A sequence is none of these, has no token, or an id is unknown.
        """
        ids = {token: number for number, token in enumerate(self.vocabulary)}
        places = places or Places(["sequence"] * len(sequences), range(1, len(sequences) + 1))
        encoded = [self._encoded(places[at], each, ids) for at, each in enumerate(sequences)]
        return padded(encoded, np.int64), lengths_of(encoded)

    def raw(self, sequences: Any, *, sequence: str | None = None) -> Padded:
        """Returns raw sequences in memory as `padded` does; ``sequence`` is for frames, which hold no texts."""
        if sequence is not None or isinstance(sequences, str) or is_frame(sequences):
            raise DataError(
                f"raw inputs are {sequences!r:.60}; must be a list of texts, of lists of tokens or of ids"
            )
        items = list(sequences)
        if not items:
            raise DataError("raw has no inputs; must have at least one")
        return self.padded(items)

    def text(self, tokens: Sequence[str]) -> str:
        """Returns tokens as a text, with blanks between words; where they stood exactly is not known."""
        if self.level == "character":
            return "".join(tokens)
        return " ".join(tokens).replace(" \n ", "\n")

    def _encoded(self, place: str, sequence: Any, ids: Mapping[str, int]) -> npt.NDArray[np.int64]:
        if not isinstance(sequence, str | list | tuple | np.ndarray):
            raise self._no_tokens(place, sequence)
        tokens = self._tokens(sequence)
        if not len(tokens):
            raise DataError(f"{place} is {sequence!r:.60}, without a token; leave it out")
        if all(isinstance(token, str) for token in tokens):
            other = next((token for token in tokens if token not in ids), None) if self.is_closed else None
            if other is not None:
                known = " ".join(self.vocabulary[:MOST_NAMED]) + " ..." * (len(ids) > MOST_NAMED)
                raise DataError(
                    f"{place} has the token {other!r:.60}; must have only those of the task: {known}"
                )
            return np.array([ids.get(token, 0) for token in tokens], dtype=np.int64)
        try:
            numbers = np.asarray(tokens)
        except ValueError:  # lists within lists
            raise self._no_tokens(place, sequence) from None
        is_ids = numbers.ndim == 1 and numbers.dtype.kind in "iu"
        if not is_ids or not 0 <= numbers.min() <= numbers.max() < len(ids):
            raise self._no_tokens(place, sequence)
        return numbers.astype(np.int64)

    def _no_tokens(self, place: str, sequence: Any) -> DataError:
        known = f"a list of tokens, or ids from 0 to {len(self.vocabulary) - 1}"
        return DataError(f"{place} is {sequence!r:.60}; must be {'a text, ' if self.level else ''}{known}")

    def _tokens(self, sequence: Any) -> Sequence[Any]:
        if isinstance(sequence, str):
            text = sequence.lower() if self.lower else sequence
            return tokenized(text, self.level)[: self.max_length] if self.level else [text]
        some = list(sequence)[: self.max_length]
        return (
            [each.lower() for each in some]
            if self.lower and all(isinstance(each, str) for each in some)
            else some
        )
