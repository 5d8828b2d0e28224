"""`StreamingModel`: a trained model that reads its input one step at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from evo_nas.errors import GenomeError
from evo_nas.genome.streaming import stream_obstacle
from evo_nas.models.ensemble import Ensemble
from evo_nas.models.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.models.ensemble import Model
    from evo_nas.models.recurrent_layer import RecurrentLayer, States


class StreamingModel(nn.Module):
    """A network or an ensemble as a function of one step: ``(step, states) -> (outputs, states)``.

    After each step the outputs are what the model says for the sequence so far::

        streaming = StreamingModel(model)
        states = streaming.zero_states(batch=1)
        for step in sequence:  # each (batch, features)
            outputs, states = streaming(step, states)

    States have names, fixed shapes ``(any, batch, ...)`` and a fixed order. All operations are torch's own and depend
    on no value, so that a step can be recorded once (`torch.export`) for every step and batch.

    Args:
        model: The model, which keeps its weights: nothing is copied.
        records: Whether steps are to be recorded. Otherwise each layer runs on its own backend, and a slow layer only
            where an update is due, which is faster and cannot be recorded.

    Raises:
        GenomeError: A part of the model needs the whole sequence; the message says which.
    """

    def __init__(self, model: Model, *, records: bool = True) -> None:
        super().__init__()
        networks = list(model.members) if isinstance(model, Ensemble) else [model]
        self.members = nn.ModuleList(_StreamingNetwork(each, records=records) for each in networks)
        self.ensemble = model if isinstance(model, Ensemble) else None
        self.signature = model.signature

    def forward(self, inputs: Tensor, states: Mapping[str, Tensor]) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, outputs)`` for the steps so far, and the states after this one.

        Args:
            inputs: One step: float ``(batch, features)``, or int64 ``(batch,)`` for tokens.
            states: What the call for the step before returned; `zero_states` at the beginning.
        """
        outputs: list[Tensor] = []
        after: States = {}
        for prefix, member in self._by_prefix():
            answer, state = member(inputs, _under(prefix, states))
            outputs.append(answer)
            after |= _named(prefix, state)
        return outputs[0] if self.ensemble is None else self.ensemble.joined(outputs), after

    def zero_states(self, batch: int = 1) -> States:
        """Returns the states before the first step: zeros, but for largest values so far, which begin at ``-inf``."""
        states: States = {}
        for prefix, member in self._by_prefix():
            assert isinstance(member, _StreamingNetwork)
            states |= _named(prefix, member.zero_states(batch))
        return states

    def _by_prefix(self) -> list[tuple[str, nn.Module]]:
        """Returns each member with the beginning of its states' names, as in `Ensemble.forward_from`."""
        if self.ensemble is None:
            return [("", self.members[0])]
        return [(f"member{number}.", member) for number, member in enumerate(self.members)]


class _StreamingNetwork(nn.Module):
    """One network as a function of one step."""

    def __init__(self, network: nn.Module, *, records: bool) -> None:
        super().__init__()
        assert isinstance(network, Network)
        if obstacle := stream_obstacle(network.architecture):
            raise GenomeError(
                f"the network cannot read one step at a time: architecture.{obstacle}; give it whole sequences, or"
                " search without that part"
            )
        self.network = network
        self._records = records

    def forward(self, inputs: Tensor, states: States) -> tuple[Tensor, States]:
        """Returns the outputs ``(batch, outputs)`` and the states; see `StreamingModel.forward`."""
        network = self.network
        after: States = {}
        values, state = network.front.forward_from(inputs[:, None], _under("front.", states))
        after |= _named("front.", state)

        def run(index: int, layer: RecurrentLayer, values: Tensor) -> Tensor:
            prefix = f"layer{index}."
            step = layer.step_from if self._records else layer.forward_from
            outputs, state = step(values, _under(prefix, states))
            after.update(_named(prefix, state))
            return outputs

        features = network.through_layers(values, run)[:, 0]
        outputs, state = network.head.step(features, _under("head.", states))
        after |= _named("head.", state)
        if network.shortcut is not None:
            added, state = network.shortcut.step(inputs, _under("shortcut.", states))
            after |= _named("shortcut.", state)
            outputs = outputs + added
        # Streamed forecasts are of the change from the last value, which is the present one.
        return outputs if network.residual is None else network.residual.leave(outputs, inputs), after

    def zero_states(self, batch: int) -> States:
        """Returns the states before the first step."""
        network = self.network
        step = _any_step(network, batch)
        values, of_front = network.front.forward_from(step[:, None], None)
        states = _named("front.", {name: torch.zeros_like(state) for name, state in of_front.items()})

        def run(index: int, layer: RecurrentLayer, values: Tensor) -> Tensor:
            states.update(_named(f"layer{index}.", layer.zero_states(values)))
            return values.new_zeros(batch, 1, layer.recurrence.width)

        features = network.through_layers(values, run)[:, 0]
        states |= _named("head.", network.head.zero_states(features))
        if network.shortcut is not None:
            states |= _named("shortcut.", network.shortcut.zero_states(step))
        return {name: state.detach().clone() for name, state in states.items()}


def _any_step(network: Network, batch: int) -> Tensor:
    """Returns a step as `StreamingModel.forward` takes it, of zeros."""
    weight = next(network.parameters())
    if network.signature.vocabulary:
        return torch.zeros(batch, dtype=torch.int64, device=weight.device)
    return weight.new_zeros(batch, network.signature.features)


def _under(prefix: str, states: Mapping[str, Tensor]) -> States:
    return {name.removeprefix(prefix): state for name, state in states.items() if name.startswith(prefix)}


def _named(prefix: str, states: Mapping[str, Tensor]) -> States:
    return {f"{prefix}{name}": state for name, state in states.items()}
