"""`Explanation`: what a network of a run computes, where it comes from, and what it hangs on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.champion.importance import gene_importance
from evo_nas.champion.kinship import closest_published
from evo_nas.errors import ChampionError
from evo_nas.genome.cell_picture import cells_svg
from evo_nas.genome.describe import describe
from evo_nas.genome.notation import latex, mathml, text_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.champion.kinship import Kin
    from evo_nas.champion.probing import Probe
    from evo_nas.genome.architecture import Architecture
    from evo_nas.genome.cell import CellGraph
    from evo_nas.genome.space import SearchSpace
    from evo_nas.runs import Run
    from evo_nas.runs.rows import Row


@dataclass(frozen=True, slots=True)
class CellExplanation:
    """One cell of a network.

    Attributes:
        layers: Numbers of the layers that have it, from 1.
        equations: Its equations in text, line by line.
        latex: The same in LaTeX.
        mathml: The same in MathML.
        kin: The published cell that it is closest to.
    """

    layers: tuple[int, ...]
    equations: tuple[str, ...]
    latex: str
    mathml: str
    kin: Kin

    @property
    def title(self) -> str:
        """Which layers have it."""
        return f"cell of layer {' and '.join(map(str, self.layers))}"


@dataclass(frozen=True, slots=True)
class LineageStep:
    """One ancestor, or the network itself.

    Attributes:
        candidate: Its id.
        operator: What made it of its parent.
        fitness: Its fitness; None if it failed.
        gain: By how much it is fitter than its parent; None where one of them has no fitness.
        is_noise: Whether the noise of one training hides the gain; None where the noise is not known.
        changes: What differs from its parent, such as ``layer1.width 16 -> 32``.
    """

    candidate: int
    operator: str
    fitness: float | None
    gain: float | None
    is_noise: bool | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a network of a run computes, where it comes from, and what it hangs on; plain values.

    Attributes:
        candidate: Its id; None for a champion without its run.
        architecture: It in one line.
        cells: Its different cells.
        drawing: All of them as SVG, whose colours are variables of CSS: see `genome.cell_picture`.
        lineage: From the founder to the network.
        noise: Standard deviation of the fitness of one training; None where it is not known.
        importance: Share of each gene in what tells the best of the run from all, most important first.
        remarks: Why something is missing.
        probe: What it does with data; None unless it was asked for.
    """

    candidate: int | None
    architecture: str
    cells: tuple[CellExplanation, ...]
    drawing: str
    lineage: tuple[LineageStep, ...] = ()
    noise: float | None = None
    importance: Mapping[str, float] | None = None
    remarks: tuple[str, ...] = ()
    probe: Probe | None = None

    def to_values(self) -> dict[str, Any]:
        """Returns plain values for JSON."""
        return asdict(self)


def explained(architecture: Architecture, *, probe: Probe | None = None) -> Explanation:
    """Returns what is known of a network without its run."""
    cells = _cells(architecture)
    return Explanation(None, describe(architecture), tuple(cells), _drawing(cells), probe=probe)


def explained_in_run(
    run: Run,
    candidate: int,
    space: SearchSpace,
    *,
    retrained: Architecture | None = None,
    probe: Probe | None = None,
) -> Explanation:
    """Returns what is known of a candidate of ``run``.

    Args:
        run: The run.
        candidate: Id of the candidate.
        space: Where the run searches.
        retrained: The network that was made of it, whose width and settings may be others than those of the search.
        probe: What that network does with data.

    Raises:
        RunError: The candidate was never evaluated.
    """
    line = run.lineage(candidate)
    architecture = retrained or space.decode(tuple(line[0]["genome"]))
    cells = _cells(architecture)
    noise = run.noise().seeds
    remarks, importance = [], None
    try:
        importance = gene_importance(run, space)
    except ChampionError as error:
        remarks.append(str(error))
    if noise is None:
        remarks.append("the noise is not known, since no network was trained again with another seed")
    return Explanation(
        candidate=candidate,
        architecture=describe(architecture),
        cells=tuple(cells),
        drawing=_drawing(cells),
        lineage=_lineage(line, space, None if noise is None else noise.std),
        noise=None if noise is None else noise.std,
        importance=importance,
        remarks=tuple(remarks),
        probe=probe,
    )


def _cells(architecture: Architecture) -> dict[CellExplanation, CellGraph]:
    layers: dict[CellGraph, list[int]] = {}
    for number, layer in enumerate(architecture.layers, start=1):
        layers.setdefault(layer.cell, []).append(number)
    return {
        CellExplanation(
            tuple(numbers), tuple(text_lines(cell)), latex(cell), mathml(cell), closest_published(cell)
        ): cell
        for cell, numbers in layers.items()
    }


def _drawing(cells: Mapping[CellExplanation, CellGraph]) -> str:
    return cells_svg({each.title if len(cells) > 1 else "": cell for each, cell in cells.items()})


def _lineage(line: list[Row], space: SearchSpace, noise: float | None) -> tuple[LineageStep, ...]:
    """Returns the steps of ``line``, which begins with the network, from the founder on."""
    steps: list[LineageStep] = []
    parent: Row | None = None
    for row in reversed(line):
        fitness, before = row["fitness"], None if parent is None else parent["fitness"]
        gain = None if fitness is None or before is None else fitness - before
        # The difference of two trainings has the variance of both.
        hidden = None if gain is None or noise is None else abs(gain) <= noise * 2**0.5
        changes = () if parent is None else _changes(parent, row, space)
        steps.append(LineageStep(row["id"], row["operator"], fitness, gain, hidden, changes))
        parent = row
    return tuple(steps)


def _changes(parent: Row, child: Row, space: SearchSpace) -> tuple[str, ...]:
    pairs = zip(space.genes, parent["genome"], child["genome"], strict=True)
    changed = [
        (gene.name, gene.choices[before], gene.choices[after])
        for gene, before, after in pairs
        if before != after
    ]
    return tuple(f"{name} {_words(before)} -> {_words(after)}" for name, before, after in changed)


def _words(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
