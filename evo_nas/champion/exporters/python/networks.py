"""The class of a network: its steps one after the other, and its weights by the names that they have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.champion.exporters.python.body import ModuleBody
from evo_nas.champion.exporters.python.code import WIDTH, docstring, statement
from evo_nas.champion.exporters.python.heads import write_head, write_shortcut
from evo_nas.genome.architecture import Forecast, Norm
from evo_nas.genome.blocks import (
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    LONGEST_SPELLING,
    MEMORY_SLOTS,
    NGRAM_WIDTH,
    Columns,
    Context,
    FrontKind,
    attention_width,
    memory_width,
)
from evo_nas.genome.columns import network_signature, targets_of
from evo_nas.genome.decoder import DecoderShape
from evo_nas.genome.describe import describe
from evo_nas.models.external_memory import MOST_WRITTEN

if TYPE_CHECKING:
    from evo_nas.champion.exporters.python.cells import Cells
    from evo_nas.genome.architecture import Architecture, Layer, Signature
    from evo_nas.models.network import Network


class NetworkSource:
    """The class of a network, and its weights.

    Attributes:
        source: The text of the class.
        weights: The weights by their names in the class.
    """

    def __init__(self, network: Network, cells: Cells, name: str) -> None:
        self._architecture: Architecture = network.architecture
        self._signature: Signature = network.signature
        self._read = network_signature(network.architecture, network.signature)
        self._cells = cells
        self._body = ModuleBody(network.state_dict())
        self._write()
        self.weights = self._body.weights
        self.source = "\n".join(self._lines(name))

    def _lines(self, name: str) -> list[str]:
        is_text = bool(self._signature.vocabulary)
        shape = "`(batch, time)`" if is_text else f"`(batch, time, {self._signature.features})`"
        outputs = f"{self._signature.outputs})`"
        outputs = f"`(batch, time, {outputs}" if self._signature.per_step else f"`(batch, {outputs}"
        return [
            f"class {name}(nn.Module):",
            *docstring(_sentence(describe(self._architecture))),
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()",
            *self._body.made,
            "",
            "    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:",
            *docstring(
                f"Returns outputs {outputs}.",
                indent=8,
                more=[
                    "Args:",
                    f"    inputs: {'Ids of tokens' if is_text else 'Prepared values'} {shape}.",
                    "    lengths: Steps of each sequence `(batch,)`; None if all are whole.",
                ],
            ),
            *self._body.steps,
        ]

    def _write(self) -> None:
        self._enter()
        self._front()
        for index, layer in enumerate(self._architecture.layers):
            self._layer(index, layer)
        write_head(self._body, self._architecture, self._read, lengths=self._lengths)
        self._leave()

    # What is around the network.

    def _enter(self) -> None:
        architecture = self._architecture
        self._values, self._lengths = "inputs", "lengths"
        if architecture.forecast is not Forecast.VALUE:
            self._body.step("last = last_step(inputs, lengths)")
            if architecture.forecast is Forecast.RELATIVE:
                self._body.step("changes = inputs - last[:, None]")
                self._values = "changes"
        if architecture.columns is Columns.APART:
            targets = targets_of(self._signature)
            others = [each for each in range(self._signature.features) if each not in targets]
            self._body.made.append(f"        self.targets = {list(targets)}")
            self._body.made.append(f"        self.others = {others}")
            self._body.call(
                "steps, ends = columns_apart(", self._values, "lengths", "self.targets", "self.others"
            )
            self._values, self._lengths = "steps", "ends"

    def _leave(self) -> None:
        architecture, signature = self._architecture, self._signature
        if architecture.columns is Columns.APART:
            self._body.call(
                "outputs = columns_together(", "outputs", "len(self.targets)", str(signature.horizon)
            )
        write_shortcut(self._body, architecture, signature)
        if architecture.forecast is not Forecast.VALUE:
            repeats = signature.outputs // len(signature.last_values)
            self._body.made += statement("self.last_values = [", list(map(str, signature.last_values)), "]")
            copies = f".repeat(1, {repeats})" if repeats > 1 else ""
            self._body.step(f"outputs = outputs + last[:, self.last_values]{copies}")
        self._body.step("return outputs")

    # From the inputs to the first layer.

    def _front(self) -> None:
        architecture, signature, front = self._architecture, self._read, self._architecture.front
        width = signature.features
        tokens = self._values
        if signature.vocabulary:
            width = architecture.embedding or 0
            self._body.module("embedding", "nn.Embedding", signature.vocabulary, width, of="front.embedding")
            scale = f" * {float(width) ** 0.5!r}" if architecture.tied else ""
            self._body.step(f"steps = self.embedding({tokens}){scale}")
            self._values = "steps"
        first = architecture.layers[0].width
        match front.kind:
            case FrontKind.DIFFERENCES:
                self._body.step(f"steps = differences({self._values})")
                width *= 2
            case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
                sizes = (width, first, front.size, front.shortens)
                self._body.module("front", "Convolution", *sizes, of="front.stem")
                self._body.step(f"steps, ends = self.front({self._values}, {self._lengths})")
                width, self._lengths = first, "ends"
            case FrontKind.NGRAMS:
                assert front.ngrams is not None
                runs = (front.ngrams.rows, NGRAM_WIDTH, front.ngrams.shortest, front.ngrams.longest)
                self._body.module("front", "NgramVectors", *runs, of="front.stem")
                self._body.step(f"steps = self.front(steps, {tokens}, {self._lengths})")
                width += NGRAM_WIDTH
            case FrontKind.SUBWORDS:
                assert front.ngrams is not None
                places = LONGEST_SPELLING * front.ngrams.orders
                sizes = (front.ngrams.rows, width, signature.vocabulary, places)
                self._body.module("front", "Subwords", *sizes, of="front.stem")
                self._body.step(f"steps = self.front(steps, {tokens})")
            case FrontKind.NONE:
                pass
        if front.kind is not FrontKind.NONE:
            self._values = "steps"
        # Later steps may read it again, so that its name must not be used for anything else.
        self._body.features.append((self._values, width))

    # The layers.

    def _is_decoded(self, index: int) -> bool:
        """Whether a layer is the one that goes on from its last state for each segment of the horizon."""
        return self._architecture.head.segment > 0 and index == len(self._architecture.layers) - 1

    def _layer(self, index: int, layer: Layer) -> None:
        number = index + 1
        below, inputs = self._body.joined(layer.skip, f"below{number}")
        out, ends, read = f"layer{number}", self._lengths, below
        if layer.norm is Norm.BEFORE and inputs > 1:
            self._body.module(f"norm{number}", "nn.LayerNorm", inputs, of=f"layers.{index}.norm_before")
            read = f"read{number}"
            self._body.step(f"{read} = self.norm{number}({below})")
        if layer.period > 1:
            chunks, ends = f"chunks{number}", f"whole{number}" if ends != "None" else ends
            self._body.call(f"{chunks}, {ends} = chunk_means(", read, self._lengths, str(layer.period))
            read_by_cell = chunks
        else:
            read_by_cell = read
        directions = [
            self._direction(index, direction, (read_by_cell, ends), inputs)
            for direction in ("", "_backwards")[: 1 + layer.bidirectional]
        ]
        if layer.period > 1:
            directions = [
                self._held(name, way, read, layer.period)
                for name, way in zip(directions, ("hold", "hold_ahead"), strict=False)
            ]
        if layer.bidirectional:
            self._body.step(f"{out} = torch.cat([{', '.join(directions)}], dim=-1)")
        if layer.residual:
            same = inputs == layer.output_width
            if not same:
                name = f"residual{number}"
                self._body.module(
                    name, "nn.Linear", inputs, layer.output_width, "bias=False", of=f"layers.{index}.residual"
                )
            self._body.step(f"{out} = {out} + {below if same else f'self.residual{number}({below})'}")
        if layer.norm is Norm.LAYER:
            self._body.module(f"norm{number}", "nn.LayerNorm", layer.output_width, of=f"layers.{index}.norm")
            self._body.step(f"{out} = self.norm{number}({out})")
        if self._is_decoded(index):
            self._decoded(index, layer, inputs)
        shape = f"  # (batch, time, {layer.output_width})"
        if len(self._body.steps[-1]) + len(shape) <= WIDTH and self._body.steps[-1].startswith(
            f"        {out} = "
        ):
            self._body.steps[-1] += shape
        self._body.features.append((out, layer.output_width))

    def _direction(self, index: int, direction: str, read: tuple[str, str], inputs: int) -> str:
        """Writes one direction of a layer and returns the name of its output."""
        layer, number, (values, ends) = self._architecture.layers[index], index + 1, read
        cell, out = f"cell{number}{direction}", f"layer{number}{direction}"
        if layer.bidirectional and not direction:
            out = f"layer{number}_forwards"
        arguments = (f"inputs={inputs}", f"width={layer.width}")
        self._body.made += statement(f"self.{cell} = {self._cells.name(layer.cell)}(", list(arguments))
        of = f"layers.{index}.recurrence"
        weights = self._cells.weights(layer.cell, self._body.state, of, "_reverse" if direction else "")
        self._body.weights |= {f"{cell}.{key}": tensor for key, tensor in weights.items()}
        backwards_context = direction and layer.context is not Context.NONE
        if self._is_decoded(index) and not direction:
            self._body.call(f"{out}, states = run_to_states(", f"self.{cell}", values, ends)
        elif backwards_context:
            self._body.call(f"{out} = run(", f"self.{cell}", f"reverse({values}, {ends})", ends)
        else:
            how = "run_backwards" if direction else "run"
            self._body.call(f"{out} = {how}(", f"self.{cell}", values, ends)
        if layer.context is not Context.NONE:
            name = f"context{number}{direction}"
            self._context(name, layer, f"layers.{index}.context.directions.{int(bool(direction))}")
            self._body.call(f"{out} = zero_padding(", f"self.{name}({out})", ends)
            if backwards_context:
                self._body.step(f"{out} = reverse({out}, {ends})")
        return out

    def _held(self, name: str, how: str, read: str, period: int) -> str:
        self._body.call(f"{name} = {how}(", name, f"{read}.shape[1]", str(period))
        return name

    def _context(self, name: str, layer: Layer, of: str) -> None:
        if layer.context is Context.ATTENTION:
            inner = attention_width(layer.width)
            self._body.module(
                name, "WindowAttention", layer.width, inner, ATTENTION_HEADS, ATTENTION_WINDOW, of=of
            )
        else:
            inner = memory_width(layer.width)
            self._body.module(name, "SlotMemory", layer.width, inner, MEMORY_SLOTS, MOST_WRITTEN, of=of)

    def _decoded(self, index: int, layer: Layer, inputs: int) -> None:
        """Writes the one more step of the top layer for each segment of the horizon."""
        number = index + 1
        shape = DecoderShape.of(self._architecture, self._read, pooled=0)
        assert shape is not None
        apart = self._architecture.columns is Columns.APART
        targets = (len(targets_of(self._signature)),) if apart else ()
        self._body.module("queries", "Queries", shape.segments, inputs, *targets, of="queries")
        if layer.norm is Norm.BEFORE and inputs > 1:
            self._body.step(f"queries = self.queries(len(layer{number}))")
            self._body.step(f"asked = self.norm{number}(queries)")
        else:
            kept = "queries = asked" if layer.residual else "asked"
            self._body.step(f"{kept} = self.queries(len(layer{number}))")
        self._body.step(f"decoded = decode(self.cell{number}, asked, states)")
        if layer.bidirectional:
            self._body.step(f"ahead = decode(self.cell{number}_backwards, asked, [])")
            self._body.step("decoded = torch.cat([decoded, ahead], dim=-1)")
        if layer.residual:
            same = inputs == layer.output_width
            self._body.step(f"decoded = decoded + {'queries' if same else f'self.residual{number}(queries)'}")
        if layer.norm is Norm.LAYER:
            self._body.step(f"decoded = self.norm{number}(decoded)")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].replace("→", "to") + "."
