"""The format ``c``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.c99.compiled import Compiled, compile_files, find_compiler
from evo_nas.champion.exporters.c99.file import CFile, c_file, c_name
from evo_nas.champion.exporters.checking import Unchecked
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.champion.exporters.raw_checking import compare_answers, cut, raw_samples
from evo_nas.tasks.answers import NumberAnswers

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import CheckResult, Inputs, Lengths, Run
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions

    Outputs = npt.NDArray[np.floating]

TOLERANCE = 1e-4
"""Of answers in standard deviations or probabilities: C adds up products in another order than torch does."""


class CExporter(Exporter):
    """One C99 file for microcontrollers: no malloc, only math.h; raw values in and answers out, one step a call.

    Where a part of the network needs the whole sequence, a call reads a window. The header declares what the file has.
    """

    name = "c"

    def files(self, champion: Exportable, options: ExportOptions) -> dict[str, bytes]:  # noqa: ARG002
        """Returns the C file and its header."""
        file = _file_of(champion)
        return {f"{file.name}.c": file.source.encode(), f"{file.name}.h": file.header.encode()}

    def check(self, folder: Path, champion: Exportable, options: ExportOptions) -> CheckResult:  # noqa: ARG002
        """Compiles the file strictly, and compares answers for raw values with those of the model."""
        compiler = find_compiler()
        if compiler is None:
            return Unchecked("there is no C compiler here (cc, gcc or clang); install one and export again")
        file = _file_of(champion)
        most = max(sample.inputs.shape[1] for sample in raw_samples(champion))
        flags = [] if file.streams else [f"-D{file.name.upper()}_MAX_STEPS={most}"]
        with TemporaryDirectory() as built:
            library = Path(built) / "model.so"
            compile_files(compiler, [folder / f"{file.name}.c"], library, flags=flags)
            export = _runs_c(Compiled(library, file), champion)
            # A window a call is no cut either: whoever calls chooses it.
            return compare_answers(export, champion, tolerance=TOLERANCE, streaming=True)


def _file_of(champion: Exportable) -> CFile:
    name = c_name(champion.name)
    return c_file(champion.network, champion.value_preparation, champion.link, name=name, title=champion.name)


def _runs_c(library: Compiled, champion: Exportable) -> Run:
    """Returns what gives the answers of the compiled file, sequence after sequence."""
    per_step, answers, shape = champion.signature.per_step, None, [champion.signature.outputs]
    if champion.value_preparation is not None:
        answers = champion.value_preparation.answers
    if isinstance(answers, NumberAnswers):
        shape = [len(answers.mean), *([len(answers.quantiles)] if answers.quantiles else [])]
        shape = [answers.horizon, *shape] if answers.horizon else shape

    def run(inputs: Inputs, lengths: Lengths) -> Outputs:
        steps = [inputs.shape[1]] if per_step else []
        found = np.zeros((len(inputs), *steps, champion.signature.outputs), np.float32)
        for row, sequence in zip(found, cut(inputs, lengths), strict=True):
            answer = library.whole(sequence, per_step=per_step)
            row[: len(answer)] = answer
        return found.reshape(len(inputs), *steps, *shape)

    return run
