"""Runs exports on raw sequences as a program without evo-nas would: with torch, with onnxruntime, or compiled.

Each function takes the folder of an export and raw sequences ``(time, columns)``, and returns an answer for each:
probabilities of classes ``(classes,)`` or of keys ``(time, keys)``, or the median of a forecast ``(horizon,)``.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]
    Answer = Callable[[Path, Sequence[Numbers]], list[Any]]

BATCH = 128
"""Sequences that are read at once."""


def with_python(folder: Path, sequences: Sequence[Numbers]) -> list[Any]:
    """Imports ``champion.py``."""
    spec = importlib.util.spec_from_file_location("exported_champion", folder / "champion.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    if not hasattr(program, "predict"):
        return _of_keys(
            program.load(), sequences
        )  # of music it has the network alone, whose inputs are the raw ones
    answer = program.probabilities if hasattr(program, "probabilities") else program.predict
    levels = list(getattr(program, "QUANTILES", []))
    answers = [
        np.asarray(each) for batch in _batches(sequences) for each in answer([torch.tensor(s) for s in batch])
    ]
    return [each[:, 0, levels.index(0.5)] for each in answers] if levels else answers


def _of_keys(network: torch.nn.Module, sequences: Sequence[Numbers]) -> list[Any]:
    found = []
    for batch in _batches(sequences):
        inputs, lengths = map(torch.from_numpy, _padded(batch))
        with torch.inference_mode():
            found += list(network(inputs, lengths).sigmoid().numpy())
    return found


def with_onnx(folder: Path, sequences: Sequence[Numbers]) -> list[Any]:
    """Runs ``model.onnx`` in onnxruntime."""
    import onnxruntime  # noqa: PLC0415 - the other formats do not need it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it remarks that lengths may be left out
    session = onnxruntime.InferenceSession(folder / "model.onnx", options)
    names = [output.name for output in session.get_outputs()]
    wanted = "probabilities" if "probabilities" in names else "numbers"
    found = []
    for batch in _batches(sequences):
        inputs, lengths = _padded(batch)
        (answers,) = session.run([wanted], {"inputs": inputs, "lengths": lengths})
        found += [each.squeeze() if wanted == "numbers" else each for each in answers]
    return found


def with_torch(folder: Path, sequences: Sequence[Numbers]) -> list[Any]:
    """Runs ``model.pt2``."""
    program = torch.export.load(folder / "model.pt2").module()
    preparation = json.loads((folder / "champion.json").read_text(encoding="utf-8"))["preparation"] or {}
    levels = preparation.get("answers", {}).get("quantiles") or []
    found = []
    for batch in _batches(sequences):
        inputs, lengths = map(torch.from_numpy, _padded(batch))
        with torch.inference_mode():
            found += list(program(inputs, lengths).numpy())
    return [each[:, 0, levels.index(0.5)] for each in found] if levels else found


def with_c(folder: Path, sequences: Sequence[Numbers]) -> list[Any]:
    """Compiles the C file, and calls it a step or a window at a time."""
    source, header = (next(folder.glob(f"*.{end}")) for end in ("c", "h"))
    name, declared = source.stem, header.read_text(encoding="utf-8")
    sizes = {key: int(value) for key, value in re.findall(rf"{name.upper()}_(\w+) \(?(\d+)\)?", declared)}
    with tempfile.TemporaryDirectory() as place:
        library = Path(place) / "model.so"
        flags = ["-std=c99", "-Wall", "-Werror", "-O2", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, "-o", str(library), str(source), "-lm"], check=True)
        program = ctypes.CDLL(str(library))
        streams = f"{name}_step" in declared
        function = getattr(program, f"{name}_{'step' if streams else 'predict'}")
        function.restype = ctypes.POINTER(ctypes.c_float)
        found = []
        for each in sequences:
            raw = np.ascontiguousarray(each, np.float32)
            if streams:
                getattr(program, f"{name}_reset")()
                steps = [np.array(function(_pointer(row))[: sizes["OUTPUTS"]]) for row in raw]
                answer = np.stack(steps)
            else:
                answer = np.array(function(_pointer(raw), ctypes.c_int32(len(raw)))[: sizes["OUTPUTS"]])[None]
            found.append(answer)
    return found


def _pointer(values: npt.NDArray[np.float32]) -> ctypes.c_void_p:
    return values.ctypes.data_as(ctypes.c_void_p)


def _batches(sequences: Sequence[Numbers]) -> list[Sequence[Numbers]]:
    return [sequences[start : start + BATCH] for start in range(0, len(sequences), BATCH)]


def _padded(sequences: Sequence[Numbers]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Returns sequences as one array ``(n, time, columns)``, zero after their ends, and their lengths."""
    lengths = np.array([len(each) for each in sequences])
    inputs = np.zeros((len(sequences), lengths.max(), sequences[0].shape[1]), np.float32)
    for row, each in zip(inputs, sequences, strict=True):
        row[: len(each)] = each
    return inputs, lengths


ANSWERS: Mapping[str, Answer] = {
    "python": with_python,
    "onnx": with_onnx,
    "torch": with_torch,
    "c": with_c,
}
"""By format."""
