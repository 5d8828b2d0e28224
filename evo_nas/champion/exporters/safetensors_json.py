"""The format of two files that any program can read: all weights as safetensors, all else as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save

from evo_nas.champion.exporters.checking import compare, runs, samples
from evo_nas.champion.exporters.description import described, rebuilt
from evo_nas.champion.exporters.exporter import Exporter

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

WEIGHTS_FILE, FACTS_FILE = "weights.safetensors", "champion.json"
TOLERANCE = 1e-6


class SafetensorsExporter(Exporter):
    """All weights, those of every member together, as one safetensors file, beside one JSON file of all else."""

    name = "safetensors"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns the weights, by the names of the model's parameters, and what `described` says."""
        # safetensors stores only contiguous tensors.
        weights = {name: tensor.cpu().contiguous() for name, tensor in champion.network.state_dict().items()}
        return {
            WEIGHTS_FILE: save(weights, metadata={"format": "pt"}),
            FACTS_FILE: (json.dumps(described(champion), indent=2) + "\n").encode(),
        }

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Builds the model anew from the two files, and compares outputs."""
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        model = rebuilt(facts, load_file(folder / WEIGHTS_FILE))
        return compare(runs(model), runs(champion.network), samples(champion.signature), tolerance=TOLERANCE)
