"""`OnnxExporter`: the ONNX format, and its check in onnxruntime."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.checking import (
    SEED,
    Checked,
    CheckResult,
    Run,
    Sample,
    Unchecked,
    compare,
    runs,
    samples,
)
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.errors import ChampionError
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import Inputs, Lengths
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions
    from evo_nas.tasks.preparation import Preparation

WHOLE_FILE, STEP_FILE = "model.onnx", "step.onnx"
TOLERANCE = 1e-4
"""Rounding of 32 bits, which grows over long sequences; the order of sums differs between torch and onnxruntime."""
INT8_TOLERANCE = 0.1
"""Largest change of an answer by weights of 8 bits; the manifest has what was found."""
MISSING_SHARE = 0.2
"""Share of values that a check leaves out where training had holes."""


class OnnxExporter(Exporter):
    """One ONNX file from raw values to answers, with dynamic batch and time; or one step a call, states in and out."""

    name = "onnx"
    takes = frozenset({"streaming", "int8", "opset"})

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:
        """Returns the graph; with ``streaming`` that of one step.

        Raises:
            ChampionError: The package onnx is absent, or does not know the operators; or a part of the champion needs
                the whole sequence and one step was asked for.
        """
        if find_spec("onnx") is None:
            raise ChampionError("format onnx needs the package onnx; pip install 'evo-nas[onnx]'")
        # Only who asks for this format has to have its package.
        import onnx  # noqa: PLC0415

        from evo_nas.champion.exporters.onnx.builder import OPSET, GraphBuilder  # noqa: PLC0415
        from evo_nas.champion.exporters.onnx.streaming import step_model  # noqa: PLC0415
        from evo_nas.champion.exporters.onnx.whole import whole_model  # noqa: PLC0415

        latest = onnx.defs.onnx_opset_version()
        opset = OPSET if options.opset is None else options.opset
        if not OPSET <= opset <= latest:
            raise ChampionError(
                f"opset is {opset}; must be {OPSET} to {latest}, the versions that have all operators that are needed "
                "and that the installed onnx knows"
            )
        write, file = (step_model, STEP_FILE) if options.streaming else (whole_model, WHOLE_FILE)
        graph = GraphBuilder(opset=opset, int8=options.int8)
        model = write(
            champion.model, champion.preparation, link=champion.link, name=champion.name, graph=graph
        )
        content: bytes = model.SerializeToString()
        return {file: content}

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:
        """Compares the answers of onnxruntime, from raw values on, with those of the model and its preparation."""
        if find_spec("onnxruntime") is None:
            return Unchecked("onnxruntime is absent; pip install 'evo-nas[onnx]' and export again")
        from evo_nas.champion.exporters.onnx.running import StepRunner, WholeRunner  # noqa: PLC0415

        run: Run
        if options.streaming:
            run = StepRunner(folder / STEP_FILE, per_step=champion.signature.per_step)
        else:
            run = WholeRunner(folder / WHOLE_FILE)
        return _compared(run, champion, options)


def _compared(run: Run, champion: Exportable, options: ExportOptions) -> Checked:
    tolerance = INT8_TOLERANCE if options.int8 else TOLERANCE
    preparation, drawn = champion.preparation, samples(champion.signature)
    if preparation is None:
        return compare(run, runs(champion.model), drawn, tolerance=tolerance)
    raw = [Sample(_raw(sample.inputs, preparation), sample.lengths) for sample in drawn]
    wanted = _answering(champion, preparation, streaming=options.streaming)
    if isinstance(preparation.answers, NumberAnswers):
        run, wanted = (_in_deviations(each, preparation.answers) for each in (run, wanted))
    return compare(run, wanted, raw, tolerance=tolerance)


def _of_values(
    preparation: Preparation,
) -> tuple[NumericInputs | TokenInputs | WindowInputs, ClassAnswers | NumberAnswers]:
    plain = preparation.of_values
    assert plain is not None, "an exportable champion has no other preparation"
    return plain


def _raw(prepared: Inputs, preparation: Preparation) -> Inputs:
    """Returns raw inputs with the statistics of training, of the size of prepared ones."""
    inputs = _of_values(preparation)[0]
    if isinstance(inputs, TokenInputs):
        return prepared
    values = inputs.values if isinstance(inputs, WindowInputs) else inputs
    rng = np.random.default_rng(SEED)
    shape = (*prepared.shape[:2], len(values.mean))
    raw = (np.array(values.mean) + np.array(values.scale) * rng.standard_normal(shape)).astype(np.float32)
    if values.missing != "refuse":
        may_miss = range(shape[2]) if values.missing != "mask" else values.masked
        is_missing = rng.random(shape) < MISSING_SHARE
        raw[is_missing & np.isin(np.arange(shape[2]), list(may_miss))] = np.nan
    return raw


def _answering(champion: Exportable, preparation: Preparation, *, streaming: bool) -> Run:
    """Returns what prepares raw inputs, runs the model in memory, and answers.

    One step a call has no window that ends it: answers are for all steps so far.
    """
    (inputs, answers), model = _of_values(preparation), runs(champion.model)
    if streaming and isinstance(inputs, NumericInputs):
        inputs = replace(inputs, window=None)
    if streaming and isinstance(inputs, TokenInputs):
        inputs = replace(inputs, max_length=None)

    def of_series(rows: Inputs) -> npt.NDArray[np.floating]:
        assert isinstance(inputs, WindowInputs)
        window = len(rows) if streaming else inputs.window
        if len(rows) < window:
            # What the champion refuses is NaN in a graph, which cannot raise an error.
            return np.full((1, champion.signature.outputs), np.nan)
        return model(*replace(inputs, window=window).raw([rows]))

    def run(raw: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        ends = [raw.shape[1]] * len(raw) if lengths is None else lengths.tolist()
        sequences = [each[:end] for each, end in zip(raw, ends, strict=True)]
        if isinstance(inputs, WindowInputs):
            found = np.concatenate([of_series(rows) for rows in sequences])
        else:
            cut = inputs.window or 0 if isinstance(inputs, NumericInputs) else 0
            found = model(*inputs.padded([each[-cut:] for each in sequences]))
        outputs = found.astype(np.float32)
        if isinstance(answers, ClassAnswers):
            return answers.probabilities(outputs)
        return answers.every_level(outputs) if answers.quantiles else answers(outputs)

    return run


def _in_deviations(run: Run, answers: NumberAnswers) -> Run:
    """Returns ``run`` with numbers in deviations of the targets, where a tolerance means the same for all units."""
    mean, scale = np.array(answers.mean), np.array(answers.scale)
    if answers.quantiles:
        mean, scale = mean[:, None], scale[:, None]
    return lambda inputs, lengths: (run(inputs, lengths) - mean) / scale
