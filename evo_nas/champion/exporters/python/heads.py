"""From the layers to the outputs of a network, and what is added to these beside the layers."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.python.code import statement
from evo_nas.genome.architecture import Forecast, Pooling
from evo_nas.genome.blocks import ShortcutKind
from evo_nas.genome.decoder import DecoderShape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.exporters.python.body import ModuleBody
    from evo_nas.genome.architecture import Architecture, Signature

POOLINGS: Mapping[Pooling, str] = {
    Pooling.MEAN: "mean_over_time({})",
    Pooling.MAX: "max_over_time({})",
    Pooling.ATTENTION: "self.pooling({})",
}


def write_head(body: ModuleBody, architecture: Architecture, read: Signature, *, lengths: str) -> None:
    """Writes the steps from the layers to ``outputs``.

    Args:
        body: Where they are written; it has the features of every layer.
        architecture: The network.
        read: Shape of what the layers read and give; see `genome.columns.network_signature`.
        lengths: Name of the lengths of what the layers give.
    """
    head = architecture.head
    features, width = body.joined(head.skip, "features")
    shape = DecoderShape.of(architecture, read, pooled=width)
    outputs = read.outputs
    if not read.per_step and (shape is None or shape.reads_pooled):
        features = _pooled(body, architecture, (features, width), lengths=lengths)
    if shape is not None:
        width, outputs = shape.features, shape.outputs
        if shape.reads_pooled:
            body.step(f"pooled = {features}[:, None].expand(-1, decoded.shape[1], -1)")
            body.step("decoded = torch.cat([decoded, pooled], dim=-1)")
        features = "decoded"
    if head.hidden:
        body.module("hidden", "nn.Linear", width, head.hidden, of="head.hidden")
        body.step(f"hidden = torch.tanh(self.hidden({features}))")
        features, width = "hidden", head.hidden
    _output(body, architecture, (features, width), outputs)
    if shape is not None:
        beyond = shape.segments * shape.outputs > read.outputs
        if beyond:
            body.step("# The last segment reaches beyond the horizon.")
        cut = f"[:, :{read.outputs}]" if beyond else ""
        body.step(f"outputs = outputs.flatten(1){cut}")


def write_shortcut(body: ModuleBody, architecture: Architecture, signature: Signature) -> None:
    """Adds what leads from the inputs straight to the outputs, if the network has that.

    Args:
        body: Where it is written.
        architecture: The network.
        signature: Shape of the inputs and outputs of the network.
    """
    shortcut, steps, of = architecture.shortcut, signature.steps, "shortcut"
    relative = architecture.forecast is not Forecast.VALUE
    recent = "less_last_step(inputs, lengths)" if relative else "inputs"
    whole = steps * signature.features
    match shortcut.kind:
        case ShortcutKind.SHARED:
            columns = tuple(dict.fromkeys(signature.last_values))
            levels = len(signature.last_values) // len(columns)
            sizes = (steps, signature.horizon, signature.outputs)
            body.module("shortcut", "SharedLine", *sizes, of=of)
            body.step(f"window = last_steps({recent}, lengths, {steps})")
            body.call("straight = self.shortcut(", "window", str(list(columns)), str(levels))
        case ShortcutKind.FULL:
            body.module("shortcut", "FlatLine", whole, signature.outputs, signature.outputs, of=of)
            body.step(f"window = last_steps({recent}, lengths, {steps})")
            body.step("straight = self.shortcut(window)")
        case ShortcutKind.FLAT:
            body.module("shortcut", "FlatLine", whole, signature.outputs, signature.outputs, of=of)
            body.step(f"straight = self.shortcut(first_steps(inputs, lengths, {steps}))")
        case ShortcutKind.POOLED:
            sizes = (2 * signature.features, signature.outputs, signature.outputs)
            body.module("shortcut", "PooledLine", *sizes, of=of)
            body.step("straight = self.shortcut(inputs, lengths)")
        case ShortcutKind.NGRAMS:
            assert shortcut.ngrams is not None
            runs = shortcut.ngrams
            table = (runs.rows, signature.outputs, runs.shortest, runs.longest)
            body.module("shortcut", "NgramTable", *table, f"per_step={signature.per_step}", of=of)
            body.step("straight = self.shortcut(inputs, lengths)")
        case ShortcutKind.NONE:
            return
    body.step("outputs = outputs + straight")


def _pooled(body: ModuleBody, architecture: Architecture, read: tuple[str, int], *, lengths: str) -> str:
    pooling, (features, width) = architecture.head.pooling, read
    arguments = f"{features}, {lengths}"
    if pooling is Pooling.ATTENTION:
        body.module("pooling", "AttentionPooling", width, of="head.pooling")
    if pooling is not Pooling.LAST:
        body.step(f"pooled = {POOLINGS[pooling].format(arguments)}")
        return "pooled"
    body.step(f"pooled = last_step({arguments})")
    flags = _reads_backwards(body, architecture)
    if any(flags):
        body.made.append("        # Features of cells that read backwards, which end at the first step.")
        pieces = [f"*[{flag}] * {len(list(same))}" for flag, same in groupby(flags)]
        body.made += statement("backwards = [", pieces, "]")
        body.made.append(
            '        self.register_buffer("backwards", torch.tensor(backwards), persistent=False)'
        )
        body.step(f"pooled = torch.where(self.backwards, {features}[:, 0], pooled)")
    return "pooled"


def _reads_backwards(body: ModuleBody, architecture: Architecture) -> list[bool]:
    """Whether a backward cell made each of the features that the head pools."""
    flags = [[False] * each.width + [True] * each.width * each.bidirectional for each in architecture.layers]
    _, width = body.features[0]
    of_layers = [[False] * width, *flags]
    skip = architecture.head.skip
    return of_layers[-1] + ([] if skip is None else of_layers[skip])


def _output(body: ModuleBody, architecture: Architecture, read: tuple[str, int], outputs: int) -> None:
    features, width = read
    if not architecture.tied:
        body.module("output", "nn.Linear", width, outputs, of="head.output")
        body.step(f"outputs = self.output({features})")
        return
    embedding = architecture.embedding or 0
    body.made.append(f"        self.output_bias = nn.Parameter(torch.zeros({outputs}))")
    body.weights["output_bias"] = body.state["head.output.bias"]
    if width != embedding:
        body.module("projection", "nn.Linear", width, embedding, "bias=False", of="head.output.projection")
        body.step(f"{features} = self.projection({features})")
    body.step(f"outputs = F.linear({features}, self.embedding.weight, self.output_bias)")
