"""`OnnxExporter`: the ONNX format, and its check in onnxruntime."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from evo_nas.champion.exporters.checking import CheckResult, Run, Unchecked
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.raw_checking import compare_answers
from evo_nas.errors import ChampionError

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

WHOLE_FILE, STEP_FILE = "model.onnx", "step.onnx"
TOLERANCE = 1e-4
"""Rounding of 32 bits, which grows over long sequences; the order of sums differs between torch and onnxruntime."""
INT8_TOLERANCE = 0.1
"""Largest change of an answer by weights of 8 bits; the manifest has what was found."""


class OnnxExporter(Exporter):
    """One ONNX file from raw values to answers, with dynamic batch and time; or one step a call, states in and out."""

    name = "onnx"
    takes = frozenset({"streaming", "int8", "opset"})
    needs = extra = "onnx"

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
            champion.network, champion.preparation, link=champion.link, name=champion.name, graph=graph
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
            run = StepRunner(folder / STEP_FILE, champion.preparation, per_step=champion.signature.per_step)
        else:
            run = WholeRunner(folder / WHOLE_FILE, champion.preparation)
        tolerance = INT8_TOLERANCE if options.int8 else TOLERANCE
        return compare_answers(run, champion, tolerance=tolerance, streaming=options.streaming)
