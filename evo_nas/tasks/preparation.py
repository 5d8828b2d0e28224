"""`Preparation`: what leads from raw sequences to the inputs of a network, and from its outputs to answers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from evo_nas.data.holes import HoleFilling, Missing
from evo_nas.data.memory import Reading
from evo_nas.data.padding import lengths_of, padded
from evo_nas.data.scaling import Scaler
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]
    Lengths = npt.NDArray[np.int64] | None
    Numbers = npt.NDArray[np.float64]
    Outputs = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NumericInputs:
    """Sequences of numbers, standardised, with what becomes of their holes.

    Attributes:
        mean: Mean of each feature in training.
        scale: Deviation of each feature in training.
        columns: Names of the features in their order, where they have names.
        missing: What becomes of missing values.
        masked: The features that get a mask, by position; see `data.holes.HoleFilling`.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    columns: tuple[str, ...] = ()
    missing: Missing = "refuse"
    masked: tuple[int, ...] = ()
    kind: Literal["numbers"] = "numbers"

    @classmethod
    def fitted(
        cls,
        training: Sequence[Numbers],
        all_sequences: Sequence[Numbers],
        *,
        missing: Missing,
        columns: tuple[str, ...] = (),
    ) -> NumericInputs:
        """Returns the preparation of sequences ``(time, features)``, fitted to those of the training part.

        Args:
            training: The sequences of the training part.
            all_sequences: Those of all parts, which decide the features that get a mask.
            missing: What becomes of missing values.
            columns: Names of the features.
        """
        scaler, filling = Scaler.fitted(np.concatenate(training)), HoleFilling.of(missing, all_sequences)
        mean, scale = (tuple(values.tolist()) for values in (scaler.mean, scaler.scale))
        return cls(mean, scale, columns, missing, filling.masked)

    @property
    def features(self) -> int:
        """Inputs of a network at each step."""
        return len(self.mean) + 2 * len(self.masked)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Numbers are no tokens."""
        return ()

    def __call__(self, sequence: Numbers) -> npt.NDArray[np.float32]:
        """Returns the inputs float32 ``(time, inputs)`` of a sequence ``(time, features)``, NaN where one is missing.

        Raises:
            DataError: The sequence has other features, or a hole that training has not.
        """
        if sequence.ndim != 2 or sequence.shape[1] != len(self.mean):
            raise DataError(
                f"a sequence has shape {sequence.shape}; must be (time, {len(self.mean)}), the features that the "
                "network learnt from"
            )
        holes = np.flatnonzero(np.isnan(sequence).any(axis=0)).tolist()
        unknown = [
            at
            for at in holes
            if self.missing == "refuse" or (self.missing == "mask" and at not in self.masked)
        ]
        if unknown:
            name = repr(self.columns[unknown[0]]) if self.columns else str(unknown[0] + 1)
            raise DataError(
                f"feature {name} has a missing value, as it never had when the network learnt; fill it in"
            )
        scaled = Scaler(np.array(self.mean), np.array(self.scale))(sequence)
        return HoleFilling(self.missing, self.masked)(scaled)

    def padded(self, sequences: Sequence[Array]) -> tuple[npt.NDArray[np.float32], Lengths]:
        """Returns sequences as one array ``(n, time, inputs)``, and their lengths ``(n,)`` if they differ."""
        return padded([self(each.astype(np.float64)) for each in sequences], np.float32), lengths_of(
            sequences
        )


@dataclass(frozen=True, slots=True)
class TokenInputs:
    """Sequences of tokens as ids.

    Attributes:
        vocabulary: Token of each id.
    """

    vocabulary: tuple[str, ...]
    kind: Literal["tokens"] = "tokens"

    @property
    def features(self) -> int:
        """Tokens have no values."""
        return 0

    def __call__(self, sequence: Array) -> npt.NDArray[np.int64]:
        """Returns the ids int64 ``(time,)`` of a sequence of ids.

        Raises:
            DataError: An id is unknown.
        """
        ids = np.asarray(sequence)
        numbers = ids.astype(np.int64) if ids.ndim == 1 and ids.dtype.kind in "iu" else np.array([-1])
        if not len(numbers) or numbers.min() < 0 or numbers.max() >= len(self.vocabulary):
            raise DataError(
                f"a sequence is {ids.tolist()!s:.60}; must be ids of tokens from 0 to {len(self.vocabulary) - 1}"
            )
        return numbers

    def padded(self, sequences: Sequence[Array]) -> tuple[npt.NDArray[np.int64], Lengths]:
        """Returns sequences as one array ``(n, time)``, and their lengths ``(n,)`` if they differ."""
        return padded(list(map(self, sequences)), np.int64), lengths_of(sequences)


@dataclass(frozen=True, slots=True)
class ClassAnswers:
    """Outputs that are logits of classes.

    Attributes:
        classes: Names of the classes.
    """

    classes: tuple[str, ...]
    kind: Literal["classes"] = "classes"

    def __call__(self, outputs: Outputs) -> npt.NDArray[np.str_]:
        """Returns the names of the likeliest classes ``(...)`` for logits ``(..., classes)``."""
        names: npt.NDArray[np.str_] = np.array(self.classes)[outputs.argmax(axis=-1)]
        return names

    def probabilities(self, outputs: Outputs) -> Numbers:
        """Returns the probability of each class ``(..., classes)``."""
        weights = np.exp((outputs - outputs.max(axis=-1, keepdims=True)).astype(np.float64))
        shares: Numbers = weights / weights.sum(axis=-1, keepdims=True)
        return shares


@dataclass(frozen=True, slots=True)
class NumberAnswers:
    """Outputs that are standardised numbers.

    Attributes:
        mean: Mean of each target in training.
        scale: Deviation of each target in training.
        columns: Names of the targets in their order, where they have names.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    columns: tuple[str, ...] = ()
    kind: Literal["numbers"] = "numbers"

    def __call__(self, outputs: Outputs) -> Numbers:
        """Returns numbers ``(..., targets)`` in the units of the targets."""
        numbers: Numbers = outputs.astype(np.float64) * np.array(self.scale) + np.array(self.mean)
        return numbers


@dataclass(frozen=True, slots=True)
class Preparation:
    """What leads from raw sequences to the inputs of a network, and from its outputs to answers.

    It is plain JSON (`to_json`), so that it lies beside the weights of an exported network.

    Attributes:
        inputs: From a raw sequence to the inputs of the network.
        answers: From the outputs of the network to classes or numbers.
    """

    inputs: NumericInputs | TokenInputs
    answers: ClassAnswers | NumberAnswers

    def prepared(self, sequences: Any) -> tuple[Array, Lengths]:
        """Returns the inputs of a network for raw sequences in memory, and their lengths if they differ.

        Args:
            sequences: An array ``(n, time, features)`` or a list of arrays or frames; see `data.memory.Reading`.

        Raises:
            DataError: The sequences are not of the kind that the network learnt from.
        """
        columns = self.inputs.columns if isinstance(self.inputs, NumericInputs) else ()
        # Holes are judged by what training had, not by what is possible.
        reading = Reading("classification", holes=True)
        return self.inputs.padded(reading.inputs("raw", sequences, columns=columns))

    def to_json(self) -> str:
        """Returns the preparation as JSON, which `from_json` reads."""
        return _adapter().dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Preparation:
        """Returns the preparation that `to_json` wrote.

        Raises:
            DataError: The text is no preparation.
        """
        try:
            return _adapter().validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "its start"
            raise DataError(f"the preparation is damaged at {where}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Preparation]:
    return TypeAdapter(Preparation)
