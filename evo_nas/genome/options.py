"""The ``space`` section of a configuration: which architectures may evolve."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import (
    MAX_BATCH_SIZE,
    MAX_LAYERS,
    MAX_PERIOD,
    MAX_WIDTH,
    Forecast,
    Norm,
    Optimizer,
    Pooling,
)
from evo_nas.genome.blocks import Columns, Context, Front, Shortcut
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import MAX_STATES
from evo_nas.genome.cell_text import cell_of, label_of, read_cell, settled_text
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.cgp import DEFAULT_OPS, STEP_OPS
from evo_nas.genome.linearity import is_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.ops import MAX_DELAY, MAX_NODES, MIN_DELAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")
LINEAR_CELLS = tuple(name for name, cell in NAMED_CELLS.items() if is_linear(cell))
"""Names of the published cells that are linear recurrences."""


def _one_of(permitted: Iterable[str]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name not in permitted:
            raise ValueError(f"must be one of {', '.join(permitted)}")
        return name

    return check


def _distinct(choices: tuple[Item, ...]) -> tuple[Item, ...]:
    if len(set(choices)) < len(choices):
        raise ValueError("must name each choice once")
    return choices


def _ascending(choices: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sorted(_distinct(choices)))


def cells_under(section: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Returns a ``space`` section in which relative paths of files of cells start from ``base``."""

    def under(cell: object) -> object:
        # A name or a text is no file, so whatever is one is meant as a path.
        is_file = isinstance(cell, str) and cell not in NAMED_CELLS and _is_file(base / cell)
        return str(base / cell) if is_file and isinstance(cell, str) else cell

    found = {key: section[key] for key in ("cells", "seeds") if isinstance(section.get(key), list | tuple)}
    return {**section, **{key: [under(cell) for cell in cells] for key, cells in found.items()}}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a long text is no path at all
        return False


def _settled(given: object) -> str:
    """Returns a cell as one text that needs no file, so that every worker and a resumed run read the same."""
    if isinstance(given, Mapping):  # a recipe that is written out in YAML
        given = json.dumps(given)
    if not isinstance(given, str):
        raise ValueError("must be the name, the text or the file of a cell")  # noqa: TRY004 - pydantic collects these
    try:
        cell = read_cell(given, base=Path())
    except GenomeError as error:
        raise ValueError(str(error)) from None
    if not is_live(canonical(cell)):
        raise ValueError("must be a cell whose output can depend on the input of an earlier step")
    return settled_text(cell)


def _block(read: Callable[[str], object]) -> Callable[[str], str]:
    def settled(text: str) -> str:
        try:
            return str(read(text))
        except GenomeError as error:
            raise ValueError(str(error)) from None

    return settled


FrontText = Annotated[str, AfterValidator(_block(Front.of))]
"""A front end as `Front.of` reads it."""
ShortcutText = Annotated[str, AfterValidator(_block(Shortcut.of))]
"""A shortcut as `Shortcut.of` reads it."""
CellText = Annotated[str, BeforeValidator(_settled, json_schema_input_type=str | dict[str, Any])]
"""A cell as `settled_text` writes it; a person may give all that `read_cell` reads, or a recipe as a mapping."""
OpName = Annotated[str, AfterValidator(_one_of(STEP_OPS))]
Width = Annotated[int, Field(strict=True, ge=1, le=MAX_WIDTH)]
Delay = Annotated[int, Field(strict=True, ge=MIN_DELAY, le=MAX_DELAY)]
Rate = Annotated[float, Field(strict=True, ge=0, lt=1)]
Decay = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Switch = Annotated[bool, Field(strict=True)]
SomeOf = Annotated[tuple[Item, ...], Field(min_length=1), AfterValidator(_distinct)]
Ascending = Annotated[tuple[Item, ...], Field(min_length=1), AfterValidator(_ascending)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LayerRange(_Section):
    """How many recurrent layers a network may have.

    Attributes:
        min: Fewest layers.
        max: Most layers.
    """

    min: int = Field(default=1, strict=True, ge=1, le=MAX_LAYERS)
    max: int = Field(default=2, strict=True, ge=1, le=MAX_LAYERS)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min} and max is {self.max}; min must not be above max")
        return self


class LearningRateGrid(_Section):
    """Learning rates evenly spaced in their logarithm.

    Attributes:
        min: Smallest rate.
        max: Largest rate.
        count: Number of rates from ``min`` to ``max``; 1 is their geometric mean.
    """

    min: Positive = 1e-3
    max: Positive = 1.5e-2
    count: int = Field(default=9, strict=True, ge=1, le=1000)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min is {self.min} and max is {self.max}; min must not be above max")
        if self.count > 1 and self.min == self.max:
            raise ValueError(f"count is {self.count} but min and max are both {self.min}; set count to 1")
        return self

    @property
    def values(self) -> tuple[float, ...]:
        """The grid, ascending, to three significant digits; only the geometric mean if ``count`` is 1."""
        low, high = math.log(self.min), math.log(self.max)
        if self.count == 1:
            return (_rounded((low + high) / 2),)
        step = (high - low) / (self.count - 1)
        # Rounding may make neighbours equal, and a gene needs different choices.
        return tuple(dict.fromkeys(_rounded(low + step * index) for index in range(self.count)))


def _rounded(log_rate: float) -> float:
    return float(f"{math.exp(log_rate):.3g}")


class RegularisationOptions(_Section):
    """Genes that a short training cannot judge: they are fixed where epochs are few, and evolve otherwise.

    Attributes:
        frozen_below_epochs: With fewer epochs of training every architecture gets the frozen values.
        dropouts: Permitted rates before each layer and before the outputs.
        weight_decays: Permitted decoupled weight decays.
        frozen_dropout: The rate where few epochs freeze it; one of ``dropouts``.
        frozen_weight_decay: The decay where few epochs freeze it; one of ``weight_decays``.
    """

    frozen_below_epochs: int = Field(default=20, strict=True, ge=0)
    dropouts: Ascending[Rate] = (0.0, 0.1, 0.2, 0.3, 0.5)
    weight_decays: Ascending[Decay] = (0.0, 1e-4, 1e-3, 1e-2)
    frozen_dropout: Rate = 0.1
    frozen_weight_decay: Decay = 1e-4

    @model_validator(mode="after")
    def _check_frozen_values(self) -> Self:
        for field, value, permitted in (
            ("frozen_dropout", self.frozen_dropout, self.dropouts),
            ("frozen_weight_decay", self.frozen_weight_decay, self.weight_decays),
        ):
            if value not in permitted:
                listed = ", ".join(str(choice) for choice in permitted)
                raise ValueError(f"{field} is {value}; must be one of the permitted values, {listed}")
        return self


class SpaceOptions(_Section):
    """Which architectures may evolve.

    Attributes:
        layers: How many recurrent layers a network may have.
        widths: Permitted units of a layer, in each direction.
        cells: Cells that a layer may have beside the evolved one: names of published cells, recipes, genotypes, or
            files with them.
        evolve_cell: Whether a cell evolves, shared by the layers that choose it.
        cell_nodes: Nodes in the genotype of the evolved cell; an LSTM needs 13.
        cell_states: States of the evolved cell; an LSTM needs 2.
        ops: What the nodes of the evolved cell may compute; docs/cells.md has all of them.
        delays: How many steps ago, 2 to 16, a node of the evolved cell may read a state besides one.
        linear_only: Whether only linear recurrences are permitted, whose states depend on each other unit by unit
            through factors that follow from the inputs, such as minGRU; then ``cells`` are those of the published
            cells that are, unless given.
        bidirectional: Whether a layer may also read backwards, and so see the future.
        norms: Permitted normalisations of a layer: ``none``, that of its output, ``layer``, or that of its input,
            ``before``.
        skips: Whether layers and the head may also read from further below.
        poolings: Permitted reductions over time, where the sequence has one output.
        heads: Permitted widths of a hidden layer before the outputs; 0 for none.
        optimizers: Permitted update rules.
        learning_rates: Permitted learning rates, evenly spaced in their logarithm.
        clips: Permitted bounds of the gradient norm.
        batch_sizes: Permitted numbers of sequences in a training step.
        embeddings: Permitted widths of the token embedding.
        tied_embeddings: Whether a language model's outputs may, or must, have the embedding as their weights.
        forecasts: What the network of a forecast may compute: the ``change`` since the last value, that from
            inputs ``relative`` to their last step, or the ``value``; founders have the first that is named.
        fronts: What the first layer may read: ``none``, ``differences``, ``segments 8``, ``convolution 5/2``,
            ``ngrams 1-2 x 8192`` or ``subwords 3-6 x 4096``. Of the default those are left out that do not fit the
            task or have not helped its kind.
        shortcuts: Linear paths around the recurrence, as ``fronts``: ``none``, ``shared``, ``full``, ``flat``,
            ``pooled`` or ``ngrams 1-2 x 8192``.
        columns: Whether a forecast of several targets reads them ``together`` or ``apart``.
        segments: Steps of a forecast that may be decoded at once; 0 for one map to all of them. Of the default
            only 0 is left where a forecast is short or has one target.
        residuals: Whether a layer's input may, or must, be added to its output.
        periods: Steps between two updates of a layer's states.
        contexts: What a layer's output may hold besides its state: ``none``, ``attention`` or ``memory``.
        embedding_dropouts: Permitted rates at which whole tokens are zeroed.
        recurrent_dropouts: Permitted rates at which weights of states are zeroed.
        regularisation: Dropout and weight decay.
        seeds: Cells of the first networks of a search, given as ``cells`` are; each is tried in a plain network and in
            a wide one with what helps nearly everywhere. By default LSTM, GRU, tanh- and sigmoid-RNN in whole networks
            that are known to be good, or the published linear recurrences, as far as the space can express them.
        max_parameters: Largest number of trainable parameters, those in tables of n-grams included; without limit
            unless given.
        max_flops: Most floating-point operations a step, those of head and shortcut included, two for each
            multiply-accumulate; without limit unless given.
        max_state_bytes: Most bytes that a network keeps from one step to the next, weights aside; without limit unless
            given.
        max_activation_bytes: Most bytes that a training step keeps, at least, of a batch of the longest sequences for
            the way back; without limit unless given.
    """

    layers: LayerRange = LayerRange()
    widths: Ascending[Width] = (96, 128, 160, 192, 224, 256)
    cells: Annotated[tuple[CellText, ...], AfterValidator(_distinct)] = ("lstm", "gru")
    evolve_cell: Switch = True
    cell_nodes: int = Field(default=15, strict=True, ge=1, le=MAX_NODES)
    cell_states: int = Field(default=2, strict=True, ge=1, le=MAX_STATES)
    ops: SomeOf[OpName] = DEFAULT_OPS
    delays: Annotated[tuple[Delay, ...], AfterValidator(_ascending)] = ()
    linear_only: Switch = False
    bidirectional: Switch = False
    norms: SomeOf[Norm] = (Norm.NONE, Norm.LAYER)
    skips: Switch = True
    # Spelled out, since genomes count choices and the members of an enumeration may be put in another order.
    poolings: SomeOf[Pooling] = (Pooling.LAST, Pooling.MEAN, Pooling.MAX, Pooling.ATTENTION)
    heads: Ascending[Annotated[int, Field(strict=True, ge=0, le=MAX_WIDTH)]] = (0,)
    optimizers: SomeOf[Optimizer] = (Optimizer.ADAM, Optimizer.RMSPROP)
    learning_rates: LearningRateGrid = LearningRateGrid()
    clips: Ascending[Positive] = (0.25, 1.0, 5.0)
    batch_sizes: Ascending[Annotated[int, Field(strict=True, ge=1, le=MAX_BATCH_SIZE)]] = (8, 16, 32)
    embeddings: Ascending[Width] = (32, 64, 128, 256)
    tied_embeddings: SomeOf[Switch] = (False, True)
    forecasts: SomeOf[Forecast] = (Forecast.RELATIVE, Forecast.CHANGE, Forecast.VALUE)
    # Both lists have something for every kind of task; `genome.fitting` leaves out what has not helped its kind.
    fronts: SomeOf[FrontText] = (
        *("none", "differences", "segments 8"),
        *("ngrams 1-2 x 8192", "ngrams 3-6 x 4096"),
    )
    shortcuts: SomeOf[ShortcutText] = (
        *("none", "shared"),
        *("ngrams 1-2 x 8192", "ngrams 2-4 x 4096", "ngrams 3-6 x 4096"),
    )
    columns: SomeOf[Columns] = (Columns.TOGETHER, Columns.APART)
    segments: Ascending[Annotated[int, Field(strict=True, ge=0, le=MAX_WIDTH)]] = (0, 24)
    residuals: SomeOf[Switch] = (False,)
    periods: Ascending[Annotated[int, Field(strict=True, ge=1, le=MAX_PERIOD)]] = (1,)
    contexts: SomeOf[Context] = (Context.NONE,)
    embedding_dropouts: Ascending[Rate] = (0.0,)
    recurrent_dropouts: Ascending[Rate] = (0.0,)
    regularisation: RegularisationOptions = RegularisationOptions()
    seeds: Annotated[tuple[CellText, ...], AfterValidator(_distinct)] | None = None
    max_parameters: int | None = Field(default=None, strict=True, ge=1)
    max_flops: int | None = Field(default=None, strict=True, ge=1)
    max_state_bytes: int | None = Field(default=None, strict=True, ge=1)
    max_activation_bytes: int | None = Field(default=None, strict=True, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _choose_linear_cells(cls, section: object) -> object:
        if isinstance(section, Mapping) and section.get("linear_only") is True:
            return {"cells": LINEAR_CELLS, **section}
        return section

    @model_validator(mode="after")
    def _check_linearity(self) -> Self:
        for field, cells in (("cells", self.cells), ("seeds", self.seeds or ())):
            others = [label_of(text) for text in cells if self.linear_only and not is_linear(cell_of(text))]
            if others:
                raise ValueError(
                    f"linear_only is true and {field} has {', '.join(others)}, which are no linear recurrences; leave"
                    f" them out, name some of {', '.join(LINEAR_CELLS)}, or set linear_only to false"
                )
        return self

    @model_validator(mode="after")
    def _check_cells(self) -> Self:
        if not self.cells and not self.evolve_cell:
            raise ValueError(
                "cells is empty and evolve_cell is false, so no layer can have a cell;"
                f" permit some of {', '.join(NAMED_CELLS)} or let the cell evolve"
            )
        if self.evolve_cell and not {"linear", "linear_no_bias"} & set(self.ops):
            raise ValueError(
                f"ops is {', '.join(self.ops)}; must contain linear or linear_no_bias,"
                " since nothing else can read the input"
            )
        return self
