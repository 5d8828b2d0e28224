"""Rows of tables for n-grams, as `evo_nas.models.hashing` computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.onnx.builder import INT, UINT
from evo_nas.champion.exporters.onnx.steps import chosen, joined, sliced, unsqueezed
from evo_nas.models.hashing import FACTOR, MIXER, NO_NGRAM, PRIME

if TYPE_CHECKING:
    from evo_nas.champion.exporters.onnx.builder import Value
    from evo_nas.genome.blocks import Ngrams


def hashed_ngrams(marked: Value, ngrams: Ngrams) -> Value:
    """Returns the row of the n-grams of each length that end at each token, `NO_NGRAM` where none ends.

    Args:
        marked: Ids plus 1, and 0 where there is no token, int64 ``(batch, longest - 1 + time)``: the tokens after
            those that come before the first, on which the first n-grams depend.
        ngrams: Which runs are hashed into how many rows.

    Returns:
        int64 ``(batch, time, orders)``.
    """
    hashes, is_whole, rows = marked, marked > 0, []
    for order in range(1, ngrams.longest + 1):
        if order > 1:
            # A run that ends here is the run shorter by one that ends a token earlier, and this token. Runs that began
            # before what is known are not whole, and lose their place.
            later, known = sliced(marked, 1, order - 1), sliced(marked > 0, 1, order - 1)
            hashes = (sliced(hashes, 1, 0, -1) * FACTOR + later) % PRIME
            is_whole = sliced(is_whole, 1, 0, -1) & known
        if order >= ngrams.shortest:
            mixed = (_mixed(hashes) * MIXER + order * FACTOR) % PRIME
            found = chosen(is_whole, mixed % (ngrams.rows - 1) + 1, NO_NGRAM)
            rows.append(unsqueezed(sliced(found, 1, ngrams.longest - order), 2))
    return joined(*rows, axis=2)


def _mixed(hashes: Value) -> Value:
    """Returns each hash with its upper bits in the lower ones; shifts are of unsigned numbers only."""
    graph = hashes.graph
    unsigned = graph.node("Cast", hashes, to=UINT)
    shifted = graph.node("BitShift", unsigned, np.array(15, np.uint64), direction="RIGHT")
    return graph.node("Cast", graph.node("BitwiseXor", unsigned, shifted), to=INT)
