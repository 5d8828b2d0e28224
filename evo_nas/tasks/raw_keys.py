"""From raw sequences of sets, such as the keys of polyphonic music, to the inputs of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evo_nas.data.array_files import are_numbers
from evo_nas.data.padding import lengths_of, padded
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from evo_nas.data.examples import Places

    Padded = tuple[npt.NDArray[np.generic], npt.NDArray[np.int64] | None]


@dataclass(frozen=True, slots=True)
class KeyInputs:
    """Sequences of frames of 0 and 1.

    Attributes:
        keys: Values of a frame.
    """

    keys: int
    kind: Literal["keys"] = "keys"

    @property
    def features(self) -> int:
        """Inputs of a network at each step."""
        return self.keys

    def padded(self, sequences: Sequence[Any], *, places: Places | None = None) -> Padded:
        """Returns sequences ``(time, keys)`` as one array ``(n, time, keys)``, and their lengths if they differ.

        Raises:
            DataError: A sequence has other keys, no frame, or values other than 0 and 1.
        """
        frames = []
        for number, each in enumerate(sequences):
            place = places[number] if places else f"sequence {number + 1}"
            given = np.asarray(each)
            if given.ndim != 2 or not len(given) or given.shape[1] != self.keys:
                raise DataError(
                    f"{place} has shape {given.shape}; must be (time, {self.keys}), a 0 or 1 for each key"
                )
            if not are_numbers(given) or not np.isin(given, (0, 1)).all():
                raise DataError(f"{place} has values other than 0 and 1; a key is on or off")
            frames.append(given.astype(np.float32))
        if not frames:
            raise DataError("there are no sequences; must be at least one")
        return padded(frames, np.float32), lengths_of(frames)

    def raw(self, sequences: Any, *, sequence: str | None = None) -> Padded:
        """Returns raw sequences in memory as `padded` does; ``sequence`` is for frames of tables, which hold none."""
        if sequence is not None:
            raise DataError("sequence is for tables; give a list of arrays (time, keys)")
        return self.padded(list(sequences))
