"""How a network reads the batches of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.training.losses import Answers

if TYPE_CHECKING:
    from evo_nas.models.network import Network, States
    from evo_nas.training.batches import Batch, Split


class Reading:
    """Passes of a network over a split; the states of a stream are carried from batch to batch."""

    def __init__(self, network: Network, split: Split) -> None:
        self._network = network
        self._is_stream = split.is_stream
        # For each number of lanes the states after the last batch, always in the same memory.
        self._states: dict[int, States] = {}
        self._after: States = []

    def restart(self) -> None:
        """Begins a pass: what was read before is forgotten."""
        for states in self._states.values():
            for state in states:
                state.zero_()

    def __call__(self, batch: Batch) -> Answers:
        """Returns what the network says to the next batch, beside what is right; call `advance` afterwards."""
        if self._is_stream:
            before = self._states.get(len(batch.inputs))
            outputs, self._after = self._network.forward_from(batch.inputs, before)
        else:
            outputs = self._network(batch.inputs, batch.lengths)
        return Answers.of(outputs, batch, per_step=self._network.signature.per_step)

    def advance(self) -> None:
        """Goes on behind the last batch, whose gradients must be known by now."""
        if not self._after:
            return
        after = [state.detach() for state in self._after]
        lanes = after[0].shape[1]
        if lanes in self._states:
            for state, new in zip(self._states[lanes], after, strict=True):
                state.copy_(new)
        else:
            self._states[lanes] = [state.clone() for state in after]
        self._after = []
