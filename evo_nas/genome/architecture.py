"""`Architecture`: the decoded genome, with layers, head and training settings as frozen values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import FailFast, Field

from evo_nas.errors import GenomeError
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.cell import CellGraph  # noqa: TC001 - pydantic reads it from the annotation of `Layer`
from evo_nas.genome.json_text import UNTRUSTED

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LAYERS = 64
MAX_WIDTH = 65_536
"""Largest width of a layer, an embedding or a hidden layer of the head."""
MAX_BATCH_SIZE = 65_536
MAX_PERIOD = 64
"""Most steps between two updates of a layer that has another pace than its input."""
MAX_VOCABULARY = 10_000_000
LATER: Mapping[str, bool] = MappingProxyType({"later": True})
"""Metadata of a field that was added later. The JSON leaves it out if it has its default, so that a new field changes
neither the hash of architectures that do not use it nor the meaning of older JSON."""


def _check_range(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise GenomeError(f"{field} is {value}; must be {low} to {high}")


def _check_rate(field: str, value: float) -> None:
    if not 0 <= value < 1:
        raise GenomeError(f"{field} is {value}; must be at least 0 and below 1")


def _check_positive(field: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise GenomeError(f"{field} is {value}; must be a finite number above 0")


def _check_skip(field: str, skip: int | None, *, sources: int) -> None:
    if skip is not None and not 0 <= skip < sources:
        permitted = f"None or 0 to {sources - 1}" if sources else "None, since only the input lies below"
        raise GenomeError(f"{field} is {skip}; must be {permitted}")


class Norm(StrEnum):
    """Normalisation of a layer (Ba et al., 2016)."""

    NONE = "none"
    LAYER = "layer"
    """Of the layer's output."""
    BEFORE = "before"
    """Of what the layer reads."""


class Pooling(StrEnum):
    """How a sequence of outputs becomes one vector; unused if every step has an output."""

    LAST = "last"
    MEAN = "mean"
    MAX = "max"
    ATTENTION = "attention"


class Optimizer(StrEnum):
    """Update rule of training."""

    ADAM = "adam"
    RMSPROP = "rmsprop"
    SGD = "sgd"


class Forecast(StrEnum):
    """What the network of a forecast computes; it applies if the input holds the last values of the targets."""

    RELATIVE = "relative"
    """The same as `CHANGE`, from inputs minus their last step, so that levels may drift (Zeng et al., 2023)."""
    CHANGE = "change"
    """The difference of the targets from their last values, which are then added to the output."""
    VALUE = "value"
    """The targets themselves."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The shape of a network's inputs and outputs; the task sets it, and it does not evolve.

    Attributes:
        features: Width of a numeric input step; 0 for tokens.
        vocabulary: Number of token ids; 0 for numeric input.
        outputs: Width of the output: classes, horizon, keys.
        per_step: Whether every step has an output, or the sequence as a whole.
        last_values: For each target of a forecast the feature that holds its last value, if the network reads all
            targets; outputs are then ordered by step and by target. Where quantiles are forecast, a target's feature
            is named once for each level; where steps differ in it, as with the value of the last season, all are named.
        predicts_inputs: Whether the outputs are scores of the tokens that the network also reads.
        steps: Steps of the longest sequence of training; 0 where that is not known or has no meaning.
        horizon: Steps that are forecast, of which the outputs are ordered by step first; 0 for other tasks.
    """

    __pydantic_config__ = UNTRUSTED

    features: int
    outputs: int
    vocabulary: int = 0
    per_step: bool = False
    last_values: tuple[int, ...] = ()
    predicts_inputs: bool = False
    steps: int = 0
    horizon: int = 0

    def __post_init__(self) -> None:
        _check_range("signature.features", self.features, 0, MAX_WIDTH)
        _check_range("signature.outputs", self.outputs, 1, MAX_VOCABULARY)
        _check_range("signature.vocabulary", self.vocabulary, 0, MAX_VOCABULARY)
        _check_range("signature.steps", self.steps, 0, MAX_VOCABULARY)
        _check_range("signature.horizon", self.horizon, 0, self.outputs)
        if len(self.last_values) > self.outputs or not all(
            0 <= feature < self.features for feature in self.last_values
        ):
            raise GenomeError(
                f"signature.last_values is {list(self.last_values)}; must be positions of features, 0 to"
                f" {self.features - 1}, and at most as many as outputs, {self.outputs}"
            )


@dataclass(frozen=True, slots=True)
class Layer:
    """One recurrent layer.

    Attributes:
        cell: Equations of one step.
        width: Units of each state, in each direction.
        bidirectional: Whether a second cell reads the sequence backwards; outputs are concatenated.
        dropout: Rate at which the layer's input features are zeroed during training.
        norm: Normalisation of the output or of the input.
        skip: Extra input concatenated to the layer below's output: None, 0 for the network's
            input (after the front end), ``i`` for the output of the i-th layer.
        residual: Whether the layer's input is added to its output, projected where widths differ (He et al., 2016).
        recurrent_dropout: Rate at which weights that multiply states are zeroed during training (Merity et al., 2018).
        period: Steps between two updates of the states; 1 for every step (Koutnik et al., 2014).
        context: What the output holds besides the state.
    """

    __pydantic_config__ = UNTRUSTED

    cell: CellGraph
    width: int
    bidirectional: bool = False
    dropout: float = 0.0
    norm: Norm = Norm.NONE
    skip: int | None = None
    residual: bool = field(default=False, metadata=LATER)
    recurrent_dropout: float = field(default=0.0, metadata=LATER)
    period: int = field(default=1, metadata=LATER)
    context: Context = field(default=Context.NONE, metadata=LATER)

    def __post_init__(self) -> None:
        _check_range("layer.width", self.width, 1, MAX_WIDTH)
        _check_rate("layer.dropout", self.dropout)
        _check_rate("layer.recurrent_dropout", self.recurrent_dropout)
        _check_range("layer.period", self.period, 1, MAX_PERIOD)

    @property
    def output_width(self) -> int:
        """Width of the layer's output, both directions together."""
        return self.width * (1 + self.bidirectional)


@dataclass(frozen=True, slots=True)
class Head:
    """From the top layer to the outputs.

    Attributes:
        pooling: How time is reduced.
        hidden: Width of a tanh layer before the outputs; 0 for none.
        dropout: Rate before the outputs.
        skip: As in `Layer`: extra features concatenated to the top layer's output before pooling.
        segment: Steps of a forecast that are decoded at once, all segments in parallel from embeddings of their
            position (SegRNN; Lin et al., 2023); 0 for one map to all outputs.
    """

    __pydantic_config__ = UNTRUSTED

    pooling: Pooling = Pooling.LAST
    hidden: int = 0
    dropout: float = 0.0
    skip: int | None = None
    segment: int = field(default=0, metadata=LATER)

    def __post_init__(self) -> None:
        _check_range("head.hidden", self.hidden, 0, MAX_WIDTH)
        _check_range("head.segment", self.segment, 0, MAX_WIDTH)
        _check_rate("head.dropout", self.dropout)


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

    __pydantic_config__ = UNTRUSTED

    optimizer: Optimizer = Optimizer.ADAM
    learning_rate: float = 5e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    batch_size: int = 32

    def __post_init__(self) -> None:
        _check_positive("training.learning_rate", self.learning_rate)
        _check_positive("training.clip", self.clip)
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise GenomeError(
                f"training.weight_decay is {self.weight_decay}; must be a finite number, 0 or more"
            )
        _check_range("training.batch_size", self.batch_size, 1, MAX_BATCH_SIZE)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A whole candidate.

    Attributes:
        layers: From the input up.
        head: From the top layer to the outputs.
        training: Settings of training.
        embedding: Width of the token embedding, None for numeric input.
        tied: Whether the outputs' weights are the token embedding (Press and Wolf, 2017).
        forecast: What the network of a forecast computes.
        front: What the first layer reads.
        shortcut: A linear path around the recurrence.
        columns: How a forecast of several targets reads them.
        embedding_dropout: Rate at which whole tokens are zeroed during training (Gal and Ghahramani, 2016).

    Raises:
        GenomeError: There is no layer or too many, or a skip has no source: the i-th layer may
            skip from 0 to i - 2, the head from 0 to below the number of layers.
    """

    __pydantic_config__ = UNTRUSTED

    layers: Annotated[tuple[Layer, ...], Field(max_length=MAX_LAYERS), FailFast()]
    head: Head = Head()
    training: Training = Training()
    embedding: int | None = None
    tied: bool = field(default=False, metadata=LATER)
    forecast: Forecast = field(default=Forecast.VALUE, metadata=LATER)
    front: Front = field(default=Front(), metadata=LATER)
    shortcut: Shortcut = field(default=Shortcut(), metadata=LATER)
    columns: Columns = field(default=Columns.TOGETHER, metadata=LATER)
    embedding_dropout: float = field(default=0.0, metadata=LATER)

    def __post_init__(self) -> None:
        _check_rate("embedding_dropout", self.embedding_dropout)
        _check_range("the number of layers", len(self.layers), 1, MAX_LAYERS)
        if self.embedding is not None:
            _check_range("embedding", self.embedding, 1, MAX_WIDTH)
        for index, layer in enumerate(self.layers):
            _check_skip(f"layers[{index}].skip", layer.skip, sources=index)
        _check_skip("head.skip", self.head.skip, sources=len(self.layers))
