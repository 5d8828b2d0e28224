"""How a network reads the batches of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evo_nas.training.losses import counting_rows

if TYPE_CHECKING:
    from torch import Tensor

    from evo_nas.models.network import Network, States
    from evo_nas.training.batches import Batch, Split


class Answers(NamedTuple):
    """Outputs and targets of a batch that count: a row a sequence, or a row a step."""

    outputs: Tensor
    targets: Tensor


class Reading:
    """One pass of a network over a split; the states of a stream are carried from batch to batch."""

    def __init__(self, network: Network, split: Split) -> None:
        self._network = network
        self._is_stream = split.is_stream
        self._states: States | None = None

    def __call__(self, batch: Batch) -> Answers:
        """Returns what the network says to the next batch, beside what is right."""
        per_step = self._network.signature.per_step
        if self._is_stream:
            outputs, states = self._network.read_on(batch.inputs, self._states)
            self._states = [state.detach() for state in states]
        else:
            outputs = self._network(batch.inputs, batch.lengths)
        return Answers(
            counting_rows(outputs, batch, per_step=per_step),
            counting_rows(batch.targets, batch, per_step=per_step),
        )
