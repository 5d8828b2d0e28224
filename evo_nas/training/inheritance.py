"""Weights that a training inherits: from one parent, or from a bank that all trainings of a run share.

Off by default. An inherited child has more training behind it than its epochs say, so its score says little about a
training from scratch: both are never ranked together, and `Outcome.inherited_steps` tells them apart.

* ``parent`` (Lamarckian; Prellberg and Kramer, PPSN 2018): tensors with the same role are copied, where widths have
  changed the part that both have. What is new begins so that the network computes what its parent did, where that is
  possible: new units and new sources are not read at first, a new gate is open for what was there before, a new factor
  is one. From a network of another task, with which a run may begin, only the recurrent layers are taken, without how
  they read the front end: what features and outputs mean is learnt anew.
* ``bank`` (as in ENAS; Pham et al., ICML 2018): each tensor is taken from the bank by role and shape, and written back
  after the training. Trainings run at the same time: each takes what is there when it begins, and of two that write the
  same component the later one counts. Results of a run with a bank therefore depend on the order of its workers.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from evo_nas.errors import GenomeError
from evo_nas.genome.codec import from_json, to_json
from evo_nas.genome.parameters import count_parameters
from evo_nas.models.network import Network
from evo_nas.training.checkpoint import metadata
from evo_nas.training.fresh_parts import begin_preserving
from evo_nas.training.roles import matched, roles_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from evo_nas.genome.architecture import Architecture, Signature
    from evo_nas.training.roles import Role, Segments
    from evo_nas.weights import ComponentBank

FORMAT = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A trained network that others inherit from.

    Attributes:
        architecture: Its architecture.
        signature: Inputs and outputs of its task, as text.
        front_width: Features that its first layer reads of the front end.
        steps: Optimizer steps behind its weights, those of its own ancestors included.
        tensors: Its parameters by name.
    """

    architecture: Architecture
    signature: str
    front_width: int
    steps: int
    tensors: Mapping[str, Tensor]

    @property
    def roles(self) -> dict[str, Role]:
        """The role of each tensor."""
        shapes = {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}
        return roles_of(self.architecture, shapes, front_width=self.front_width)

    def is_of_same_task(self, signature: Signature) -> bool:
        """Whether its inputs and outputs may mean the same as those of a network with ``signature``."""
        return self.signature == _spelled(signature)


def ancestor_bytes(network: Network, *, steps: int) -> bytes:
    """Returns a trained network as safetensors, which `inherit_from_parent` reads."""
    facts = {
        "format": FORMAT,
        "architecture": to_json(network.architecture),
        "signature": _spelled(network.signature),
        "front_width": network.front.width,
        "steps": steps,
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.named_parameters()}
    return save(tensors, metadata={"weights": json.dumps(facts)})


def ancestor_of(architecture: Architecture, signature: Signature, weights: bytes, *, steps: int) -> bytes:
    """Returns an exported network as `ancestor_bytes` gives a trained one.

    Args:
        architecture: Its architecture.
        signature: Shape of its inputs and outputs.
        weights: Its weights as safetensors, by the names of its parameters.
        steps: Optimizer steps behind them.

    Raises:
        GenomeError: The weights are not those of the architecture.
    """
    # Before a network is built, since a damaged file could claim any size.
    needed = count_parameters(architecture, signature)
    if len(weights) < needed:
        raise GenomeError(f"the weights have {len(weights)} bytes; its architecture has {needed} weights")
    try:
        network = Network(architecture, signature)
        network.load_state_dict(load(weights))
    except (SafetensorError, RuntimeError) as error:
        raise GenomeError(f"the weights are not those of its architecture: {error}") from error
    return ancestor_bytes(network, steps=steps)


def inherit_from_parent(content: bytes | None, network: Network) -> int:
    """Sets the weights of a new network from those of its parent, and returns the optimizer steps behind them.

    If there is nothing to inherit, a word says why, and the network stays as it is.

    Args:
        content: What `ancestor_bytes` gave; None if it is missing.
        network: The network, with its initial weights.
    """
    ancestor = _read(content)
    if isinstance(ancestor, str):
        _log.warning(
            "a training begins from scratch, since its parent's weights cannot be used: %s", ancestor
        )
        return 0
    old, new = ancestor.roles, network_roles(network)
    if not ancestor.is_of_same_task(network.signature):
        old = _of_another_task(old)
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        inherited = {
            target
            for source, target in matched(old, new)
            if _copy(ancestor.tensors[source], old[source], parameters[target], new[target])
        }
        begin_preserving(network, inherited)
    return ancestor.steps if inherited else 0


def inherit_from_bank(bank: ComponentBank, network: Network) -> int:
    """Sets the weights of a new network from a bank, and returns the most optimizer steps behind any of them.

    Args:
        bank: The bank.
        network: The network, with its initial weights.
    """
    keys = bank_keys(network)
    found = bank.take(list(keys.values()))
    most = 0
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            component = found.get(keys[name])
            if component is not None and component.values.shape == tuple(parameter.shape):
                parameter.copy_(torch.tensor(component.values))
                most = max(most, component.steps)
    return most


def give_to_bank(bank: ComponentBank, network: Network, *, steps: int) -> None:
    """Writes the weights of a trained network back to a bank; ``steps`` are behind them."""
    keys = bank_keys(network)
    values = {
        keys[name]: parameter.detach().cpu().numpy().copy() for name, parameter in network.named_parameters()
    }
    bank.give(values, steps=steps)


def network_roles(network: Network) -> dict[str, Role]:
    """Returns the role of each parameter of ``network`` by its name."""
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    return roles_of(network.architecture, shapes, front_width=network.front.width)


def bank_keys(network: Network) -> dict[str, str]:
    """Returns the component of a bank that each parameter of ``network`` is, by role and shape."""
    shapes = {name: "x".join(map(str, parameter.shape)) for name, parameter in network.named_parameters()}
    return {name: f"{role.bank_key} {shapes[name]}" for name, role in network_roles(network).items()}


def _of_another_task(roles: Mapping[str, Role]) -> dict[str, Role]:
    """Returns the roles of what a network of another task can use: its layers, but not how they read the front end."""
    return {
        name: replace(role, axes=role.axes and tuple(map(_without_front, role.axes)))
        for name, role in roles.items()
        if name.startswith("layers.")
    }


def _without_front(axis: Segments) -> Segments:
    """Returns ``axis`` with the segments of the front end under a label that no other network has."""
    return tuple(
        (f"{label} of another task" if label.removeprefix("x ").startswith("front ") else label, size)
        for label, size in axis
    )


def _read(content: bytes | None) -> Ancestor | str:
    """Returns the network that ``content`` holds, or why it cannot be used."""
    if content is None:
        return "they are missing or damaged"
    try:
        facts = json.loads(metadata(content)["weights"])
        tensors = load(content)
        if facts["format"] != FORMAT:
            return f"they have the format {facts['format']}, and must have {FORMAT}"
        width, steps = int(facts["front_width"]), int(facts["steps"])
        return Ancestor(from_json(facts["architecture"]), facts["signature"], width, steps, tensors)
    except (SafetensorError, GenomeError, ValueError, KeyError, TypeError, RecursionError) as error:
        return f"they cannot be read ({type(error).__name__}: {error})"


def _spelled(signature: Signature) -> str:
    # Sequences of another length mean the same.
    return json.dumps({**asdict(signature), "steps": 0}, sort_keys=True)


def _copy(old: Tensor, old_role: Role, new: Tensor, new_role: Role) -> bool:
    """Copies what two tensors of one role have in common into the new one, and returns whether there is anything."""
    if old_role.axes is None or new_role.axes is None or len(old_role.axes) != len(new_role.axes):
        if old.shape != new.shape:
            return False
        new.copy_(old)
        return True
    shared = [_shared(*axes) for axes in zip(old_role.axes, new_role.axes, strict=True)]
    if not all(shared):
        return False
    if new_role.reads:
        _ignore_what_is_new(new, old_role.axes[-1], new_role.axes[-1], rows=[each for _, each in shared[0]])
    for places in product(*shared):
        new[tuple(target for _, target in places)] = old[tuple(source for source, _ in places)]
    return True


def _shared(old: Segments, new: Segments) -> list[tuple[slice, slice]]:
    """Returns where the common parts of the segments with the same label lie in an old and a new axis."""
    places = {}
    start = 0
    for label, size in old:
        places[label] = start, size
        start += size
    shared = []
    start = 0
    for label, size in new:
        if label in places:
            begin, had = places[label]
            common = min(had, size)
            shared.append((slice(begin, begin + common), slice(start, start + common)))
        start += size
    return shared


def _ignore_what_is_new(new: Tensor, old: Segments, segments: Segments, *, rows: list[slice]) -> None:
    """Sets to zero how units that were there read what was not; new units keep their initial weights."""
    had = {label for label, _ in old}
    reads_input = any(label.startswith("x ") and label in had for label, _ in segments)
    start = 0
    for label, size in segments:
        # An input that was replaced altogether is read: a cell that reads nothing would learn slowly.
        if label in had or not label.startswith("x ") or reads_input:
            for row in rows:
                new[row, start : start + size] = 0.0
        start += size
