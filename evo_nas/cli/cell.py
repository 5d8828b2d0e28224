"""``cell``: shows, converts and checks a recurrent cell, published or found by a search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evo_nas.cli.options import as_one_json
from evo_nas.errors import GenomeError

if TYPE_CHECKING:
    from evo_nas.genome.cell import CellGraph

FORMATS = ("json", "recipe", "genotype", "arc")
MAX_UNITS = 65_536


@click.command()
@click.argument("recipe")
@click.option("--to", "form", type=click.Choice(FORMATS), help="Print only the cell, in this format.")
@click.option(
    "--inputs",
    type=click.IntRange(1, MAX_UNITS),
    default=64,
    show_default=True,
    help="Input width for which parameters and work are counted.",
)
@click.option(
    "--width",
    type=click.IntRange(1, MAX_UNITS),
    default=128,
    show_default=True,
    help="Number of units for which parameters and work are counted.",
)
@as_one_json
def cell(recipe: str, *, form: str | None, inputs: int, width: int, as_json: bool) -> None:
    """Shows the equations of RECIPE and checks it, or writes it in another format.

    RECIPE is the name of a published cell such as lstm, or a text, or a file with such a text: a NAS-Bench-NLP recipe,
    a DARTS genotype, an ENAS arc or a cell of evo-nas in JSON. space.cells and space.seeds accept the same.
    """
    from evo_nas.genome.cell_text import CellFormat, read_cell, write_cell

    graph = read_cell(recipe, base=Path())
    if form is not None:
        click.echo(write_cell(graph, CellFormat(form)))
        return
    facts = cell_fields(graph, inputs=inputs, width=width)
    click.echo(json.dumps(facts) if as_json else "\n".join(_lines(facts)))


def cell_fields(cell: CellGraph, *, inputs: int, width: int) -> dict[str, Any]:
    """Returns the properties of a cell as plain values; the sizes are those of its canonical form."""
    from evo_nas.genome.canonical import canonical
    from evo_nas.genome.cells import spoken_name
    from evo_nas.genome.description_length import cell_bits
    from evo_nas.genome.liveness import is_live
    from evo_nas.genome.notation import text_lines
    from evo_nas.genome.parameters import count_cell_parameters
    from evo_nas.genome.work import cell_work

    form = canonical(cell)
    work = cell_work(form, inputs, width)
    return {
        "name": spoken_name(form),
        "learns": is_live(form),
        "states": form.states,
        "nodes": len(form.nodes),
        "equations": text_lines(form),
        "parameters": count_cell_parameters(form, inputs, width),
        "macs": work.macs,
        "flops": work.flops,
        "description_bits": cell_bits(form),
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
            # Only writing tells whether a format can express a cell: each has its own limits.
            write_cell(cell, form)
        except GenomeError:
            continue
        able.append(str(form))
    return able


def _lines(facts: dict[str, Any]) -> list[str]:
    from evo_nas.views.text import counted

    states, nodes = counted(facts["states"], "state"), counted(facts["nodes"], "node")
    learns = "" if facts["learns"] else "; it cannot learn: no output depends on the input of an earlier step"
    return [
        f"{facts['name'] or 'a cell without a name'}: {states}, {nodes}{learns}",
        *(f"  {line}" for line in facts["equations"]),
        f"{counted(facts['parameters'], 'parameter')} with {counted(facts['inputs'], 'input')} and "
        f"{counted(facts['width'], 'unit')}",
        f"{counted(facts['flops'], 'FLOP')} a step, {counted(facts['macs'], 'multiply-accumulate')} among them; "
        f"written down in {facts['description_bits']:.0f} bits",
        f"can be written as {', '.join(facts['formats'])}",
    ]
