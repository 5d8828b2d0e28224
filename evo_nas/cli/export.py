"""``export``: writes the champion of a run to a directory."""

from __future__ import annotations

from pathlib import Path

import click

from evo_nas.cli.options import address, inline, trainings_at_once
from evo_nas.cli.sources import source_option

UNCHECKED_EXIT = 3
"""Exit code of an export that was written and could not be compared with the model here."""


@click.command()
@click.argument("run", default="", metavar="RUN")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="A new or empty directory.")
@click.option("--format", "kind", default="native", show_default=True, help="Format of the files.")
@click.option(
    "--which",
    default="champion",
    show_default=True,
    metavar="NAME",
    help="What is exported: champion, its best network alone (single), an opponent such as lstm, or the baseline with "
    "the best validation score (baseline; baseline:NAME for another).",
)
@click.option("--list", "shows_formats", is_flag=True, help="List the formats, and write nothing.")
@click.option("--streaming", is_flag=True, help="One step a call, states in and out, where a format has it.")
@click.option("--int8", is_flag=True, help="Weights as 8-bit integers, where a format has it.")
@click.option("--opset", type=int, metavar="N", help="Version of the operator set of ONNX.")
@trainings_at_once
@inline
@address(required=False)
@source_option
def export(  # noqa: PLR0913 - one for each option
    run: str,
    *,
    out: Path | None,
    kind: str,
    which: str,
    shows_formats: bool,
    streaming: bool,
    int8: bool,
    opset: int | None,
    workers: int | None,
    inline: bool,
    address: str | None,
) -> None:
    """Writes the champion of RUN to a directory; judges it first if there is no verdict yet.

    Its trainings then run on as many workers as the search had, with --address in a cluster.

    RUN may also be a directory that `evo-nas meta` or an earlier export wrote.

    What was written is compared with the model before the command succeeds. Where the program that runs a format is
    absent, the files are written, marked as unchecked in manifest.json, and the exit code is 3.
    """
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.cli.sources import source

    if shows_formats:
        _list_formats()
        return
    if not run or out is None:
        raise click.UsageError("give RUN and --out DIR, or --list")
    options = ExportOptions(streaming=streaming, int8=int8, opset=opset)
    how = {"workers": workers, "inline": inline, "address": address}
    written = source().export(run, out, kind=kind, which=which, options=options, **how)
    for path in written.files:
        click.echo(path)
    click.echo(written.told, err=True)
    if not written.is_checked:
        raise SystemExit(UNCHECKED_EXIT)


def _list_formats() -> None:
    from evo_nas.champion.exporters.registry import EXPORTERS, summary_of
    from evo_nas.cli.reference_view import columns, prose
    from evo_nas.cli.terminal import plain_console

    lines = [(name, prose(summary_of(exporter))) for name, exporter in sorted(EXPORTERS.items())]
    plain_console().print(columns(lines), crop=False)
