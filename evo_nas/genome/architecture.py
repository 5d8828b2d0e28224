"""What a genome means: layers, head and training settings as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph


class Norm(StrEnum):
    """Normalisation of a layer's output."""

    NONE = "none"
    LAYER = "layer"


class Pooling(StrEnum):
    """How a sequence of outputs becomes one vector; unused when every step has an output."""

    LAST = "last"
    MEAN = "mean"
    MAX = "max"
    ATTENTION = "attention"


class Optimizer(StrEnum):
    """Update rule of training."""

    ADAM = "adam"
    RMSPROP = "rmsprop"
    SGD = "sgd"


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes into a network and what comes out; given by the task, not evolved.

    Attributes:
        features: Width of a numeric input step; 0 for tokens.
        vocabulary: Number of token ids; 0 for numeric input.
        outputs: Width of the output: classes, horizon, keys.
        per_step: Whether every step has an output, or the sequence as a whole.
    """

    features: int
    outputs: int
    vocabulary: int = 0
    per_step: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One recurrent layer.

    Attributes:
        cell: Equations of one step.
        width: Units of each state, in each direction.
        bidirectional: Whether a second cell reads the sequence backwards; outputs are concatenated.
        dropout: Rate at which the layer's input features are zeroed during training.
        norm: Normalisation of the output.
        skip: Extra input concatenated to the layer below's output: None, 0 for the network's
            input (after the embedding), ``i`` for the output of the i-th layer.
    """

    cell: CellGraph
    width: int
    bidirectional: bool = False
    dropout: float = 0.0
    norm: Norm = Norm.NONE
    skip: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """From the top layer to the outputs.

    Attributes:
        pooling: How time is reduced.
        hidden: Width of a tanh layer before the outputs; 0 for none.
        dropout: Rate before the outputs.
        skip: As in `Layer`: extra features concatenated to the top layer's output before pooling.
    """

    pooling: Pooling = Pooling.LAST
    hidden: int = 0
    dropout: float = 0.0
    skip: int | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """Settings of training that evolve with the network.

    Attributes:
        optimizer: Update rule.
        learning_rate: Step size.
        weight_decay: Decoupled decay per step, times the learning rate.
        clip: Largest gradient norm.
        batch_size: Sequences per step.
    """

    optimizer: Optimizer = Optimizer.ADAM
    learning_rate: float = 5e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class Architecture:
    """A whole candidate: `layers` from the input up, `head`, `training`.

    ``embedding`` is the width of the token embedding, None for numeric input.
    """

    layers: tuple[Layer, ...]
    head: Head = Head()
    training: Training = Training()
    embedding: int | None = None
