"""`PythonExporter`: the format ``python``."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evo_nas.champion.exporters.checking import compare, runs, samples
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.python.document import MODULE_FILE, Title, python_files
from evo_nas.champion.exporters.raw_checking import (
    compare_answers,
    compare_forecasts,
    compare_keys,
    cut,
)
from evo_nas.data.padding import padded
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import CheckResult, Inputs, Lengths, Run
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions
    from evo_nas.champion.exporters.raw_checking import Forecaster
    from evo_nas.tasks.preparation import Preparation

TOLERANCE = 1e-4
"""The equations are computed in another order than in training, and rounded at every step of a sequence."""


class PythonExporter(Exporter):
    """One readable Python file with the cell's equations as code, weights beside it; it runs with torch alone."""

    name = "python"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns the source and the weights."""
        run, candidate = champion.facts.get("run_id"), champion.facts.get("candidate")
        origin = f"Candidate {candidate} of run {run}." if run and candidate is not None else ""
        if baseline := champion.facts.get("baseline"):
            origin = f"The baseline {baseline}, written as a network whose recurrence adds nothing."
        return python_files(champion.network, Title(champion.name, origin), _expressed(champion))

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Runs the file as a program would, and compares answers; outputs where it takes prepared inputs."""
        module = _imported(folder / MODULE_FILE)
        if (preparation := champion.value_preparation) is not None:
            return compare_answers(_answers(module, preparation), champion, tolerance=TOLERANCE)
        if (preparation := _expressed(champion)) is not None:
            if isinstance(preparation.inputs, KeyInputs):
                return compare_keys(_answers(module, preparation), champion, tolerance=TOLERANCE)
            return compare_forecasts(_forecasts(module), champion, tolerance=TOLERANCE)
        network = module.load()

        def run(inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
            with torch.inference_mode():
                ends = None if lengths is None else torch.from_numpy(lengths)
                outputs: npt.NDArray[np.floating] = network(torch.from_numpy(inputs), ends).numpy()
            return outputs

        return compare(run, runs(champion.model), samples(champion.signature), tolerance=TOLERANCE)


def _expressed(champion: Exportable) -> Preparation | None:
    """Returns the preparation that a file has; None where its task says none, or one of another kind."""
    prepared = champion.preparation
    inputs = None if prepared is None else prepared.inputs
    is_known = isinstance(inputs, WindowInputs | PanelInputs | KeyInputs)
    return prepared if is_known else champion.value_preparation


def _forecasts(module: ModuleType) -> Forecaster:
    def run(series: Sequence[Any], times: Sequence[Any] | None) -> npt.NDArray[np.floating]:
        found: npt.NDArray[np.floating] = module.predict(*filter(None, (series, times))).numpy()
        return found

    return run


def _answers(module: ModuleType, preparation: Preparation) -> Run:
    """Returns what a file answers for raw inputs; NaN for a series below the window, which it refuses."""
    is_of_kinds = isinstance(preparation.answers, ClassAnswers | LabelAnswers)
    answer = module.probabilities if is_of_kinds else module.predict
    reads = preparation.inputs
    shortest = reads.window if isinstance(reads, WindowInputs) else 1

    def run(inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        sequences = cut(inputs, lengths)
        fit = np.array([len(sequence) >= shortest for sequence in sequences])
        # A window of zeros in place of what is too short gives an answer of the right shape.
        given = [
            sequence if fits else np.zeros((shortest, *sequence.shape[1:]), np.float32)
            for sequence, fits in zip(sequences, fit, strict=True)
        ]
        found = answer(given)
        if isinstance(found, list):  # one for each step
            return padded([each.numpy() for each in found], np.float32, steps=inputs.shape[1])
        answers: npt.NDArray[np.floating] = found.numpy()
        answers[~fit] = np.nan
        return answers

    return run


def _imported(path: Path) -> ModuleType:
    """Imports what `files` has just written; a file of anybody else is never run."""
    spec = importlib.util.spec_from_file_location("champion", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
