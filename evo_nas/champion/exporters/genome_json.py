"""The format of the architecture alone: one JSON file without weights, to search on from or to train anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.checking import compare, runs, samples
from evo_nas.champion.exporters.description import described, rebuilt
from evo_nas.champion.exporters.exporter import Exporter

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

GENOME_FILE = "genome.json"
TOLERANCE = 1e-6


class GenomeExporter(Exporter):
    """Genome, architecture and preparation as one JSON file, without weights: for training anew."""

    name = "genome"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns ``genome.json``."""
        return {GENOME_FILE: (json.dumps(described(champion), indent=2) + "\n").encode()}

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Builds the model anew from the file, gives it the champion's weights, and compares outputs."""
        facts = json.loads((folder / GENOME_FILE).read_text(encoding="utf-8"))
        model = rebuilt(facts, champion.network.state_dict())
        return compare(runs(model), runs(champion.network), samples(champion.signature), tolerance=TOLERANCE)
