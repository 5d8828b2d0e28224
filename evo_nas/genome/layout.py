"""Where each gene of a space lies in the vector, and what may follow from the options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from evo_nas.genome.cgp import CellCode
from evo_nas.genome.gene import Gene, Slot

if TYPE_CHECKING:
    from evo_nas.genome.architecture import Norm, Signature
    from evo_nas.genome.options import SpaceOptions

EVOLVED = "evolved"
"""Choice of a layer's cell gene that stands for the evolved cell."""
FOUNDER_LEARNING_RATE = 5e-3
FOUNDER_BATCH_SIZE = 16
FOUNDER_CLIP = 1.0

Choice = TypeVar("Choice")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class LayerSlots:
    """The genes of one layer; `skip` offers what lies further below than the layer's own input."""

    cell: Slot[str]
    width: Slot[int]
    bidirectional: Slot[bool]
    dropout: Slot[float]
    norm: Slot[Norm]
    skip: Slot[int | None]

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of the layer's genes."""
        slots = (self.cell, self.width, self.bidirectional, self.dropout, self.norm, self.skip)
        return tuple(slot.position for slot in slots)


class Layout:
    """The genes of a space in order: training, network, head, layers from the input up, evolved cell.

    Args:
        options: What may evolve.
        signature: Decides which of the genes for tokens, for pooling and for forecasts there are.
        epochs: Epochs of training; too few freeze the regularisation genes.
    """

    def __init__(self, options: SpaceOptions, signature: Signature, epochs: int) -> None:
        self._genes: list[Gene] = []
        self._options = options
        self._frozen = epochs < options.regularisation.frozen_below_epochs
        self._add_training()
        self.embedding = self._embedding() if signature.vocabulary else None
        self.tied = (
            self._add("embedding.tied", options.tied_embeddings) if signature.predicts_inputs else None
        )
        self.forecast = self._add("forecast", options.forecasts) if signature.last_values else None
        self.pooling = None if signature.per_step else self._add("head.pooling", options.poolings)
        self.hidden = self._add("head.hidden", options.heads, ordered=True)
        self.head_dropout = self._dropout("head.dropout")
        self.head_skip = self._skip("head.skip", sources=options.layers.max)
        depths = tuple(range(options.layers.min, options.layers.max + 1))
        self.depth = self._add("layers", depths, ordered=True)
        self.layers = tuple(self._layer(number) for number in range(1, options.layers.max + 1))
        self.cell_start = len(self._genes)
        self.cell_code = self._add_cell()

    @property
    def genes(self) -> tuple[Gene, ...]:
        """All genes in order."""
        return tuple(self._genes)

    def _add_training(self) -> None:
        options, frozen = self._options, self._options.regularisation
        rates = options.learning_rates.values
        self.optimizer = self._add("training.optimizer", options.optimizers)
        self.learning_rate = self._near("training.learning_rate", rates, FOUNDER_LEARNING_RATE)
        self.weight_decay = self._regularisation(
            "training.weight_decay", frozen.weight_decays, frozen.frozen_weight_decay
        )
        self.clip = self._near("training.clip", options.clips, FOUNDER_CLIP)
        self.batch_size = self._near("training.batch_size", options.batch_sizes, FOUNDER_BATCH_SIZE)

    def _embedding(self) -> Slot[int | None]:
        widths: tuple[int | None, ...] = self._options.embeddings
        return self._middle("embedding", widths)

    def _layer(self, number: int) -> LayerSlots:
        options = self._options
        prefix = f"layer{number}"
        cells = (EVOLVED, *options.cells) if options.evolve_cell else options.cells
        directions = (False, True) if options.bidirectional else (False,)
        return LayerSlots(
            cell=self._add(f"{prefix}.cell", cells),
            width=self._middle(f"{prefix}.width", options.widths),
            bidirectional=self._add(f"{prefix}.bidirectional", directions),
            dropout=self._dropout(f"{prefix}.dropout"),
            norm=self._add(f"{prefix}.norm", options.norms),
            skip=self._skip(f"{prefix}.skip", sources=number - 1),
        )

    def _add_cell(self) -> CellCode | None:
        options = self._options
        if not options.evolve_cell:
            return None
        code = CellCode(options.cell_nodes, options.cell_states, options.ops)
        self._genes += code.genes()
        return code

    def _dropout(self, name: str) -> Slot[float]:
        regularisation = self._options.regularisation
        return self._regularisation(name, regularisation.dropouts, regularisation.frozen_dropout)

    def _regularisation(self, name: str, choices: tuple[float, ...], frozen: float) -> Slot[float]:
        permitted = (frozen,) if self._frozen else choices
        gene = Gene(name, permitted, ordered=True, regularisation=True, default=permitted.index(frozen))
        return self._slot(gene, permitted)

    def _skip(self, name: str, *, sources: int) -> Slot[int | None]:
        return self._add(name, (None, *range(sources)) if self._options.skips else (None,))

    def _middle(self, name: str, choices: tuple[Choice, ...]) -> Slot[Choice]:
        return self._slot(Gene(name, choices, ordered=True, default=len(choices) // 2), choices)

    def _near(self, name: str, choices: tuple[Number, ...], wanted: Number) -> Slot[Number]:
        """Adds an ordered gene whose default is the choice with the ratio to ``wanted`` nearest to 1."""
        nearest = min(choices, key=lambda choice: abs(math.log(choice / wanted)))
        return self._slot(Gene(name, choices, ordered=True, default=choices.index(nearest)), choices)

    def _add(self, name: str, choices: tuple[Choice, ...], *, ordered: bool = False) -> Slot[Choice]:
        return self._slot(Gene(name, choices, ordered=ordered), choices)

    def _slot(self, gene: Gene, choices: tuple[Choice, ...]) -> Slot[Choice]:
        self._genes.append(gene)
        return Slot(len(self._genes) - 1, gene.name, choices)
