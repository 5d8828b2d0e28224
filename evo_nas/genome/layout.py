"""The position of each gene of a space in the genome, and the conversion between genes and fields."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from evo_nas.errors import GenomeError
from evo_nas.genome.architecture import Architecture, Head, Layer, Training
from evo_nas.genome.cell_text import label_of
from evo_nas.genome.cgp import CellCode
from evo_nas.genome.gene import Gene
from evo_nas.genome.ops import DELAYS
from evo_nas.genome.slots import HEAD, LAYER, NETWORK, TRAINING, Choice, Setting, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.genome.architecture import Signature
    from evo_nas.genome.gene import Genome
    from evo_nas.genome.options import SpaceOptions

EVOLVED = "evolved"
"""Choice of a layer's cell gene that stands for the evolved cell."""

Part = TypeVar("Part", Training, Architecture, Head, Layer)


@dataclass(frozen=True, slots=True)
class Locus(Generic[Choice]):
    """The place of a gene in the genome, and its choices with their own type."""

    position: int
    name: str
    choices: tuple[Choice, ...]

    def read(self, genome: Genome) -> Choice:
        """Returns the choice that ``genome`` makes."""
        return self.choices[genome[self.position]]

    def write(self, values: list[int], choice: Choice) -> None:
        """Sets the value that means ``choice``.

        Raises:
            GenomeError: The gene does not offer it.
        """
        if choice not in self.choices:
            permitted = ", ".join(str(permitted) for permitted in self.choices)
            raise GenomeError(f"{self.name} is {choice}; this space permits {permitted}")
        values[self.position] = self.choices.index(choice)


class Section(Generic[Part]):
    """The genes of one part of an architecture.

    Args:
        part: Class of the part.
        slots: Fields of the part that may evolve.
        loci: Places of those that do, by field.

    Attributes:
        loci: The same.
    """

    def __init__(
        self, part: type[Part], slots: tuple[Slot[Any], ...], loci: Mapping[str, Locus[Any]]
    ) -> None:
        self.loci = loci
        self._slots = {slot.field: slot for slot in slots if slot.field in loci}
        # Decoding is done for every candidate and every trial of a mutation, so it works on bare tuples.
        self._reads = tuple((name, locus.choices, locus.position) for name, locus in loci.items())
        self.positions = tuple(position for _, _, position in self._reads)
        unused = {slot.field for slot in slots} - loci.keys()
        self._unused: dict[str, Any] = {
            field.name: field.default for field in fields(part) if field.name in unused
        }
        assert MISSING not in self._unused.values(), "a field whose gene may be missing has a default"

    def read(self, genome: Genome) -> dict[str, Any]:
        """Returns the fields of the part that ``genome`` decides, by name."""
        return {name: choices[genome[position]] for name, choices, position in self._reads}

    def write(self, values: list[int], part: Part) -> None:
        """Sets the values that mean the fields of ``part``.

        Raises:
            GenomeError: A field has a value that its gene does not offer.
        """
        for name, locus in self.loci.items():
            locus.write(values, getattr(part, name))

    def smallest(self) -> Iterator[dict[str, Any]]:
        """Yields fields of which one choice gives the smallest network, whatever is counted."""
        choices = [self._slots[name].smallest(locus.choices) for name, locus in self.loci.items()]
        for chosen in product(*choices):
            yield dict(zip(self.loci, chosen, strict=True))

    def without_unused(self, part: Part) -> Part:
        """Returns ``part`` with the defaults of the fields that the task has no use for."""
        return replace(part, **self._unused) if self._unused else part


@dataclass(frozen=True, slots=True)
class LayerGenes:
    """The genes of one layer; a skip of it may come from all that lies below its own input."""

    cell: Locus[str]
    rest: Section[Layer]

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of the layer's genes."""
        return self.cell.position, *self.rest.positions


class Layout:
    """The genes of a space in order: training, network, head, depth, layers from the input up, evolved cell.

    Args:
        options: What may evolve.
        signature: Decides which of the genes for tokens, for pooling and for forecasts there are.
        epochs: Epochs of training; too few of them freeze the regularisation genes.

    Attributes:
        regularisation: Positions of the genes that regularise.
    """

    def __init__(self, options: SpaceOptions, signature: Signature, epochs: int) -> None:
        self._genes: list[Gene] = []
        self.regularisation: list[int] = []
        setting = Setting(options, signature, epochs)
        self.training = self._section(Training, TRAINING, prefix="training.", setting=setting)
        self.network = self._section(Architecture, NETWORK, prefix="", setting=setting)
        above = replace(setting, sources=options.layers.max)
        self.head = self._section(Head, HEAD, prefix="head.", setting=above)
        depths = tuple(range(options.layers.min, options.layers.max + 1))
        self.depth = self._add(Gene("layers", depths, ordered=True, option="layers"), depths)
        self.layers = tuple(self._layer(number, setting) for number in range(1, options.layers.max + 1))
        self.cell_start = len(self._genes)
        self.cell_code = self._add_cell(options)

    @property
    def genes(self) -> tuple[Gene, ...]:
        """All genes in order."""
        return tuple(self._genes)

    def _section(
        self, part: type[Part], slots: tuple[Slot[Any], ...], *, prefix: str, setting: Setting
    ) -> Section[Part]:
        loci = {}
        for slot in slots:
            if slot.exists(setting):
                choices = slot.choices(setting)
                default = choices.index(slot.default(choices, setting))
                gene = Gene(
                    prefix + slot.field,
                    choices,
                    ordered=slot.ordered,
                    default=default,
                    option=slot.option,
                )
                loci[slot.field] = self._add(gene, choices)
                if slot.regularises:
                    self.regularisation.append(loci[slot.field].position)
        return Section(part, slots, loci)

    def _layer(self, number: int, setting: Setting) -> LayerGenes:
        options, prefix = setting.options, f"layer{number}."
        named = tuple(label_of(text) for text in options.cells)
        cells = (EVOLVED, *named) if options.evolve_cell else named
        cell = self._add(Gene(f"{prefix}cell", cells, option="cells"), cells)
        # The output right below is the layer's input already, so a skip from there would repeat it.
        below = replace(setting, sources=number - 1)
        return LayerGenes(cell, self._section(Layer, LAYER, prefix=prefix, setting=below))

    def _add_cell(self, options: SpaceOptions) -> CellCode | None:
        if not options.evolve_cell:
            return None
        delays = [DELAYS[steps].value for steps in options.delays]
        code = CellCode(options.cell_nodes, options.cell_states, (*options.ops, *delays))
        self._genes += code.genes()
        return code

    def _add(self, gene: Gene, choices: tuple[Choice, ...]) -> Locus[Choice]:
        self._genes.append(gene)
        return Locus(len(self._genes) - 1, gene.name, choices)
