"""``export``: writes the champion of a run to a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from evo_nas.champion.exporters.checking import CheckResult

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
    help="What is exported: champion, its best network alone (single), or an opponent such as lstm.",
)
@click.option("--list", "shows_formats", is_flag=True, help="List the formats, and write nothing.")
@click.option("--streaming", is_flag=True, help="One step a call, states in and out, where a format has it.")
@click.option("--int8", is_flag=True, help="Weights as 8-bit integers, where a format has it.")
@click.option("--opset", type=int, metavar="N", help="Version of the operator set of ONNX.")
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
) -> None:
    """Writes the champion of RUN to a directory; judges it first if there is no verdict yet.

    RUN may also be a directory that `evo-nas meta` or an earlier export wrote.

    What was written is compared with the model before the command succeeds. Where the program that runs a format is
    absent, the files are written, marked as unchecked in manifest.json, and the exit code is 3.
    """
    from evo_nas.champion.export import check_target, export_champion, export_network
    from evo_nas.champion.exporters.exporter import ExportOptions
    from evo_nas.champion.exporters.native import ARCHITECTURE_FILE
    from evo_nas.cli.watching import judged
    from evo_nas.runs import Run

    if shows_formats:
        _list_formats()
        return
    if not run or out is None:
        raise click.UsageError("give RUN and --out DIR, or --list")
    options = ExportOptions(streaming=streaming, int8=int8, opset=opset)
    # Checked first: judging may train for a long time, and a wrong directory should be refused before.
    check_target(out, kind, options)
    exported = Run.at(run)
    if not exported.exists and (Path(run) / ARCHITECTURE_FILE).is_file():
        written = export_network(Path(run), out, kind=kind, options=options)
    else:
        judged(exported)
        written = export_champion(exported, out, kind=kind, which=which, options=options)
    for path in written.files:
        click.echo(path)
    _tell(written.check)


def _tell(check: CheckResult) -> None:
    from evo_nas.champion.exporters.checking import Unchecked

    if isinstance(check, Unchecked):
        click.echo(f"unchecked: {check.reason}", err=True)
        raise SystemExit(UNCHECKED_EXIT)
    lengths = ", ".join(map(str, check.lengths))
    click.echo(
        f"checked against the model at lengths {lengths}: largest difference {check.difference:.2g}, "
        f"at most {check.tolerance:g} permitted",
        err=True,
    )


def _list_formats() -> None:
    from evo_nas.champion.exporters.registry import EXPORTERS, summary_of
    from evo_nas.cli.reference_view import columns, prose
    from evo_nas.cli.terminal import plain_console

    lines = [(name, prose(summary_of(exporter))) for name, exporter in sorted(EXPORTERS.items())]
    plain_console().print(columns(lines), crop=False)
