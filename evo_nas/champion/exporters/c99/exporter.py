"""The format ``c``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.champion.exporters.c99.compiled import Compiled, compile_files, find_compiler
from evo_nas.champion.exporters.c99.file import CFile, c_file, c_name
from evo_nas.champion.exporters.checking import Sample, Unchecked, compare, runs, samples
from evo_nas.champion.exporters.exporter import Exporter
from evo_nas.models.ensemble import Link
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import NumericInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import CheckResult, Inputs, Lengths, Run
    from evo_nas.champion.exporters.exporter import Exportable, ExportOptions
    from evo_nas.tasks.preparation import Preparation

    Outputs = npt.NDArray[np.floating]

TOLERANCE = 1e-4
"""Of answers in standard deviations or probabilities: C adds up products in another order than torch does."""
HOLES = 0.2
"""Share of values that are missing in a check, where a champion permits that."""


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
        compared = _raw_samples(champion)
        most = max(sample.inputs.shape[1] for sample in compared)
        flags = [] if file.streams else [f"-D{file.name.upper()}_MAX_STEPS={most}"]
        with TemporaryDirectory() as built:
            library = Path(built) / "model.so"
            compile_files(compiler, [folder / f"{file.name}.c"], library, flags=flags)
            export = _runs_c(Compiled(library, file), champion)
            return compare(export, _answers_of_raw(champion), compared, tolerance=TOLERANCE)


def _file_of(champion: Exportable) -> CFile:
    name = c_name(champion.name)
    return c_file(champion.model, champion.preparation, champion.link, name=name, title=champion.name)


def _values(preparation: Preparation | None) -> NumericInputs | None:
    """Returns how the numbers of a step are prepared; None if they are not, or if steps are tokens."""
    inputs = None if preparation is None else preparation.inputs
    values = inputs.values if isinstance(inputs, WindowInputs) else inputs
    return values if isinstance(values, NumericInputs) else None


def _raw_samples(champion: Exportable) -> list[Sample]:
    """Returns raw sequences: float32 in the units of training, NaN where a value may be missing; or ids."""
    values, found = _values(champion.preparation), samples(champion.signature)
    if values is None:
        return found
    rng, count = np.random.default_rng(0), len(values.mean)
    mean, scale = np.array(values.mean), np.array(values.scale)
    raw = []
    for sample in found:
        numbers = (sample.inputs[..., :count] * scale + mean).astype(np.float32)
        holes = rng.random(numbers.shape) < HOLES
        if values.missing == "mask":
            holes &= np.isin(np.arange(count), values.masked)
        elif values.missing != "previous":
            # What lies between two known values is not known to a step.
            holes[:] = False
        # The steps before the first known one have no value before them.
        holes[:, 0] = False
        raw.append(Sample(np.where(holes, np.float32(np.nan), numbers), sample.lengths))
    return raw


def _answers_of_raw(champion: Exportable) -> Run:
    """Returns what gives the answers ``(batch, ..., outputs)`` of the model in memory for raw sequences."""
    model, values = runs(champion.model), _values(champion.preparation)

    def run(inputs: Inputs, lengths: Lengths) -> Outputs:
        if values is None:
            return _answers(champion, model(inputs, lengths))
        ends = [inputs.shape[1]] * len(inputs) if lengths is None else lengths.tolist()
        prepared = [_prepared(champion, row[:end]) for row, end in zip(inputs, ends, strict=True)]
        padded = np.zeros((len(inputs), inputs.shape[1], champion.signature.features), np.float32)
        for row, sequence in zip(padded, prepared, strict=True):
            row[: len(sequence)] = sequence
        return _answers(champion, model(padded, lengths))

    return run


def _prepared(champion: Exportable, raw: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Returns the inputs of the model for one raw sequence."""
    assert champion.preparation is not None
    inputs, sequence = champion.preparation.inputs, raw.astype(np.float64)
    if isinstance(inputs, WindowInputs):
        # As long as the sequence is, and not as the window of training.
        prepared, _ = WindowInputs(len(sequence), inputs.values).raw([sequence])
        window: npt.NDArray[np.float32] = prepared[0].astype(np.float32)
        return window
    assert isinstance(inputs, NumericInputs)
    return inputs(sequence)


def _answers(champion: Exportable, outputs: Outputs) -> Outputs:
    """Returns answers on the scale on which the tolerance holds: probabilities, or standardised numbers in order."""
    answers = None if champion.preparation is None else champion.preparation.answers
    if isinstance(answers, NumberAnswers):
        ordered = answers.every_level(outputs).reshape(outputs.shape)
        return _standardised(answers, ordered)
    if isinstance(answers, ClassAnswers) or champion.link is Link.CLASSES:
        return ClassAnswers(()).probabilities(outputs.astype(np.float32))
    if champion.link is Link.LABELS:
        probabilities: Outputs = 1.0 / (1.0 + np.exp(-outputs.astype(np.float64)))
        return probabilities
    return outputs


def _standardised(answers: NumberAnswers, numbers: Outputs) -> Outputs:
    """Returns numbers ``(..., outputs)`` in standard deviations of training from zero."""
    levels = max(1, len(answers.quantiles))
    by_target = numbers.reshape(*numbers.shape[:-1], -1, len(answers.scale), levels)
    standardised: Outputs = by_target / np.array(answers.scale)[:, None]
    return standardised.reshape(numbers.shape)


def _runs_c(library: Compiled, champion: Exportable) -> Run:
    """Returns what gives the answers of the compiled file, sequence after sequence."""
    per_step, answers = champion.signature.per_step, None
    if champion.preparation is not None:
        answers = champion.preparation.answers

    def run(inputs: Inputs, lengths: Lengths) -> Outputs:
        ends = [inputs.shape[1]] * len(inputs) if lengths is None else lengths.tolist()
        shape = (len(inputs), *((inputs.shape[1],) if per_step else ()), champion.signature.outputs)
        found = np.zeros(shape, np.float32)
        for row, sequence, end in zip(found, inputs, ends, strict=True):
            answer = library.whole(sequence[:end], per_step=per_step)
            if per_step:
                row[:end] = answer
            else:
                row[:] = answer
        return _standardised(answers, found) if isinstance(answers, NumberAnswers) else found

    return run
