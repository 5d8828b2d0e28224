"""`TrainingState`: the parts of a running training that a checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evo_nas.training.checkpoint import ForeignCheckpointError
from evo_nas.training.passes import Place

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from evo_nas.training.checkpoint import Checkpoint
    from evo_nas.training.flat_optimizer import FlatOptimizer
    from evo_nas.training.forward import StatefulForward
    from evo_nas.training.passes import Passes

WEIGHTS, BEST, GENERATOR, DEVICE_GENERATOR, DRAWN_FROM = (
    *("weights", "best_weights", "generator"),
    *("device_generator", "drawn_from"),
)
OPTIMIZER, CARRIED = "optimizer.", "carried."


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What changes while a network is trained.

    Attributes:
        optimizer: The weights and what the next step depends on.
        forward: The states of a stream.
        passes: The place in the data.
        generator: Decides the order of batches.
        on_device: Decides what dropout zeroes; the same object as ``generator`` on a CPU.
    """

    optimizer: FlatOptimizer
    forward: StatefulForward
    passes: Passes
    generator: torch.Generator
    on_device: torch.Generator

    def tensors(self, best_weights: Tensor) -> dict[str, Tensor]:
        """Returns the state between two epochs, by name; ``best_weights`` are those of the best epoch."""
        tensors = {WEIGHTS: self.optimizer.weights, BEST: best_weights, GENERATOR: self.generator.get_state()}
        tensors |= {OPTIMIZER + name: tensor for name, tensor in self.optimizer.state().items()}
        if self.on_device is not self.generator:
            tensors[DEVICE_GENERATOR] = self.on_device.get_state()
        place = self.passes.place
        if place is not None:
            tensors[DRAWN_FROM] = place.drawn_from
            # Only here: a pass that begins with the next epoch clears them.
            tensors |= {CARRIED + name: state for name, state in self.forward.carried().items()}
        return tensors

    def go_on(self, checkpoint: Checkpoint) -> Tensor:
        """Takes over what `tensors` gave for a checkpoint, and returns the weights of the best epoch.

        Raises:
            ForeignCheckpointError: A tensor is missing or does not fit.
        """
        optimizer, device = self.optimizer, self.optimizer.weights.device
        for name, tensor in {WEIGHTS: optimizer.weights, **_under(OPTIMIZER, optimizer.state())}.items():
            tensor.copy_(checkpoint.tensor(name, like=tensor))
        if DRAWN_FROM in checkpoint.tensors:
            state = self.generator.get_state()
            self.passes.go_on(Place(checkpoint.tensor(DRAWN_FROM, like=state), checkpoint.taken))
            self.forward.carry(
                {
                    name.removeprefix(CARRIED): tensor.to(device)
                    for name, tensor in checkpoint.tensors.items()
                    if name.startswith(CARRIED)
                }
            )
        _set(self.generator, checkpoint, GENERATOR)
        if self.on_device is not self.generator and DEVICE_GENERATOR in checkpoint.tensors:
            # One that was made on a CPU has none: on another device the numbers differ in any case.
            _set(self.on_device, checkpoint, DEVICE_GENERATOR)
        return checkpoint.tensor(BEST, like=optimizer.weights).to(device)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _set(generator: torch.Generator, checkpoint: Checkpoint, name: str) -> None:
    try:
        generator.set_state(checkpoint.tensor(name, like=generator.get_state()))
    except RuntimeError as error:  # torch checks the content
        raise ForeignCheckpointError(f"its {name} is no state of a generator") from error
