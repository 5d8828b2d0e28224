"""Lets new parts of a network begin so that it computes what its parent did, where that is possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from evo_nas.genome.ops import Op
from evo_nas.models.recurrent_layer import RecurrentLayer

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import nn

    from evo_nas.genome.cell import CellGraph
    from evo_nas.models.network import Network
    from evo_nas.models.recurrence import Recurrence

OPEN = 4.0
"""Bias of a new gate: it lets 98 % through, and its gradient is still large enough to learn from."""


def begin_preserving(network: Network, inherited: Collection[str]) -> None:
    """Sets the new gates, factors and shortcut of ``network``, whose parameters ``inherited`` are not new.

    * A new gate multiplies by nearly one, or chooses what the parent had computed.
    * A new factor a unit is one.
    * A new shortcut beside an output layer that was inherited adds nothing at first.
    """
    with torch.no_grad():
        for index, layer in enumerate(network.layers):
            assert isinstance(layer, RecurrentLayer)
            prefix = f"layers.{index}.recurrence."
            known = {name.removeprefix(prefix) for name in inherited if name.startswith(prefix)}
            if known:
                for suffix in ("", "_reverse") if layer.recurrence.bidirectional else ("",):
                    _preserve(layer.recurrence, known, suffix)
        if "head.output.weight" in inherited:
            for name, parameter in network.named_parameters():
                if name.startswith("shortcut.") and name not in inherited:
                    parameter.zero_()


def _preserve(recurrence: Recurrence, known: Collection[str], suffix: str) -> None:
    cell = recurrence.cell
    old = _old_values(cell, known, suffix)
    for index, node in enumerate(cell.nodes):
        if node.op is Op.SCALE and f"weight_{index}{suffix}" not in known:
            _parameter(recurrence, f"weight_{index}{suffix}").fill_(1.0)
        gate, bias = _gated(cell, index, old)
        if gate is None or f"weight_{gate}{suffix}" in known or not cell.nodes[gate].bias:
            continue
        _parameter(recurrence, f"weight_{gate}{suffix}").zero_()
        _parameter(recurrence, f"bias_{gate}{suffix}").fill_(bias)


def _gated(cell: CellGraph, index: int, old: Collection[int]) -> tuple[int | None, float]:
    """Returns the linear node of a gate whose product or choice is this node, and its bias; None if it has none."""
    node = cell.nodes[index]
    if node.op is Op.BLEND:
        gate, if_open, if_shut = node.inputs
        if (if_open in old) != (if_shut in old):
            return _linear_of(cell, gate), OPEN if if_open in old else -OPEN
    elif node.op is Op.MUL:
        gates = [
            source for source in node.inputs if source not in old and _linear_of(cell, source) is not None
        ]
        if len(gates) == 1 and any(source in old for source in node.inputs):
            return _linear_of(cell, gates[0]), OPEN
    return None, 0.0


def _linear_of(cell: CellGraph, reference: int) -> int | None:
    """Returns the linear node whose sigmoid a value is; None if it is none."""
    index = reference - cell.first_node
    if index < 0 or cell.nodes[index].op is not Op.SIGMOID:
        return None
    source = cell.nodes[index].inputs[0] - cell.first_node
    return source if source >= 0 and cell.nodes[source].op is Op.LINEAR else None


def _old_values(cell: CellGraph, known: Collection[str], suffix: str) -> set[int]:
    """Returns the references of values that depend on a weight that was inherited, within one step."""
    old: set[int] = set()
    for index, node in enumerate(cell.nodes):
        if f"weight_{index}{suffix}" in known or old.intersection(node.inputs):
            old.add(cell.first_node + index)
    return old


def _parameter(recurrence: Recurrence, name: str) -> nn.Parameter:
    parameter = getattr(recurrence, name)
    assert isinstance(parameter, torch.nn.Parameter)
    return parameter
