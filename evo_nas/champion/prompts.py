"""Reads the beginning that a champion continues from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evo_nas.tasks.raw_files import corpus_of, read_raw_file
from evo_nas.tasks.raw_inputs import TokenInputs

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.champion.champion import Champion


def prompt_of(champion: Champion, path: Path) -> Any:
    """Returns the text of a file, or the frames of its first sequence.

    Raises:
        DataError: The file is not of the kind that the network learnt from.
    """
    preparation = champion.prepared
    if isinstance(preparation.inputs, TokenInputs):
        # Without the end of its last line, after which nobody means a text to go on.
        return corpus_of(path, preparation).text.removesuffix("\n")
    read = read_raw_file(path, preparation)
    return read.inputs[0, : read.steps(0)]
