"""Shows an ensemble beside the champion and an ensemble of LSTMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from evo_nas.cli.formatting import figure
from evo_nas.cli.tables import plain_table
from evo_nas.cli.terminal import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evo_nas.champion.kept_ensemble import EnsembleReport


def ensemble_view(report: EnsembleReport) -> RenderableType:
    """Returns a row for each model, what the ensemble consists of, and which of them validation recommends."""
    table = plain_table("", right=("networks", "parameters", "validation", "test", "ms"))
    for row in report.rows:
        latency = "" if row.latency_ms is None else f"{row.latency_ms:.2f}"
        scores = (figure(row.validation), figure(row.test))
        table.add_row(plain(row.name), str(row.networks), f"{row.parameters:,}", *scores, latency)
    parts = ", ".join(f"{share:.0%} {which}" for which, share in report.shares.items())
    return Group(
        table,
        Text(f"{report.metric}; the ensemble is {parts}", style="dim"),
        Text(),
        Text(report.sentence, style="bold"),
    )
