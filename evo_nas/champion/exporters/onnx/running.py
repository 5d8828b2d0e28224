"""Runs the written graphs in onnxruntime, to compare them with the champion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from evo_nas.champion.exporters.onnx.streaming import AFTER

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import Inputs, Lengths

ANSWERS = ("quantiles", "numbers", "probabilities", "outputs")
"""Outputs by which graphs are compared; the first that a graph has."""


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """Returns a file in onnxruntime, on one core of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # At each start it remarks that an input with a default, `lengths`, is no constant.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class WholeRunner:
    """Runs a graph that reads whole sequences."""

    def __init__(self, path: Path) -> None:
        self._session = session_of(path)
        self._answer = _answer_of(self._session)

    def __call__(self, inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        """Returns the answers for ``inputs`` ``(batch, time, ...)``."""
        given = {"inputs": inputs} | ({} if lengths is None else {"lengths": lengths})
        answers: npt.NDArray[np.floating] = self._session.run([self._answer], given)[0]
        return answers


class StepRunner:
    """Runs a graph of one step over whole sequences.

    Args:
        path: The file.
        per_step: Whether every step has answers; otherwise those after the last step count.
    """

    def __init__(self, path: Path, *, per_step: bool) -> None:
        self._session = session_of(path)
        self._per_step = per_step
        self._answer = _answer_of(self._session)
        self._states = json.loads(self._session.get_modelmeta().custom_metadata_map["states"])
        self._kinds = {each.name: each.type for each in self._session.get_inputs()}

    def __call__(self, inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        """Returns the answers for ``inputs`` ``(batch, time, ...)``; a sequence ends where ``lengths`` say."""
        names = [self._answer, *(AFTER + state["name"] for state in self._states)]
        states, found = self._zero_states(len(inputs)), []
        for step in np.moveaxis(inputs, 1, 0):
            answer, *after = self._session.run(names, {"inputs": step, **states})
            states = {state["name"]: each for state, each in zip(self._states, after, strict=True)}
            found.append(answer)
        answers: npt.NDArray[np.floating] = np.stack(found, axis=1)
        if self._per_step:
            return answers
        ends = np.full(len(inputs), answers.shape[1]) if lengths is None else lengths
        last: npt.NDArray[np.floating] = answers[np.arange(len(inputs)), ends - 1]
        return last

    def _zero_states(self, batch: int) -> dict[str, npt.NDArray[np.generic]]:
        return {
            state["name"]: np.full(
                [batch if size == "batch" else size for size in state["shape"]],
                state["initial"],
                np.int64 if self._kinds[state["name"]] == "tensor(int64)" else np.float32,
            )
            for state in self._states
        }


def _answer_of(session: onnxruntime.InferenceSession) -> str:
    names = {output.name for output in session.get_outputs()}
    return next(answer for answer in ANSWERS if answer in names)
