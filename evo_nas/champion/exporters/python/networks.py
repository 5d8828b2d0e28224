"""The class of a network: its steps one after the other, and its weights by the names that they have there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.champion.exporters.python.cells import attribute, cell_source
from evo_nas.champion.exporters.python.code import WIDTH, docstring, statement
from evo_nas.genome.architecture import Forecast, Norm, Pooling
from evo_nas.genome.blocks import (
    ATTENTION_HEADS,
    ATTENTION_WINDOW,
    LONGEST_SPELLING,
    MEMORY_SLOTS,
    NGRAM_WIDTH,
    Columns,
    Context,
    FrontKind,
    ShortcutKind,
    attention_width,
    memory_width,
)
from evo_nas.genome.canonical import canonical, canonical_references
from evo_nas.genome.columns import network_signature, targets_of
from evo_nas.genome.decoder import DecoderShape
from evo_nas.genome.describe import describe
from evo_nas.models.external_memory import MOST_WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from evo_nas.genome.architecture import Architecture, Layer, Signature
    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.equations import CellEquations
    from evo_nas.models.network import Network

POOLINGS: Mapping[Pooling, str] = {
    Pooling.MEAN: "mean_over_time({})",
    Pooling.MAX: "max_over_time({})",
    Pooling.ATTENTION: "self.pooling({})",
}


class Cells:
    """The classes of the cells of one file; equal cells have one class."""

    def __init__(self, networks: list[Network]) -> None:
        layers = [layer for network in networks for layer in network.architecture.layers]
        forms = dict.fromkeys(canonical(layer.cell) for layer in layers)
        names = ["Cell"] if len(forms) == 1 else [f"Cell{at}" for at in range(1, len(forms) + 1)]
        self._made = {form: cell_source(form, name) for form, name in zip(forms, names, strict=True)}
        self._names = dict(zip(forms, names, strict=True))

    @property
    def sources(self) -> list[str]:
        """The text of each class."""
        return [made.source for made in self._made.values()]

    def name(self, cell: CellGraph) -> str:
        """Returns the class of ``cell``."""
        return self._names[canonical(cell)]

    def equations(self, cell: CellGraph) -> CellEquations:
        """Returns the equations of ``cell``, by which its weights are named."""
        return self._made[canonical(cell)].equations


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
        self._state = network.state_dict()
        self._made: list[str] = []
        self._steps: list[str] = []
        self.weights: dict[str, Tensor] = {}
        self._widths: list[int] = []
        """Features of what each layer, and then the head, may read: the front, then each layer."""
        self._write()
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
            *self._made,
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
            *self._steps,
        ]

    def _write(self) -> None:
        self._enter()
        self._front()
        for index, layer in enumerate(self._architecture.layers):
            self._layer(index, layer)
        self._head()
        self._leave()

    # What is around the network.

    def _enter(self) -> None:
        architecture = self._architecture
        self._values, self._lengths = "inputs", "lengths"
        if architecture.forecast is not Forecast.VALUE:
            self._step("last = last_step(inputs, lengths)")
            if architecture.forecast is Forecast.RELATIVE:
                self._step("changes = inputs - last[:, None]")
                self._values = "changes"
        if architecture.columns is Columns.APART:
            targets = targets_of(self._signature)
            others = [each for each in range(self._signature.features) if each not in targets]
            self._made.append(f"        self.targets = {list(targets)}")
            self._made.append(f"        self.others = {others}")
            self._call("steps, ends = columns_apart(", self._values, "lengths", "self.targets", "self.others")
            self._values, self._lengths = "steps", "ends"

    def _leave(self) -> None:
        architecture, signature = self._architecture, self._signature
        if architecture.columns is Columns.APART:
            self._call("outputs = columns_together(", "outputs", "len(self.targets)", str(signature.horizon))
        self._shortcut()
        if architecture.forecast is not Forecast.VALUE:
            repeats = signature.outputs // len(signature.last_values)
            self._made += statement("self.last_values = [", list(map(str, signature.last_values)), "]")
            copies = f".repeat(1, {repeats})" if repeats > 1 else ""
            self._step(f"outputs = outputs + last[:, self.last_values]{copies}")
        self._step("return outputs")

    # From the inputs to the first layer.

    def _front(self) -> None:
        architecture, signature, front = self._architecture, self._read, self._architecture.front
        width = signature.features
        tokens = self._values
        if signature.vocabulary:
            width = architecture.embedding or 0
            self._module("embedding", "nn.Embedding", signature.vocabulary, width, of="front.embedding")
            scale = f" * {float(width) ** 0.5!r}" if architecture.tied else ""
            self._step(f"steps = self.embedding({tokens}){scale}")
            self._values = "steps"
        first = architecture.layers[0].width
        match front.kind:
            case FrontKind.DIFFERENCES:
                self._step(f"steps = differences({self._values})")
                width *= 2
            case FrontKind.SEGMENTS | FrontKind.CONVOLUTION:
                sizes = (width, first, front.size, front.shortens)
                self._module("front", "Convolution", *sizes, of="front.stem")
                self._step(f"steps, ends = self.front({self._values}, {self._lengths})")
                width, self._lengths = first, "ends"
            case FrontKind.NGRAMS:
                assert front.ngrams is not None
                runs = (front.ngrams.rows, NGRAM_WIDTH, front.ngrams.shortest, front.ngrams.longest)
                self._module("front", "NgramVectors", *runs, of="front.stem")
                self._step(f"steps = self.front(steps, {tokens}, {self._lengths})")
                width += NGRAM_WIDTH
            case FrontKind.SUBWORDS:
                assert front.ngrams is not None
                places = LONGEST_SPELLING * front.ngrams.orders
                sizes = (front.ngrams.rows, width, signature.vocabulary, places)
                self._module("front", "Subwords", *sizes, of="front.stem")
                self._step(f"steps = self.front(steps, {tokens})")
            case FrontKind.NONE:
                pass
        if front.kind is not FrontKind.NONE:
            self._values = "steps"
        self._widths.append(width)
        # Later steps may read it again, so that its name must not be used for anything else.
        self._outputs = [self._values]

    # The layers.

    def _is_decoded(self, index: int) -> bool:
        """Whether a layer is the one that goes on from its last state for each segment of the horizon."""
        return self._architecture.head.segment > 0 and index == len(self._architecture.layers) - 1

    def _layer(self, index: int, layer: Layer) -> None:
        number = index + 1
        below = self._joined(layer.skip, f"below{number}")
        inputs = self._widths[-1] + (0 if layer.skip is None else self._widths[layer.skip])
        out, ends, read = f"layer{number}", self._lengths, below
        if layer.norm is Norm.BEFORE and inputs > 1:
            self._module(f"norm{number}", "nn.LayerNorm", inputs, of=f"layers.{index}.norm_before")
            read = f"read{number}"
            self._step(f"{read} = self.norm{number}({below})")
        if layer.period > 1:
            chunks, ends = f"chunks{number}", f"whole{number}" if ends != "None" else ends
            self._call(f"{chunks}, {ends} = chunk_means(", read, self._lengths, str(layer.period))
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
            self._step(f"{out} = torch.cat([{', '.join(directions)}], dim=-1)")
        if layer.residual:
            same = inputs == layer.output_width
            if not same:
                name = f"residual{number}"
                self._module(
                    name, "nn.Linear", inputs, layer.output_width, "bias=False", of=f"layers.{index}.residual"
                )
            self._step(f"{out} = {out} + {below if same else f'self.residual{number}({below})'}")
        if layer.norm is Norm.LAYER:
            self._module(f"norm{number}", "nn.LayerNorm", layer.output_width, of=f"layers.{index}.norm")
            self._step(f"{out} = self.norm{number}({out})")
        if self._is_decoded(index):
            self._decoded(index, layer, inputs)
        shape = f"  # (batch, time, {layer.output_width})"
        if len(self._steps[-1]) + len(shape) <= WIDTH and self._steps[-1].startswith(f"        {out} = "):
            self._steps[-1] += shape
        self._widths.append(layer.output_width)
        self._outputs.append(out)

    def _direction(self, index: int, direction: str, read: tuple[str, str], inputs: int) -> str:
        """Writes one direction of a layer and returns the name of its output."""
        layer, number, (values, ends) = self._architecture.layers[index], index + 1, read
        cell, out = f"cell{number}{direction}", f"layer{number}{direction}"
        if layer.bidirectional and not direction:
            out = f"layer{number}_forwards"
        arguments = (f"inputs={inputs}", f"width={layer.width}")
        self._made += statement(f"self.{cell} = {self._cells.name(layer.cell)}(", list(arguments))
        self._cell_weights(cell, layer.cell, f"layers.{index}.recurrence", direction)
        backwards_context = direction and layer.context is not Context.NONE
        if self._is_decoded(index) and not direction:
            self._call(f"{out}, states = run_to_states(", f"self.{cell}", values, ends)
        elif backwards_context:
            self._call(f"{out} = run(", f"self.{cell}", f"reverse({values}, {ends})", ends)
        else:
            how = "run_backwards" if direction else "run"
            self._call(f"{out} = {how}(", f"self.{cell}", values, ends)
        if layer.context is not Context.NONE:
            name = f"context{number}{direction}"
            self._context(name, layer, f"layers.{index}.context.directions.{int(bool(direction))}")
            self._call(f"{out} = zero_padding(", f"self.{name}({out})", ends)
            if backwards_context:
                self._step(f"{out} = reverse({out}, {ends})")
        return out

    def _held(self, name: str, how: str, read: str, period: int) -> str:
        self._call(f"{name} = {how}(", name, f"{read}.shape[1]", str(period))
        return name

    def _context(self, name: str, layer: Layer, of: str) -> None:
        if layer.context is Context.ATTENTION:
            inner = attention_width(layer.width)
            self._module(
                name, "WindowAttention", layer.width, inner, ATTENTION_HEADS, ATTENTION_WINDOW, of=of
            )
        else:
            inner = memory_width(layer.width)
            self._module(name, "SlotMemory", layer.width, inner, MEMORY_SLOTS, MOST_WRITTEN, of=of)

    def _cell_weights(self, name: str, cell: CellGraph, prefix: str, direction: str) -> None:
        """Takes the weights of a cell over, by the names that they have in its equations."""
        suffix = "_reverse" if direction else ""
        equations, counterparts = self._cells.equations(cell), canonical_references(cell)
        form, width = equations.cell, 0
        for index, node in enumerate(cell.nodes):
            counterpart = counterparts.get(cell.first_node + index, 0) - form.first_node
            stored = self._state.get(f"{prefix}.weight_{index}{suffix}")
            if counterpart < 0 or stored is None:
                continue
            if counterpart in equations.vectors:
                vector = attribute(equations.vectors[counterpart])
                self.weights[f"{name}.{vector}"] = stored
                continue
            linear, width = equations.linears[counterpart], len(stored)
            sizes = [
                width if source else stored.shape[1] - width * (len(node.inputs) - 1)
                for source in node.inputs
            ]
            blocks = stored.split(sizes, dim=1)
            for (matrix, _), source in zip(linear.products, form.nodes[counterpart].inputs, strict=True):
                # Values that are equal are read once there, so that their weights add up.
                shares = [
                    block
                    for block, read in zip(blocks, node.inputs, strict=True)
                    if counterparts[read] == source
                ]
                self.weights[f"{name}.{attribute(matrix)}.weight"] = torch.stack(shares).sum(0)
            if linear.bias is not None:
                first = attribute(linear.products[0][0])
                self.weights[f"{name}.{first}.bias"] = self._state[f"{prefix}.bias_{index}{suffix}"]

    def _decoded(self, index: int, layer: Layer, inputs: int) -> None:
        """Writes the one more step of the top layer for each segment of the horizon."""
        number = index + 1
        shape = DecoderShape.of(self._architecture, self._read, pooled=0)
        assert shape is not None
        apart = self._architecture.columns is Columns.APART
        targets = (len(targets_of(self._signature)),) if apart else ()
        self._module("queries", "Queries", shape.segments, inputs, *targets, of="queries")
        if layer.norm is Norm.BEFORE and inputs > 1:
            self._step(f"queries = self.queries(len(layer{number}))")
            self._step(f"asked = self.norm{number}(queries)")
        else:
            kept = "queries = asked" if layer.residual else "asked"
            self._step(f"{kept} = self.queries(len(layer{number}))")
        self._step(f"decoded = decode(self.cell{number}, asked, states)")
        if layer.bidirectional:
            self._step(f"ahead = decode(self.cell{number}_backwards, asked, [])")
            self._step("decoded = torch.cat([decoded, ahead], dim=-1)")
        if layer.residual:
            same = inputs == layer.output_width
            self._step(f"decoded = decoded + {'queries' if same else f'self.residual{number}(queries)'}")
        if layer.norm is Norm.LAYER:
            self._step(f"decoded = self.norm{number}(decoded)")

    # From the layers to the outputs.

    def _head(self) -> None:
        head, read = self._architecture.head, self._read
        features = self._joined(head.skip, "features")
        width = self._widths[-1] + (0 if head.skip is None else self._widths[head.skip])
        shape = DecoderShape.of(self._architecture, read, pooled=width)
        outputs = read.outputs
        if not read.per_step and (shape is None or shape.reads_pooled):
            features = self._pooled(features, width)
        if shape is not None:
            width, outputs = shape.features, shape.outputs
            if shape.reads_pooled:
                self._step(f"pooled = {features}[:, None].expand(-1, decoded.shape[1], -1)")
                self._step("decoded = torch.cat([decoded, pooled], dim=-1)")
            features = "decoded"
        if head.hidden:
            self._module("hidden", "nn.Linear", width, head.hidden, of="head.hidden")
            self._step(f"hidden = torch.tanh(self.hidden({features}))")
            features, width = "hidden", head.hidden
        self._output(features, width, outputs)
        if shape is not None:
            beyond = shape.segments * shape.outputs > read.outputs
            if beyond:
                self._step("# The last segment reaches beyond the horizon.")
            cut = f"[:, :{read.outputs}]" if beyond else ""
            self._step(f"outputs = outputs.flatten(1){cut}")

    def _pooled(self, features: str, width: int) -> str:
        pooling = self._architecture.head.pooling
        arguments = f"{features}, {self._lengths}"
        if pooling is Pooling.ATTENTION:
            self._module("pooling", "AttentionPooling", width, of="head.pooling")
        if pooling is not Pooling.LAST:
            self._step(f"pooled = {POOLINGS[pooling].format(arguments)}")
            return "pooled"
        self._step(f"pooled = last_step({arguments})")
        flags = self._reads_backwards()
        if any(flags):
            self._made.append("        # Features of cells that read backwards, which end at the first step.")
            pieces = _runs(flags)
            self._made += statement("backwards = [", [f"*[{flag}] * {count}" for flag, count in pieces], "]")
            self._made.append(
                '        self.register_buffer("backwards", torch.tensor(backwards), persistent=False)'
            )
            self._step(f"pooled = torch.where(self.backwards, {features}[:, 0], pooled)")
        return "pooled"

    def _reads_backwards(self) -> list[bool]:
        """Whether a backward cell made each of the features that the head pools."""
        layers = self._architecture.layers
        flags = [[False] * each.width + [True] * each.width * each.bidirectional for each in layers]
        of_layers = [[False] * self._widths[0], *flags]
        skip = self._architecture.head.skip
        return of_layers[-1] + ([] if skip is None else of_layers[skip])

    def _output(self, features: str, width: int, outputs: int) -> None:
        if not self._architecture.tied:
            self._module("output", "nn.Linear", width, outputs, of="head.output")
            self._step(f"outputs = self.output({features})")
            return
        embedding = self._architecture.embedding or 0
        self._made.append(f"        self.output_bias = nn.Parameter(torch.zeros({outputs}))")
        self.weights["output_bias"] = self._state["head.output.bias"]
        if width != embedding:
            self._module(
                "projection", "nn.Linear", width, embedding, "bias=False", of="head.output.projection"
            )
            self._step(f"{features} = self.projection({features})")
        self._step(f"outputs = F.linear({features}, self.embedding.weight, self.output_bias)")

    def _shortcut(self) -> None:
        shortcut, signature = self._architecture.shortcut, self._signature
        steps, of = signature.steps, "shortcut"
        relative = self._architecture.forecast is not Forecast.VALUE
        recent = "less_last_step(inputs, lengths)" if relative else "inputs"
        whole = steps * signature.features
        match shortcut.kind:
            case ShortcutKind.SHARED:
                columns = tuple(dict.fromkeys(signature.last_values))
                levels = len(signature.last_values) // len(columns)
                sizes = (steps, signature.horizon, signature.outputs)
                self._module("shortcut", "SharedLine", *sizes, of=of)
                self._step(f"window = last_steps({recent}, lengths, {steps})")
                self._call("straight = self.shortcut(", "window", str(list(columns)), str(levels))
            case ShortcutKind.FULL:
                self._module("shortcut", "FlatLine", whole, signature.outputs, signature.outputs, of=of)
                self._step(f"window = last_steps({recent}, lengths, {steps})")
                self._step("straight = self.shortcut(window)")
            case ShortcutKind.FLAT:
                self._module("shortcut", "FlatLine", whole, signature.outputs, signature.outputs, of=of)
                self._step(f"straight = self.shortcut(first_steps(inputs, lengths, {steps}))")
            case ShortcutKind.POOLED:
                sizes = (2 * signature.features, signature.outputs, signature.outputs)
                self._module("shortcut", "PooledLine", *sizes, of=of)
                self._step("straight = self.shortcut(inputs, lengths)")
            case ShortcutKind.NGRAMS:
                assert shortcut.ngrams is not None
                runs = shortcut.ngrams
                table = (runs.rows, signature.outputs, runs.shortest, runs.longest)
                self._module("shortcut", "NgramTable", *table, f"per_step={signature.per_step}", of=of)
                self._step("straight = self.shortcut(inputs, lengths)")
            case ShortcutKind.NONE:
                return
        self._step("outputs = outputs + straight")

    # Lines of code.

    def _joined(self, skip: int | None, name: str) -> str:
        if skip is None:
            return self._outputs[-1]
        self._step(f"{name} = torch.cat([{self._outputs[-1]}, {self._outputs[skip]}], dim=-1)")
        return name

    def _module(self, name: str, kind: str, *arguments: object, of: str) -> None:
        """Adds a module that has its tensors by the same names as that which the network calls ``of``."""
        self._made += statement(f"self.{name} = {kind}(", list(map(str, arguments)))
        for key, tensor in self._state.items():
            if key.startswith(f"{of}."):
                self.weights[name + key.removeprefix(of)] = tensor

    def _step(self, line: str) -> None:
        self._steps.append(f"        {line}")

    def _call(self, start: str, *arguments: str) -> None:
        self._steps += statement(start, list(arguments))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].replace("→", "to") + "."


def _runs(flags: list[bool]) -> list[tuple[bool, int]]:
    """Returns the values of ``flags`` in a row, each with its number."""
    found: list[tuple[bool, int]] = []
    for flag in flags:
        if found and found[-1][0] == flag:
            found[-1] = flag, found[-1][1] + 1
        else:
            found.append((flag, 1))
    return found
