"""Architectures in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.genome.cells import spoken_name
from evo_nas.genome.ops import Op
from evo_nas.genome.slots import HEAD, LAYER, NETWORK, TRAINING, words_of

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Architecture, Layer
    from evo_nas.genome.cell import CellGraph


def describe(architecture: Architecture) -> str:
    """Returns one line, such as ``2 layers: LSTM 128 → GRU 96, skip from input; mean pooling; Adam ...``.

    Values that are at their plainest are left out: no norm, no dropout, the last step as pooling.
    """
    count = len(architecture.layers)
    layers = " → ".join(_describe_layer(layer) for layer in architecture.layers)
    parts = (
        words_of(NETWORK, architecture),
        f"{count} layer{'s' if count > 1 else ''}: {layers}",
        words_of(HEAD, architecture.head),
        words_of(TRAINING, architecture.training),
    )
    return "; ".join(filter(None, parts))


def _describe_layer(layer: Layer) -> str:
    return f"{spoken_name(layer.cell) or _size_in_words(layer.cell)} {words_of(LAYER, layer)}"


def _size_in_words(cell: CellGraph) -> str:
    operations = sum(node.op is not Op.IDENTITY for node in cell.nodes)
    return f"evolved cell ({operations} op{'s' if operations != 1 else ''})"
