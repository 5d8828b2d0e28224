"""What a layer adds to the output of its cell, in C: attention over its last outputs, or a memory of slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.c99.source import literal, loop, when
from evo_nas.genome.blocks import (
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    MEMORY_SLOTS,
    attention_width,
    memory_width,
)
from evo_nas.models.attention import WindowedAttention
from evo_nas.models.external_memory import MOST_WRITTEN, SlotMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from evo_nas.champion.exporters.c99.source import Source


class ContextWriter:
    """Writes ``PREFIX_context(h, out)``, which gives the output of a cell with what its context adds.

    Args:
        source: Where it is written.
        width: Units of the cell.
        prefix: Beginning of all names.
        owner: Whose the states are; see `Source.state`.
    """

    def __init__(self, source: Source, width: int, *, prefix: str, owner: str) -> None:
        self._source = source
        self._width = width
        self._prefix = prefix
        self._owner = owner

    def write(self, context: WindowedAttention | SlotMemory) -> str:
        """Writes the function and returns its name."""
        name = f"{self._prefix}_context"
        if isinstance(context, WindowedAttention):
            comment, body = "Attention to the last outputs, this one among them.", self._attention(context)
        else:
            comment = "Writes into the slots of a memory, and reads those whose keys are like the query."
            body = self._memory(context)
        self._source.function(f"static void {name}(const float *h, float *out)", body, comment)
        return name

    def _product(self, target: str, name: str, matrix: Tensor, read: str) -> str:
        rows, columns = matrix.shape
        weight = self._source.weights(f"{self._prefix}_{name}", matrix, f"{rows} x {columns}")
        return f"{self._source.helper('add_product')}({target}, {weight}, {read}, {rows}, {columns});"

    def _projected(self, matrix: Tensor) -> list[str]:
        """Returns the lines that make ``projected`` of the output at a common scale, ``scaled``."""
        source, rows = self._source, matrix.shape[0]
        return [
            f"float scaled[{self._width}], projected[{rows}];",
            f"{source.helper('normalize')}(scaled, h, {self._width});",
            f"{source.helper('fill')}(projected, 0.0f, {rows});",
            self._product("projected", "project", matrix, "scaled"),
        ]

    def _merged(self, matrix: Tensor) -> list[str]:
        return [
            f"{self._source.helper('copy')}(out, h, {self._width});",
            self._product("out", "merge", matrix, "found"),
        ]

    def _attention(self, context: WindowedAttention) -> list[str]:
        source, inner, prefix = self._source, attention_width(self._width), self._prefix
        features, window = inner // ATTENTION_HEADS, ATTENTION_WINDOW
        keys, values = (
            source.state(f"{prefix}_{name}", window * inner, owner=self._owner) for name in ("keys", "values")
        )
        place, seen = (source.counter(f"{prefix}_{name}", owner=self._owner) for name in ("place", "seen"))
        biases = source.weights(
            f"{prefix}_distances", context.distances, "a head a row, by the distance in steps"
        )
        dot, fill, copy = map(source.helper, ("dot", "fill", "copy"))
        softmax = source.helper("softmax")
        return [
            *self._projected(context.project.weight),
            f"float found[{inner}], scores[{window}];",
            "/* the place of this step in a ring of the last ones */",
            f"{copy}({keys} + {place} * {inner}, projected + {inner}, {inner});",
            f"{copy}({values} + {place} * {inner}, projected + {2 * inner}, {inner});",
            *when(f"{seen} < {window}", f"{seen}++;"),
            f"{fill}(found, 0.0f, {inner});",
            *loop(
                "head",
                ATTENTION_HEADS,
                f"const int32_t part = head * {features};",
                *loop(
                    "ago",
                    seen,
                    f"const float *key = {keys} + ({place} + {window} - ago) % {window} * {inner} + part;",
                    f"scores[ago] = {literal(features**-0.5)} * {dot}(projected + part, key, {features});",
                    f"scores[ago] += {biases}[head * {window} + ago];",
                ),
                f"{softmax}(scores, {seen});",
                *loop(
                    "ago",
                    seen,
                    f"const float *value = {values} + ({place} + {window} - ago) % {window} * {inner} + part;",
                    *loop("i", features, "found[part + i] += scores[ago] * value[i];"),
                ),
            ),
            f"{place} = ({place} + 1) % {window};",
            *self._merged(context.merge.weight),
        ]

    def _memory(self, context: SlotMemory) -> list[str]:
        source, inner, prefix = self._source, memory_width(self._width), self._prefix
        slots = source.state(f"{prefix}_slots", MEMORY_SLOTS * 2 * inner, owner=self._owner)
        gate = source.weights(f"{prefix}_gate", context.gate.weight)
        bias = source.weights(f"{prefix}_gate_bias", context.gate.bias)
        address_bias = source.weights(f"{prefix}_address_bias", context.address.bias)
        dot, fill, copy, softmax = map(source.helper, ("dot", "fill", "copy", "softmax"))
        sigmoid = source.helper("sigmoid")
        return [
            *self._projected(context.project.weight),
            f"float found[{inner}], written[{MEMORY_SLOTS}], scores[{MEMORY_SLOTS}];",
            f"{copy}(written, {address_bias}, {MEMORY_SLOTS});",
            self._product("written", "address", context.address.weight, "scaled"),
            f"{softmax}(written, {MEMORY_SLOTS});",
            f"const float opened = {sigmoid}({bias}[0] + {dot}({gate}, scaled, {self._width}));",
            *loop(
                "slot",
                MEMORY_SLOTS,
                f"const float share = {literal(MOST_WRITTEN)} * opened * written[slot];",
                f"float *content = {slots} + slot * {2 * inner};",
                *loop("i", 2 * inner, f"content[i] += share * (projected[{inner} + i] - content[i]);"),
                f"scores[slot] = {literal(inner**-0.5)} * {dot}(projected, content, {inner});",
            ),
            f"{softmax}(scores, {MEMORY_SLOTS});",
            f"{fill}(found, 0.0f, {inner});",
            *loop(
                "slot",
                MEMORY_SLOTS,
                *loop("i", inner, f"found[i] += scores[slot] * {slots}[slot * {2 * inner} + {inner} + i];"),
            ),
            *self._merged(context.merge.weight),
        ]


def context_in(directions: Sequence[object], number: int) -> WindowedAttention | SlotMemory:
    """Returns the context of one direction of a layer."""
    context = directions[number]
    assert isinstance(context, WindowedAttention | SlotMemory)
    return context
