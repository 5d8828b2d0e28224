"""``explain``: says what a network of a run computes, where it comes from, and what it hangs on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from evo_nas.cli.options import as_one_json, picture_option
from evo_nas.cli.sources import source_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evo_nas.champion.explanation import Explanation
    from evo_nas.champion.probing import Probe

MOST_GENES = 10


@click.command()
@click.argument("place", metavar="RUN|CHAMPION")
@click.option(
    "--candidate",
    type=int,
    metavar="ID",
    help="A candidate of the run; by default its champion, or the best so far.",
)
@click.option("--latex", "as_latex", is_flag=True, help="Print only the equations, in LaTeX.")
@click.option(
    "--sample",
    is_flag=True,
    help="Let the champion that the run keeps read validation sequences: gates, memory, inputs and history.",
)
@picture_option("the cells")
@source_option
@as_one_json
def explain(
    place: str,
    *,
    candidate: int | None,
    as_latex: bool,
    sample: bool,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Explains a network: equations with named gates, ancestors and what each step gained, and important genes.

    RUN|CHAMPION is a run, or a directory that evo-nas export wrote in the native format. Of a run the champion that it
    keeps is explained, or before there is one the best candidate so far.
    """
    from evo_nas.cli.sources import source

    explanation = source().explanation(place, candidate=candidate, sample=sample)
    if picture is not None:
        from evo_nas.cli.drawing_files import write_drawing
        from evo_nas.genome.cell_picture import on_paper

        write_drawing(on_paper(explanation.drawing), picture)
    if as_json:
        click.echo(json.dumps(explanation.to_values()))
    elif as_latex:
        click.echo("\n\n".join(cell.latex for cell in explanation.cells))
    else:
        click.echo("\n".join(_lines(explanation)))


def _lines(explanation: Explanation) -> Iterator[str]:
    if explanation.candidate is not None:
        yield f"candidate {explanation.candidate}"
    yield explanation.architecture
    for cell in explanation.cells:
        yield f"\n{cell.title}"
        yield from (f"  {line}" for line in cell.equations)
        kin = cell.kin
        if kin.differences:
            yield f"  closest to {kin.name}, likeness {kin.likeness:.2f}: {'; '.join(kin.differences)}"
        else:
            yield f"  the same as {kin.name}"
    if explanation.lineage:
        yield "\nlineage"
    for step in explanation.lineage:
        fitness = "failed" if step.fitness is None else f"{step.fitness:.4g}"
        gain = "" if step.gain is None else f" ({step.gain:+.4g}{', within noise' if step.is_noise else ''})"
        yield f"  {step.candidate}: {step.operator}, fitness {fitness}{gain}"
        yield from (f"      {change}" for change in step.changes)
    if explanation.importance:
        yield "\nimportance of genes"
        genes = list(explanation.importance.items())
        yield from (f"  {share:6.1%}  {name}" for name, share in genes[:MOST_GENES])
    if explanation.probe is not None:
        yield from _probe_lines(explanation.probe)
    yield from (f"\nnote: {remark}" for remark in explanation.remarks)


def _probe_lines(probe: Probe) -> Iterator[str]:
    yield f"\non a sample of the validation part, {probe.metric} {probe.value:.4g}"
    for gate in probe.gates:
        yield (
            f"  layer {gate.layer}, gate {gate.gate}: mean {gate.mean:.2f}, spread {gate.spread:.2f}, "
            f"shut {gate.shut:.0%}, open {gate.open:.0%}"
        )
    for state in probe.timescales:
        lasts = "longer than the sample" if state.steps is None else f"about {state.steps} steps"
        yield f"  layer {state.layer}, state {state.state}: remembers for {lasts}"
    worst = sorted(probe.inputs.items(), key=lambda item: -abs(item[1] - probe.value))
    for name, value in worst[:MOST_GENES]:
        yield f"  {probe.metric} {value:.4g} with {name} exchanged between sequences"
    for steps, value in probe.history.items():
        yield f"  {probe.metric} {value:.4g} with the last {steps} step{'s' if steps > 1 else ''}"
