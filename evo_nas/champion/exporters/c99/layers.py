"""A recurrent layer in C: its cell at its pace, with its context, between normalisations and a residual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from evo_nas.champion.exporters.c99.cells import CellWriter
from evo_nas.champion.exporters.c99.contexts import ContextWriter, context_in
from evo_nas.champion.exporters.c99.source import loop, when

if TYPE_CHECKING:
    from evo_nas.champion.exporters.c99.source import Source
    from evo_nas.genome.architecture import Layer
    from evo_nas.models.recurrent_layer import RecurrentLayer


class LayerWriter:
    """Writes a layer; `step`, `run` and `decode` add what is called of it.

    Args:
        source: Where it is written.
        settings: The layer's part of the architecture.
        layer: The layer with its weights.
        prefix: Beginning of all names.
        owner: Whose the states are; see `Source.state`.
    """

    def __init__(
        self, source: Source, settings: Layer, layer: RecurrentLayer, *, prefix: str, owner: str
    ) -> None:
        self._source = source
        self._settings = settings
        self._layer = layer
        self._prefix = prefix
        self._owner = owner
        self.inputs = layer.recurrence.inputs
        self.width = settings.width
        self.outputs = settings.output_width
        self._cell = CellWriter(source, layer.recurrence, prefix=prefix, owner=owner)
        self._norms: dict[str, tuple[str, str]] = {}
        self._update = self._direction(self._cell, prefix, 0)
        self._backward: CellWriter | None = None
        if settings.bidirectional:
            back = f"{prefix}_back"
            self._backward = CellWriter(source, layer.recurrence, prefix=back, owner=back, suffix="_reverse")
            self._update_backward = self._direction(self._backward, back, 1)
            source.reset_function(f"{back}_reset", back)
        self._enter = self._entering()
        self._leave = self._leaving()

    @property
    def prefix(self) -> str:
        """Beginning of all names."""
        return self._prefix

    @property
    def is_bidirectional(self) -> bool:
        """Whether a second cell reads backwards."""
        return self._backward is not None

    def step(self) -> str:
        """Adds ``PREFIX_step(x, out)`` of a layer in one direction, and returns its name."""
        name, settings = f"{self._prefix}_step", self._settings
        read, lines = self._entered("x")
        if settings.period == 1:
            lines += self._call(self._update, read, "out")
        else:
            lines += self._paced(read)
        heading = f"static void {name}(const float *x, float *out)"
        self._source.function(heading, [*lines, *self._left("x", "out")], self._words())
        return name

    def run(self, steps: str, most: int) -> str:
        """Adds ``PREFIX_run(in, out, steps)`` of a layer in both directions, and returns its name.

        Args:
            steps: An expression for the most steps.
            most: Its value.
        """
        name = f"{self._prefix}_run"
        source, width, inputs, outputs = self._source, self.width, self.inputs, self.outputs
        lines = ["const float *entered = in;"]
        if self._enter:
            kept = source.buffer(f"{self._prefix}_entered", f"({steps}) * {inputs}", most * inputs)
            lines = [
                f"float *entered = {kept};",
                *loop("t", "steps", *self._enter_into(f"entered + t * {inputs}", f"in + t * {inputs}")),
            ]
        period = self._settings.period
        if period == 1:
            lines += loop(
                "t", "steps", *self._call(self._update, f"entered + t * {inputs}", f"out + t * {outputs}")
            )
            lines += [
                "for (int32_t t = steps - 1; t >= 0; t--) {",
                *(
                    f"    {line}"
                    for line in self._call(
                        self._update_backward, f"entered + t * {inputs}", f"out + t * {outputs} + {width}"
                    )
                ),
                "}",
            ]
        else:
            lines += self._paced_both_ways(period)
        lines += loop("t", "steps", *self._left(f"(in + t * {inputs})", f"(out + t * {outputs})"))
        heading = f"static void {name}(const float *in, float *out, int32_t steps)"
        source.function(heading, lines, self._words())
        return name

    def decode(self) -> str:
        """Adds ``PREFIX_decode(query, out)``, one more step from the states, which stay; returns its name."""
        name, source = f"{self._prefix}_decode", self._source
        read, lines = self._entered("query")
        copy = source.helper("copy")
        saved = [f"saved_{state}" for state in self._cell.states]
        states = list(zip(saved, self._cell.states, strict=True))
        lines += [f"float {', '.join(f'{each}[{self.width}]' for each in saved)};"]
        lines += [f"{copy}({kept}, {state}, {self.width});" for kept, state in states]
        lines += [f"{self._update[0]}({read});", f"{copy}(out, {self._cell.output}, {self.width});"]
        lines += [f"{copy}({state}, {kept}, {self.width});" for kept, state in states]
        if self._backward is not None:
            lines += [f"{self._prefix}_back_reset();", f"{self._update_backward[0]}({read});"]
            lines += [f"{copy}(out + {self.width}, {self._backward.output}, {self.width});"]
        heading = f"static void {name}(const float *query, float *out)"
        source.function(heading, [*lines, *self._left("query", "out")])
        return name

    def _direction(self, cell: CellWriter, prefix: str, number: int) -> tuple[str, str | None, str]:
        """Returns the functions of cell and context, and the state that holds the cell's output."""
        step, context = cell.write(), None
        if self._layer.context is not None:
            writer = ContextWriter(
                self._source, self.width, prefix=prefix, owner=prefix if number else self._owner
            )
            context = writer.write(context_in(list(self._layer.context.directions), number))
        return step, context, cell.output

    def _call(self, direction: tuple[str, str | None, str], read: str, out: str) -> list[str]:
        cell, context, output = direction
        gives = (
            f"{self._source.helper('copy')}({out}, {output}, {self.width});"
            if context is None
            else f"{context}({output}, {out});"
        )
        return [f"{cell}({read});", gives]

    def _paced(self, read: str) -> list[str]:
        source, prefix, period, inputs = self._source, self._prefix, self._settings.period, self.inputs
        summed = source.state(f"{prefix}_sum", inputs, owner=self._owner)
        held = source.state(f"{prefix}_held", self.width, owner=self._owner)
        position = source.counter(f"{prefix}_position", owner=self._owner)
        add, fill, copy = map(source.helper, ("add", "fill", "copy"))
        return [
            f"{add}({summed}, {read}, {inputs});",
            *when(
                f"++{position} == {period}",
                f"float mean[{inputs}];",
                *loop("i", inputs, f"mean[i] = {summed}[i] / {period}.0f;"),
                *self._call(self._update, "mean", held),
                f"{fill}({summed}, 0.0f, {inputs});",
                f"{position} = 0;",
            ),
            f"{copy}(out, {held}, {self.width});",
        ]

    def _paced_both_ways(self, period: int) -> list[str]:
        width, inputs, outputs = self.width, self.inputs, self.outputs
        fill, copy = map(self._source.helper, ("fill", "copy"))
        mean = [
            f"{fill}(mean, 0.0f, {inputs});",
            *loop(
                "k",
                period,
                *loop(
                    "i", inputs, f"mean[i] += entered[(chunk * {period} + k) * {inputs} + i] / {period}.0f;"
                ),
            ),
        ]
        return [
            f"const int32_t chunks = steps / {period};",
            f"float mean[{inputs}], held[{width}];",
            f"{fill}(out, 0.0f, steps * {outputs});",
            *loop(
                "chunk",
                "chunks",
                *mean,
                *self._call(self._update, "mean", "held"),
                "/* held until the next chunk ends */",
                f"const int32_t first = chunk * {period} + {period - 1};",
                *[
                    f"for (int32_t t = first; t < first + {period} && t < steps; t++) {{",
                    f"    {copy}(out + t * {outputs}, held, {width});",
                    "}",
                ],
            ),
            "for (int32_t chunk = chunks - 1; chunk >= 0; chunk--) {",
            *(
                f"    {line}"
                for line in [
                    *mean,
                    *self._call(self._update_backward, "mean", "held"),
                    *loop(
                        "k",
                        period,
                        f"{copy}(out + (chunk * {period} + k) * {outputs} + {width}, held, {width});",
                    ),
                ]
            ),
            "}",
        ]

    def _norm(self, name: str, norm: nn.Module) -> tuple[str, str] | None:
        if not isinstance(norm, nn.LayerNorm):
            return None
        weight, bias = norm.weight, norm.bias
        return (
            self._source.weights(f"{self._prefix}_{name}_scale", weight),
            self._source.weights(f"{self._prefix}_{name}_shift", bias),
        )

    def _entering(self) -> tuple[str, str] | None:
        return self._norm("before", self._layer.norm_before)

    def _enter_into(self, target: str, read: str) -> list[str]:
        assert self._enter is not None
        scale, shift = self._enter
        return [
            f"{self._source.helper('normalize')}({target}, {read}, {self.inputs});",
            f"{self._source.helper('scale_and_shift')}({target}, {scale}, {shift}, {self.inputs});",
        ]

    def _entered(self, read: str) -> tuple[str, list[str]]:
        """Returns what the cell reads, and the lines that make it."""
        if self._enter is None:
            return read, []
        return "entered", [f"float entered[{self.inputs}];", *self._enter_into("entered", read)]

    def _leaving(self) -> tuple[str | None, tuple[str, str] | None]:
        residual, projection = self._layer.residual, None
        if isinstance(residual, nn.Linear):
            shape = f"{self.outputs} x {self.inputs}"
            projection = self._source.weights(f"{self._prefix}_residual", residual.weight, shape)
        return projection, self._norm("norm", self._layer.norm)

    def _left(self, read: str, out: str) -> list[str]:
        projection, norm = self._leave
        source, size, lines = self._source, self.outputs, []
        if projection is not None:
            helper = source.helper("add_product")
            lines.append(f"{helper}({out}, {projection}, {read}, {size}, {self.inputs});")
        elif self._layer.residual is not None:
            lines.append(f"{source.helper('add')}({out}, {read}, {size});")
        if norm is not None:
            lines.append(f"{source.helper('normalize')}({out}, {out}, {size});")
            lines.append(f"{source.helper('scale_and_shift')}({out}, {norm[0]}, {norm[1]}, {size});")
        return lines

    def _words(self) -> str:
        settings = self._settings
        parts = [f"{self._prefix}: {self.inputs} values in, {self.outputs} out"]
        parts += ["in both directions"] if settings.bidirectional else []
        parts += [f"an update every {settings.period} steps"] if settings.period > 1 else []
        parts += ["a residual around it"] if settings.residual else []
        return "; ".join(parts) + "."
