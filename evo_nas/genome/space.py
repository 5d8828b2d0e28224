"""The search space: which genes there are, and what a vector of them means."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from itertools import product
from operator import lt
from random import Random
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError, GenomeError
from evo_nas.genome.admission import Admission
from evo_nas.genome.architecture import Architecture, Head, Layer, Signature, Training
from evo_nas.genome.canonical import canonical
from evo_nas.genome.cell import CellGraph, Node, X
from evo_nas.genome.cell_text import cell_of, label_of
from evo_nas.genome.cells import NAMED_CELLS
from evo_nas.genome.codec import hash_of_json, to_json
from evo_nas.genome.drawing import draw_cell, draw_linear_cell
from evo_nas.genome.fitting import check_columns, check_delays
from evo_nas.genome.founders import founders
from evo_nas.genome.gene import Gene, Genome
from evo_nas.genome.layout import EVOLVED, Layout, Locus
from evo_nas.genome.linearity import is_linear
from evo_nas.genome.liveness import is_live
from evo_nas.genome.nearest import Nearest, nearest
from evo_nas.genome.ops import Op
from evo_nas.genome.options import SpaceOptions
from evo_nas.genome.subspaces import subspaces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from evo_nas.genome.cgp import CellCode
    from evo_nas.genome.subspaces import Subspace

__all__ = ["Gene", "Genome", "SearchSpace", "SpaceOptions"]

MAX_DRAWS = 1000
PATIENCE = 20
"""Draws that are too large before they are made smaller."""
_FILLER = NAMED_CELLS["rnn_tanh"]
_LEAST_EVOLVED = CellGraph(1, (Node(Op.LINEAR, (X,)),), (2,))
"""No live evolved cell has fewer parameters."""
_CACHED_GENOMES = 4096
_CACHED_PARTS = 1024


class SearchSpace:
    """All architectures that may evolve for a task, each spelled by one or more genomes.

    Every tuple of integers within the genes' sizes decodes. One evolved cell is shared by the layers
    whose cell gene chooses it. Genes of layers beyond the depth, of unused nodes and of an unused cell are
    inactive: changing them never changes the canonical hash.

    Args:
        options: The ``space`` section of the configuration.
        signature: Inputs and outputs of the task.
        epochs: Epochs of training of a candidate; few of them freeze the regularisation genes.
        batch_steps: Steps of a batch of training; None for those of the longest sequence.

    Attributes:
        genes: What each position of a genome chooses.
        admission: Which architectures are small enough.

    Raises:
        ConfigError: Even the smallest architecture exceeds a limit, a seed that was asked for is not in the space,
            or a block or a delay does not fit the task.
    """

    def __init__(
        self, options: SpaceOptions, signature: Signature, epochs: int, *, batch_steps: int | None = None
    ) -> None:
        self.options = options
        self.signature = signature
        self.epochs = epochs
        check_columns(options, signature)
        check_delays(options, signature)
        self.admission = Admission(options, signature, batch_steps=batch_steps)
        self._batch_steps = batch_steps
        self._layout = Layout(options, signature, epochs)
        self.genes = self._layout.genes
        self._named = {label_of(text): canonical(cell_of(text)) for text in options.cells}
        self._sizes = tuple(gene.size for gene in self.genes)
        self._regularisation = frozenset(
            position for position in self._layout.regularisation if self.genes[position].size > 1
        )
        self._training = frozenset(
            position
            for position in (*self._layout.training.positions, *self._layout.regularisation)
            if self.genes[position].size > 1
        )
        # Most mutations leave the cell as it is, and an architecture is hashed and then recorded.
        self._evolved_cell = lru_cache(maxsize=_CACHED_PARTS)(self._decode_cell)
        self._written = lru_cache(maxsize=_CACHED_PARTS)(self._write)
        self._decoded = lru_cache(maxsize=_CACHED_GENOMES)(self._decode)
        self._hashed = lru_cache(maxsize=_CACHED_GENOMES)(self._hash)
        self._active = lru_cache(maxsize=_CACHED_GENOMES)(self._find_active)
        self._check_limits()
        self._seeds = tuple(founders(self))

    def __reduce__(self) -> tuple[object, tuple[SpaceOptions, Signature, int]]:
        again = partial(SearchSpace, batch_steps=self._batch_steps)
        return again, (self.options, self.signature, self.epochs)

    def decode(self, genome: Genome) -> Architecture:
        """Returns what ``genome`` means, in canonical form.

        Raises:
            GenomeError: It has a wrong number of genes, or a value beyond a gene's choices.
        """
        return self._decoded(genome)

    def cells(self, genome: Genome) -> tuple[CellGraph, ...]:
        """Returns the cells of the layers that ``genome`` means."""
        return tuple(layer.cell for layer in self.decode(genome).layers)

    def encode(self, architecture: Architecture) -> Genome:
        """Returns a genome that decodes to the canonical form of ``architecture``.

        Where possible a cell that is permitted by name is spelled as the evolved cell, so that it can go on
        evolving.

        Raises:
            GenomeError: Something in it is not in the space; the message says what.
        """
        architecture = self.canonical(architecture)
        layout = self._layout
        values = [gene.default for gene in self.genes]
        layout.depth.write(values, len(architecture.layers))
        evolved = self._write_cell(values, architecture.layers)
        for genes, layer in zip(layout.layers, architecture.layers, strict=False):
            genes.cell.write(values, self._cell_choice(genes.cell, layer.cell, evolved=evolved))
            genes.rest.write(values, layer)
        layout.network.write(values, architecture)
        layout.head.write(values, architecture.head)
        layout.training.write(values, architecture.training)
        return tuple(values)

    def nearest(self, architecture: Architecture) -> Nearest:
        """Returns the feasible genome that is nearest to an architecture of another space, and what was changed.

        Raises:
            GenomeError: None of its cells is permitted, or even its narrowest form breaks a limit.
        """
        return nearest(self, self._layout, architecture)

    def canonical(self, architecture: Architecture) -> Architecture:
        """Returns ``architecture`` with canonical cells and without what this task leaves unused."""
        layout = self._layout
        layers = tuple(replace(layer, cell=canonical(layer.cell)) for layer in architecture.layers)
        head = layout.head.without_unused(architecture.head)
        return layout.network.without_unused(replace(architecture, layers=layers, head=head))

    def to_json(self, genome: Genome) -> str:
        """Returns the architecture that ``genome`` means as JSON on one line."""
        return self._written(genome)

    def canonical_hash(self, genome: Genome) -> str:
        """Returns the identity of the architecture that ``genome`` means: 32 hexadecimal digits."""
        return self._hashed(genome)

    def active_genes(self, genome: Genome) -> tuple[int, ...]:
        """Returns the positions, ascending, of the genes that the canonical form depends on."""
        return self._active(genome)

    def spell(self, choose: Callable[[int], int]) -> Genome:
        """Returns a genome whose active genes ``choose`` gives one after another; the others have their defaults.

        Whether a gene is active is known before it is chosen: the depth comes before the layers, and a cell is chosen
        from its output down.

        Args:
            choose: Returns the value of the gene at a position; called once for each of the `active_genes`.
        """
        layout, values = self._layout, [gene.default for gene in self.genes]

        def decide(position: int) -> int:
            if self._sizes[position] > 1:
                values[position] = choose(position)
            return values[position]

        for position in range(layout.layers[0].cell.position):
            decide(position)
        for genes in layout.layers[: layout.depth.choices[values[layout.depth.position]]]:
            for position in genes.positions:
                decide(position)
        if layout.cell_code is not None and self._uses_evolved_cell(tuple(values)):
            values[layout.cell_start :] = layout.cell_code.spell(
                lambda place: decide(layout.cell_start + place)
            )
        return tuple(values)

    def is_feasible(self, genome: Genome) -> bool:
        """Whether all cells are live and permitted, and all limits are kept."""
        return not self.obstacle(genome)

    def obstacle(self, genome: Genome) -> str:
        """Returns why ``genome`` is not feasible; empty if it is."""
        architecture = self.decode(genome)
        return self._obstacle_in_cells(architecture) or self.admission.obstacle(architecture)

    @property
    def cell_code(self) -> CellCode | None:
        """How the last genes, from `cell_start` on, spell the evolved cell; None if no cell evolves."""
        return self._layout.cell_code

    @property
    def cell_start(self) -> int:
        """Position of the first gene of the evolved cell."""
        return self._layout.cell_start

    @property
    def regularisation_genes(self) -> frozenset[int]:
        """Positions of the genes that regularise and can vary, which short trainings cannot judge."""
        return self._regularisation

    @property
    def training_genes(self) -> frozenset[int]:
        """Positions of the genes that say how a network is trained and can vary, those that regularise included."""
        return self._training

    def can_judge_regularisation(self, epochs: int) -> bool:
        """Whether a training of so many epochs shows what regularisation is good for."""
        return epochs >= self.options.regularisation.frozen_below_epochs

    def with_default_regularisation(self, genome: Genome) -> Genome:
        """Returns ``genome`` with the regularisation that every network has where trainings are short."""
        if not self._regularisation:
            return genome
        return tuple(
            self.genes[position].default if position in self._regularisation else value
            for position, value in enumerate(genome)
        )

    def random(self, rng: Random) -> Genome:
        """Returns a feasible genome, each gene drawn uniformly, the cell and the rest redrawn as needed.

        Where limits are so tight that most draws are too large, they are made smaller, gene by gene.

        Raises:
            GenomeError: No draw within the bound was feasible.
        """
        drawn = []
        for draw in range(MAX_DRAWS):
            macro = list(map(rng.randrange, self._sizes[: self._layout.cell_start]))
            cell = self._random_cell(rng)
            genome = (*macro, *cell)
            if self.is_feasible(genome):
                return genome
            drawn.append(self.decode(genome))
            if draw >= PATIENCE and (smaller := self._smaller(macro, cell, rng)) is not None:
                return smaller
        raise GenomeError(self.admission.why_none(drawn))

    def repaired(self, genome: Genome, rng: Random) -> Genome:
        """Returns a feasible genome that keeps as many genes of ``genome`` as it can; itself if that is feasible.

        A cell that is not live is drawn anew; then genes get their first choices, in a random order, until the limits
        are kept.

        Raises:
            GenomeError: Not even a random genome was found that keeps them.
        """
        if self.is_feasible(genome):
            return genome
        start = self._layout.cell_start
        macro, cell = list(genome[:start]), genome[start:]
        if self._obstacle_in_cells(self.decode(genome)):
            cell = self._random_cell(rng)
            if self.is_feasible(repaired := (*macro, *cell)):
                return repaired
        return self._smaller(macro, cell, rng) or self.random(rng)

    def _random_cell(self, rng: Random) -> tuple[int, ...]:
        """Returns the genes of a cell, also where no layer uses it, since a mutation may bring it in."""
        code = self._layout.cell_code
        if code is None:
            return ()
        if self.options.linear_only:
            return draw_linear_cell(code, rng)
        return draw_cell(code, self._sizes[self._layout.cell_start :], rng, steps=self.signature.steps)

    def _smaller(self, macro: list[int], cell: tuple[int, ...], rng: Random) -> Genome | None:
        """Returns a feasible genome, for which as many genes as needed got their first choice; None if there is none.

        The genes are those of the network but for its cells, in a random order.
        """
        layout = self._layout
        positions = [layout.depth.position, *layout.network.positions, *layout.head.positions]
        positions += [position for layer in layout.layers for position in layer.rest.positions]
        positions += [place for place, gene in enumerate(self.genes) if gene.name == "training.batch_size"]
        smallest = [0 if place in positions else value for place, value in enumerate(macro)]
        # The last step first, since the others lead nowhere where it does not.
        if not self.is_feasible((*smallest, *cell)):
            return None
        for position in rng.sample(positions, len(positions)):
            macro[position] = 0
            if self.is_feasible(genome := (*macro, *cell)):
                return genome
        raise AssertionError("the smallest one is feasible")

    def subspaces(self, *, fixed: Collection[int] = ()) -> tuple[Subspace, ...]:
        """Returns the parts of the space in which the same genes matter; genes at ``fixed`` keep their default."""
        return tuple(subspaces(self._layout, fixed))

    def seeds(self) -> tuple[tuple[str, Genome], ...]:
        """Returns the founders of a search by name, best known first."""
        return self._seeds

    def _decode(self, genome: Genome) -> Architecture:
        self._check(genome)
        layout = self._layout
        cells = dict(self._named)
        if layout.cell_code is not None and self._uses_evolved_cell(genome):
            cells[EVOLVED] = self._evolved_cell(layout.cell_code, genome[layout.cell_start :])
        depth = layout.depth.read(genome)
        head = layout.head.read(genome)
        if head["skip"] is not None and head["skip"] >= depth:
            head["skip"] = None  # a layer above the top one, or the top layer, which the head reads anyway
        return Architecture(
            layers=tuple(
                Layer(cells[genes.cell.read(genome)], **genes.rest.read(genome))
                for genes in layout.layers[:depth]
            ),
            head=Head(**head),
            training=Training(**layout.training.read(genome)),
            **layout.network.read(genome),
        )

    def _decode_cell(self, code: CellCode, spelling: Genome) -> CellGraph:
        return canonical(code.decode(spelling))

    def _write(self, genome: Genome) -> str:
        return to_json(self.decode(genome))

    def _hash(self, genome: Genome) -> str:
        return hash_of_json(self._written(genome))

    def _find_active(self, genome: Genome) -> tuple[int, ...]:
        layout = self._layout
        self._check(genome)
        depth = layout.depth.read(genome)
        positions = list(range(layout.layers[0].cell.position))
        for genes in layout.layers[:depth]:
            positions += genes.positions
        if layout.cell_code is not None and self._uses_evolved_cell(genome):
            spelling = genome[layout.cell_start :]
            positions += [layout.cell_start + offset for offset in layout.cell_code.active(spelling)]
        return tuple(position for position in positions if self._sizes[position] > 1)

    def _check(self, genome: Genome) -> None:
        if len(genome) != len(self.genes):
            raise GenomeError(f"the genome has {len(genome)} genes; this space has {len(self.genes)}")
        # Nearly every genome passes, so the loop that finds the gene to name is for those that do not.
        if min(genome) >= 0 and all(map(lt, genome, self._sizes)):
            return
        for position, (value, size) in enumerate(zip(genome, self._sizes, strict=True)):
            if not 0 <= value < size:
                name = self.genes[position].name
                raise GenomeError(f"gene {name} is {value}; must be 0 to {size - 1}")

    def _uses_evolved_cell(self, genome: Genome) -> bool:
        depth = self._layout.depth.read(genome)
        return any(genes.cell.read(genome) == EVOLVED for genes in self._layout.layers[:depth])

    def _obstacle_in_cells(self, architecture: Architecture) -> str:
        for number, layer in enumerate(architecture.layers, start=1):
            if not is_live(layer.cell):
                return f"the cell of layer {number} does not carry its input from step to step"
            if not self._permits(layer.cell):
                return f"the cell of layer {number} is not linear, and space.linear_only is true"
        return ""

    def _permits(self, cell: CellGraph) -> bool:
        return not self.options.linear_only or is_linear(cell)

    def _write_cell(self, values: list[int], layers: tuple[Layer, ...]) -> CellGraph | None:
        """Writes the evolved cell and returns it; returns None if no cell of ``layers`` can be spelled."""
        code, start = self._layout.cell_code, self._layout.cell_start
        if code is None:
            return None
        cells = [layer.cell for layer in layers]
        unnamed = [cell for cell in cells if cell not in self._named.values()]
        if unnamed:
            values[start:] = code.encode(unnamed[0])
            return unnamed[0]
        for cell in (*cells, _FILLER):
            try:
                values[start:] = code.encode(cell)
            except GenomeError:
                continue
            return cell
        return None

    def _cell_choice(self, gene: Locus[str], cell: CellGraph, *, evolved: CellGraph | None) -> str:
        if cell == evolved:
            return EVOLVED
        for name, named in self._named.items():
            if cell == named:
                return name
        raise GenomeError(
            f"{gene.name} is neither the evolved cell of this genome nor permitted by name;"
            f" this space permits {', '.join(gene.choices)}, and one evolved cell for all layers"
        )

    def _check_limits(self) -> None:
        self.admission.check(self._small_architectures)
        try:  # the bound is not tight, so a space is refused, too, if no first candidate can be drawn
            self.random(Random(0))
        except GenomeError as error:
            raise ConfigError(str(error)) from None

    def _small_architectures(self) -> Iterator[Architecture]:
        """Yields architectures of which one is the smallest of the space, whatever is counted."""
        layout = self._layout
        cells = [*self._named.values(), *([_LEAST_EVOLVED] if self.options.evolve_cell else [])]
        sections = layout.layers[0].rest, layout.head, layout.network, layout.training
        parts = [section.smallest() for section in sections]
        for cell, layer, head, network, training in product(cells, *parts):
            layers = (Layer(cell, **layer),) * self.options.layers.min
            yield Architecture(layers, Head(**head), Training(**training), **network)
