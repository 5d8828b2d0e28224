"""``cell``: shows, converts and checks a recurrent cell, published or found by a search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_nas.errors import GenomeError

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph

FORMATS = ("json", "recipe", "genotype", "arc")
MAX_UNITS = 65_536


@click.command()
@click.argument("recipe")
@click.option("--to", "form", type=click.Choice(FORMATS), help="Print it in this format, and nothing else.")
@click.option(
    "--inputs",
    type=click.IntRange(1, MAX_UNITS),
    default=64,
    show_default=True,
    help="Width of the input for which parameters are counted.",
)
@click.option(
    "--width",
    type=click.IntRange(1, MAX_UNITS),
    default=128,
    show_default=True,
    help="Units for which parameters are counted.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for machines.")
def cell(recipe: str, *, form: str | None, inputs: int, width: int, as_json: bool) -> None:
    """Shows the equations of RECIPE and checks it, or writes it in another format.

    RECIPE is the name of a published cell such as lstm, a text, or a file with a text: a NAS-Bench-NLP recipe, a DARTS
    genotype, an ENAS arc or a cell of evo-nas in JSON. The same is permitted in space.cells and space.seeds.
    """
    from evo_nas.genome.cell_text import CellFormat, read_cell, write_cell

    graph = read_cell(recipe, base=Path())
    if form is not None:
        click.echo(write_cell(graph, CellFormat(form)))
        return
    facts = cell_fields(graph, inputs=inputs, width=width)
    click.echo(json.dumps(facts) if as_json else "\n".join(_lines(facts)))


def cell_fields(cell: CellGraph, *, inputs: int, width: int) -> dict[str, Any]:
    """Returns what there is to know of a cell as plain values; sizes are those of its canonical form."""
    from evo_nas.genome.canonical import canonical
    from evo_nas.genome.cells import spoken_name
    from evo_nas.genome.describe import equations
    from evo_nas.genome.liveness import is_live
    from evo_nas.genome.parameters import count_cell_parameters

    form = canonical(cell)
    return {
        "name": spoken_name(form),
        "learns": is_live(form),
        "states": form.states,
        "nodes": len(form.nodes),
        "equations": equations(form),
        "parameters": count_cell_parameters(form, inputs, width),
        "inputs": inputs,
        "width": width,
        "formats": _formats(cell),
    }


def _formats(cell: CellGraph) -> list[str]:
    """Returns the names of the formats that can express ``cell``."""
    from evo_nas.genome.cell_text import CellFormat, write_cell

    able = []
    for form in CellFormat:
        try:
            write_cell(cell, form)
        except GenomeError:
            continue
        able.append(str(form))
    return able


def _lines(facts: dict[str, Any]) -> list[str]:
    states = f"{facts['states']} state{'s' if facts['states'] > 1 else ''}"
    nodes = f"{facts['nodes']} node{'s' if facts['nodes'] != 1 else ''}"
    learns = "" if facts["learns"] else "; it cannot learn: no output depends on the input of an earlier step"
    return [
        f"{facts['name'] or 'a cell without a name'}: {states}, {nodes}{learns}",
        *(f"  {line}" for line in facts["equations"]),
        f"{facts['parameters']:,} parameters with {facts['inputs']:,} inputs and {facts['width']:,} units",
        f"can be written as {', '.join(facts['formats'])}",
    ]
