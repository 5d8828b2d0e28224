"""`PythonExporter`: the format ``python``."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import torch

from evo_nas.champion.exporters.checking import compare, runs, samples
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.python.document import MODULE_FILE, Title, python_files

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    import numpy as np
    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import CheckResult, Inputs, Lengths
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

TOLERANCE = 1e-4
"""The equations are computed in another order than in training, and rounded at every step of a sequence."""


class PythonExporter(Exporter):
    """One readable Python file with the cell's equations as code, weights beside it; it runs with torch alone."""

    name = "python"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns the source and the weights."""
        run, candidate = champion.facts.get("run_id"), champion.facts.get("candidate")
        origin = f"Candidate {candidate} of run {run}." if run and candidate is not None else ""
        return python_files(champion.model, Title(champion.name, origin), champion.preparation)

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Runs the file as a program would, and compares outputs."""
        network = _imported(folder / MODULE_FILE).load()

        def run(inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
            with torch.inference_mode():
                ends = None if lengths is None else torch.from_numpy(lengths)
                outputs: npt.NDArray[np.floating] = network(torch.from_numpy(inputs), ends).numpy()
            return outputs

        return compare(run, runs(champion.model), samples(champion.signature), tolerance=TOLERANCE)


def _imported(path: Path) -> ModuleType:
    """Imports what `files` has just written; a file of anybody else is never run."""
    spec = importlib.util.spec_from_file_location("champion", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
