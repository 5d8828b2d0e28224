"""Architectures, cells and genomes as JSON, and back from JSON that nobody vouches for.

Reading bounds size, nesting, numbers and counts before anything is built; the values themselves bound
widths and references. Whatever is wrong with a text is one `GenomeError` that names the field.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from evo_nas.genome.architecture import (
    MAX_LAYERS,
    Architecture,
    Forecast,
    Head,
    Layer,
    Norm,
    Optimizer,
    Pooling,
    Training,
)
from evo_nas.genome.cell import MAX_STATES, CellGraph, Node
from evo_nas.genome.ops import MAX_NODES, Op
from evo_nas.genome.untrusted import Fields, parse

if TYPE_CHECKING:
    from evo_nas.genome.gene import Genome

FORMAT = 2
"""Newest of architectures; one without what format 2 brought is written in format 1, so that its hash stays."""
CELL_FORMAT = GENOME_FORMAT = 1
MAX_GENES = 100_000
_HASH_DIGITS = 32


def to_json(architecture: Architecture) -> str:
    """Returns ``architecture`` as JSON on one line; equal architectures give equal text."""
    plain: dict[str, object] = {
        "layers": [_plain_layer(layer) for layer in architecture.layers],
        "head": _plain_head(architecture.head),
        "training": _plain_training(architecture.training),
        "embedding": architecture.embedding,
    }
    if architecture.tied or architecture.forecast is not Forecast.VALUE:
        newer = {"tied": architecture.tied, "forecast": architecture.forecast}
        return _dump(plain | newer, version=FORMAT)
    return _dump(plain, version=1)


def from_json(text: str) -> Architecture:
    """Returns the architecture that `to_json` wrote.

    Raises:
        GenomeError: The text is nothing of the kind, out of bounds, or of a newer format.
    """
    fields = parse(text, "architecture")
    version = fields.check_format(FORMAT)
    architecture = Architecture(
        layers=tuple(_read_layer(layer) for layer in fields.sections("layers", most=MAX_LAYERS)),
        head=_read_head(fields.section("head")),
        training=_read_training(fields.section("training")),
        embedding=fields.optional_integer("embedding"),
        tied=fields.boolean("tied") if version >= 2 else False,
        forecast=fields.choice("forecast", Forecast) if version >= 2 else Forecast.VALUE,
    )
    fields.close()
    return architecture


def architecture_hash(architecture: Architecture) -> str:
    """Returns 32 hexadecimal digits of the SHA-256 of ``architecture``, which should be canonical."""
    return hashlib.sha256(to_json(architecture).encode()).hexdigest()[:_HASH_DIGITS]


def cell_to_json(cell: CellGraph) -> str:
    """Returns ``cell`` as JSON on one line; equal cells give equal text."""
    return _dump(_plain_cell(cell), version=CELL_FORMAT)


def cell_from_json(text: str) -> CellGraph:
    """Returns the cell that `cell_to_json` wrote.

    Raises:
        GenomeError: The text is nothing of the kind, out of bounds, or of a newer format.
    """
    fields = parse(text, "cell")
    fields.check_format(CELL_FORMAT)
    return _read_cell(fields)


def genome_to_json(genome: Genome) -> str:
    """Returns ``genome`` as JSON on one line."""
    return _dump({"genes": list(genome)}, version=GENOME_FORMAT)


def genome_from_json(text: str) -> Genome:
    """Returns the genome that `genome_to_json` wrote; only its `SearchSpace` can say whether it fits.

    Raises:
        GenomeError: The text is nothing of the kind, out of bounds, or of a newer format.
    """
    fields = parse(text, "genome")
    fields.check_format(GENOME_FORMAT)
    genes = fields.integers("genes", most=MAX_GENES)
    fields.close()
    return genes


def _dump(plain: dict[str, object], *, version: int) -> str:
    return json.dumps({"format": version, **plain}, separators=(",", ":"), allow_nan=False)


def _plain_cell(cell: CellGraph) -> dict[str, object]:
    nodes = [{"op": node.op, "inputs": node.inputs, "bias": node.bias} for node in cell.nodes]
    return {"states": cell.states, "nodes": nodes, "outputs": cell.outputs}


def _read_cell(fields: Fields) -> CellGraph:
    nodes = tuple(_read_node(node) for node in fields.sections("nodes", most=MAX_NODES))
    states, outputs = fields.integer("states"), fields.integers("outputs", most=MAX_STATES)
    fields.close()
    return CellGraph(states, nodes, outputs)


def _read_node(fields: Fields) -> Node:
    node = Node(fields.choice("op", Op), fields.integers("inputs", most=MAX_NODES), fields.boolean("bias"))
    fields.close()
    return node


def _plain_layer(layer: Layer) -> dict[str, object]:
    return {
        "cell": _plain_cell(layer.cell),
        "width": layer.width,
        "bidirectional": layer.bidirectional,
        "dropout": layer.dropout,
        "norm": layer.norm,
        "skip": layer.skip,
    }


def _read_layer(fields: Fields) -> Layer:
    layer = Layer(
        cell=_read_cell(fields.section("cell")),
        width=fields.integer("width"),
        bidirectional=fields.boolean("bidirectional"),
        dropout=fields.number("dropout"),
        norm=fields.choice("norm", Norm),
        skip=fields.optional_integer("skip"),
    )
    fields.close()
    return layer


def _plain_head(head: Head) -> dict[str, object]:
    return {"pooling": head.pooling, "hidden": head.hidden, "dropout": head.dropout, "skip": head.skip}


def _read_head(fields: Fields) -> Head:
    head = Head(
        pooling=fields.choice("pooling", Pooling),
        hidden=fields.integer("hidden"),
        dropout=fields.number("dropout"),
        skip=fields.optional_integer("skip"),
    )
    fields.close()
    return head


def _plain_training(training: Training) -> dict[str, object]:
    return {
        "optimizer": training.optimizer,
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "clip": training.clip,
        "batch_size": training.batch_size,
    }


def _read_training(fields: Fields) -> Training:
    training = Training(
        optimizer=fields.choice("optimizer", Optimizer),
        learning_rate=fields.number("learning_rate"),
        weight_decay=fields.number("weight_decay"),
        clip=fields.number("clip"),
        batch_size=fields.integer("batch_size"),
    )
    fields.close()
    return training
