"""Tells what repeated trainings say about the scores of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.cli.formatting import figure
from evo_nas.views.text import counted

if TYPE_CHECKING:
    from evo_nas.archive import NoiseReport
    from evo_nas.strategies.noise import Noise


def noise_in_words(report: NoiseReport, metric: str = "") -> str:
    """Returns the noise and whether the lead of the best is inside it; empty while nothing is known.

    Args:
        report: What repeated trainings say.
        metric: Name of the metric whose units the noise has.
    """
    between = (("seeds", report.seeds), ("cuts", report.cuts))
    parts = [_noise(what, noise, metric) for what, noise in between if noise is not None]
    if report.lead is not None:
        where = "is inside it" if report.lead.is_noise else "is more than that"
        lead = figure(report.lead.fitness)
        parts.append(f"the lead of #{report.lead.best} over #{report.lead.second}, {lead}, {where}")
    if report.unstable:
        parts.append(f"{counted(report.unstable, 'candidate')} failed with another seed")
    return "; ".join(parts)


def _noise(what: str, noise: Noise, metric: str) -> str:
    unit = f" {metric.replace('_', ' ')}" if metric else ""
    return f"noise between {what} {figure(noise.std)}{unit}, from {counted(noise.pairs, 'pair')}"
