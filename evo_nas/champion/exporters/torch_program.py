"""The format of `torch.export`: one program from raw inputs to answers, which torch alone runs."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import torch

from evo_nas.champion.deployable import Deployable
from evo_nas.champion.exporters.description import described
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.raw_checking import compare_answers
from evo_nas.models.scanned import recordable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import CheckResult
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

PROGRAM_FILE, FACTS_FILE = "model.pt2", "champion.json"
TOLERANCE = 1e-4
"""Sums are taken in another order, which recurrences carry on."""
BATCH, STEPS = 3, 9
"""Sizes of the recorded example; both are dynamic in the program."""


class TorchExporter(Exporter):
    """A program of torch.export from raw values to answers; any batch and time, and torch alone runs it."""

    name = "torch"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns the program, and one JSON file of all else."""
        facts = (json.dumps(described(champion), indent=2) + "\n").encode()
        return {PROGRAM_FILE: program_of(champion), FACTS_FILE: facts}

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Runs the program and compares its answers with those of preparation and model in memory."""
        program = torch.export.load(folder / PROGRAM_FILE).module()

        def run(
            inputs: npt.NDArray[np.generic], lengths: npt.NDArray[np.int64] | None
        ) -> npt.NDArray[np.floating]:
            ends = (
                torch.full((len(inputs),), inputs.shape[1]) if lengths is None else torch.from_numpy(lengths)
            )
            with torch.inference_mode():
                answers: npt.NDArray[np.floating] = program(torch.from_numpy(inputs), ends).numpy()
            return answers

        return compare_answers(run, champion, tolerance=TOLERANCE)


def program_of(champion: Exportable) -> bytes:
    """Returns the bytes of a program ``(inputs, lengths) -> answers``, as `Deployable.forward` says."""
    module = Deployable(recordable(champion.network), champion.preparation, champion.link).eval()
    # What torch's compiler remembers of other sizes would be excluded from this program.
    torch.compiler.reset()
    dynamic = torch.export.Dim.DYNAMIC
    with torch.no_grad():
        program = torch.export.export(
            module, _example(champion), dynamic_shapes=({0: dynamic, 1: dynamic}, {0: dynamic})
        )
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _example(champion: Exportable) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.full((BATCH,), STEPS)
    if champion.signature.vocabulary:
        return torch.ones(BATCH, STEPS, dtype=torch.int64), lengths
    values = None if champion.preparation is None else champion.preparation.numbers
    columns = champion.signature.features if values is None else len(values.mean)
    return torch.zeros(BATCH, STEPS, columns), lengths
