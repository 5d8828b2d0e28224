"""Runs the written graphs in onnxruntime, to compare them with the champion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from evo_nas.champion.exporters.onnx.streaming import AFTER
from evo_nas.errors import ChampionError
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.champion.exporters.checking import Inputs, Lengths
    from evo_nas.tasks.preparation import Preparation

    Found = Mapping[str, npt.NDArray[Any]]

ANSWERS = ("quantiles", "numbers", "probabilities", "outputs")
"""Outputs by which graphs are compared; the first that a graph has."""
ROUNDING = 1e-6
"""Share by which two classes may differ that 32 bits do not tell apart."""


def session_of(path: Path) -> onnxruntime.InferenceSession:
    """Returns a file in onnxruntime, on one core of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # At each start it remarks that an input with a default, `lengths`, is no constant.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class WholeRunner:
    """Runs a graph that reads whole sequences.

    Args:
        path: The file.
        preparation: What the graph was written from; see `check_beside`.
    """

    def __init__(self, path: Path, preparation: Preparation | None) -> None:
        self._session = session_of(path)
        self._preparation = preparation
        self._names = _answers_of(self._session)

    def __call__(self, inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        """Returns the answers for ``inputs`` ``(batch, time, ...)``."""
        given = {"inputs": inputs} | ({} if lengths is None else {"lengths": lengths})
        found = dict(zip(self._names, self._session.run(self._names, given), strict=True))
        check_beside(found, self._preparation)
        answers: npt.NDArray[np.floating] = found[self._names[0]]
        return answers


class StepRunner:
    """Runs a graph of one step over whole sequences.

    Args:
        path: The file.
        preparation: What the graph was written from; see `check_beside`.
        per_step: Whether every step has answers; otherwise those after the last step count.
    """

    def __init__(self, path: Path, preparation: Preparation | None, *, per_step: bool) -> None:
        self._session = session_of(path)
        self._preparation = preparation
        self._per_step = per_step
        self._names = _answers_of(self._session)
        self._states = json.loads(self._session.get_modelmeta().custom_metadata_map["states"])
        self._kinds = {each.name: each.type for each in self._session.get_inputs()}

    def __call__(self, inputs: Inputs, lengths: Lengths) -> npt.NDArray[np.floating]:
        """Returns the answers for ``inputs`` ``(batch, time, ...)``; a sequence ends where ``lengths`` say."""
        names = [*self._names, *(AFTER + state["name"] for state in self._states)]
        states, found = self._zero_states(len(inputs)), []
        for step in np.moveaxis(inputs, 1, 0):
            told = dict(zip(names, self._session.run(names, {"inputs": step, **states}), strict=True))
            check_beside(told, self._preparation)
            states = {state["name"]: told[AFTER + state["name"]] for state in self._states}
            found.append(told[self._names[0]])
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


def check_beside(found: Found, preparation: Preparation | None) -> None:
    """Refuses labels and numbers that do not follow from the probabilities and quantiles beside them.

    Args:
        found: Outputs of a graph, by name.
        preparation: What the graph was written from; None if its outputs have no meaning.

    Raises:
        ChampionError: A label is not that of the likeliest class, or a number is not the median.
    """
    answers = None if preparation is None else preparation.answers
    if isinstance(answers, ClassAnswers) and "label" in found:
        label, probabilities = found["label"], found["probabilities"]
        is_named = label[..., None] == np.array(answers.classes, dtype=object)
        is_likeliest = probabilities >= probabilities.max(axis=-1, keepdims=True) * (1 - ROUNDING)
        # What cannot be prepared has no class.
        fits = np.where(np.isnan(probabilities[..., 0]), label == "", (is_named & is_likeliest).any(axis=-1))
        if not fits.all():
            raise _not_following("label", "the likeliest class")
    elif isinstance(answers, NumberAnswers) and {"numbers", "quantiles"} <= found.keys():
        middle = found["quantiles"][..., answers.middle]
        if not np.array_equal(found["numbers"], middle, equal_nan=True):
            raise _not_following("numbers", "the median")


def _not_following(name: str, what: str) -> ChampionError:
    return ChampionError(
        f"the output {name} of the graph is not {what}, so that nothing is written; take another format, and "
        "report this"
    )


def _answers_of(session: onnxruntime.InferenceSession) -> list[str]:
    """Returns the output by which a graph is compared, then those that must follow from it."""
    names = {output.name for output in session.get_outputs()}
    first = next(answer for answer in ANSWERS if answer in names)
    return [first, *sorted(({"label", "numbers"} & names) - {first})]
