"""`Checkpoint`: what a pruned training leaves, so that it can go on later, on any worker.

The bytes are safetensors with JSON metadata; nothing in them is executed. On a CPU a training that goes on gives the
same weights as one that was never pruned, bit for bit.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from evo_nas.genome.codec import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from evo_nas.config.schema import TrainingConfig
    from evo_nas.genome.architecture import Architecture, Signature

FORMAT = 1
LARGEST_METADATA = 1_000_000
"""Most bytes of a header that are read; those of a checkpoint have some hundreds for each tensor."""
SCORES = "scores"
HOW_FAR = ("time_limit_s", "device")
"""Training settings that do not decide what the weights become."""


class ForeignCheckpointError(Exception):
    """The bytes are no checkpoint of this training; it then begins from scratch."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a training between two epochs.

    Attributes:
        training: Identity of the training; see `identity_of`.
        scores: Mean training loss, validation loss and metric of each epoch, float64 ``(epochs, 3)``.
        tensors: Weights, best weights, and the states of optimizer, generators and streams, by name.
        steps: Optimizer steps so far.
        inherited_steps: Optimizer steps behind the weights that it began with.
        taken: Batches that were taken of an unfinished pass over the data.
    """

    training: str
    scores: Tensor
    tensors: Mapping[str, Tensor]
    steps: int
    inherited_steps: int = 0
    taken: int = 0

    def to_bytes(self) -> bytes:
        """Returns the checkpoint as safetensors."""
        facts = {
            "format": FORMAT,
            "training": self.training,
            "steps": self.steps,
            "inherited_steps": self.inherited_steps,
            "taken": self.taken,
        }
        # Copied, since safetensors refuses tensors that share memory, as the best weights may, and other layouts.
        layout = torch.contiguous_format
        tensors = {
            name: tensor.detach().cpu().clone(memory_format=layout) for name, tensor in self.tensors.items()
        }
        return save({**tensors, SCORES: self.scores}, metadata={"checkpoint": json.dumps(facts)})

    @classmethod
    def from_bytes(cls, content: bytes, *, training: str) -> Checkpoint:
        """Returns the checkpoint that `to_bytes` wrote for the training with the identity ``training``.

        Raises:
            ForeignCheckpointError: The bytes are damaged, or belong to another training.
        """
        try:
            facts = json.loads(metadata(content)["checkpoint"])
            tensors = load(content)
            scores = tensors.pop(SCORES)
            found, steps, inherited, taken = (
                facts[name] for name in ("training", "steps", "inherited_steps", "taken")
            )
        except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ForeignCheckpointError(f"it is no checkpoint ({type(error).__name__}: {error})") from error
        if facts.get("format") != FORMAT or found != training:
            raise ForeignCheckpointError("it belongs to another training")
        if not all(type(count) is int and count >= 0 for count in (steps, inherited, taken)):
            raise ForeignCheckpointError("its counts are no natural numbers")
        if scores.dtype != torch.float64 or scores.dim() != 2 or scores.shape[1] != 3 or not len(scores):
            raise ForeignCheckpointError("its scores are not those of epochs")
        return cls(training, scores, tensors, steps, inherited, taken)

    def tensor(self, name: str, like: Tensor) -> Tensor:
        """Returns a tensor, which must have shape and type of ``like``.

        Raises:
            ForeignCheckpointError: There is none, or it is another one.
        """
        found = self.tensors.get(name)
        if found is None or found.shape != like.shape or found.dtype != like.dtype:
            raise ForeignCheckpointError(f"its {name} does not fit the network")
        return found


def metadata(content: bytes) -> dict[str, Any]:
    """Returns the metadata of safetensors, which `safetensors.torch.load` leaves out.

    Raises:
        ValueError: The bytes have no such header.
        KeyError: The header has no metadata.
    """
    size = int.from_bytes(content[:8], "little")
    if not 0 < size <= min(LARGEST_METADATA, len(content) - 8):
        raise ValueError(f"a header of {size} bytes")
    return dict(json.loads(content[8 : 8 + size])["__metadata__"])


def identity_of(
    architecture: Architecture, signature: Signature, training: TrainingConfig, *, epochs: int, seed: int
) -> str:
    """Returns what two trainings on the same data share only if they give the same weights."""
    settings = training.model_dump(mode="json", exclude=set(HOW_FAR))
    facts = [json.loads(to_json(architecture)), repr(signature), settings, epochs, seed]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
