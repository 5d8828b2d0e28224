"""`Champion`: a trained model with what prepares its inputs and names its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evo_nas.champion.export import champion_folder
from evo_nas.champion.exporters.baseline_network import BaselineNetwork
from evo_nas.champion.exporters.native import has_preparation, read_model, read_preparation
from evo_nas.champion.generation import draw_frames, draw_tokens
from evo_nas.champion.prediction import Prediction, predict_file
from evo_nas.errors import ChampionError, DataError
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers, NumberAnswers
from evo_nas.tasks.raw_inputs import TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from evo_nas.models.ensemble import Model
    from evo_nas.tasks.preparation import Preparation

    Outputs = npt.NDArray[np.float32]

BATCH_SIZE = 512
"""Sequences that are read at once; this bounds the memory."""


@dataclass(frozen=True, slots=True)
class Champion:
    """A trained model with what prepares its inputs and names its outputs.

    Raw sequences are what the data set was made from: arrays ``(n, time, features)`` in original units, a list of
    arrays ``(time, features)`` or of frames, or one frame, whose columns are matched by name; or a list of texts, or
    of lists of tokens.

    Attributes:
        model: The network, the mean of several, or a baseline, in evaluation mode. ``model(inputs, lengths=None)``
            takes inputs as the task prepares them: float32 ``(batch, time, features)`` or int64 tokens ``(batch,
            time)``. It returns ``(batch, outputs)``, or ``(batch, time, outputs)`` if every step has an output.
        preparation: From raw sequences to inputs, and from outputs to answers; None if the task does not say, which
            leaves prepared inputs: see `outputs`.
    """

    model: Model | BaselineNetwork
    preparation: Preparation | None = None

    @property
    def network(self) -> Model:
        """The model as what can be trained on, explained and continued with.

        Raises:
            ChampionError: It is a baseline.
        """
        if isinstance(self.model, BaselineNetwork):
            raise ChampionError(
                f"this is the baseline {self.model.name} and no network; it predicts, and nothing else: give a "
                "network, such as evo-nas export RUN --which champion"
            )
        return self.model

    @property
    def prepared(self) -> Preparation:
        """The preparation.

        Raises:
            ChampionError: There is none.
        """
        if self.preparation is None:
            raise ChampionError(
                "the champion has no preparation.json, since its task does not say how raw data are prepared; give "
                "prepared inputs to outputs(inputs, lengths), or to its model"
            )
        return self.preparation

    def predict(self, sequences: Any, *, sequence: str | None = None) -> Any:
        """Returns the answer for each of ``sequences``.

        Args:
            sequences: Raw sequences.
            sequence: Column of a frame with the name of each row's sequence, where a row is a step.

        Returns:
            Names of classes ``(n,)``, or numbers ``(n, targets)`` in the units of the targets. Where every step has
            an answer, a list of arrays ``(time, ...)``.

        Raises:
            DataError: The sequences have other features than those that the network learnt from.
            ChampionError: The champion has no preparation.
        """
        return self._answers(sequences, sequence, self.prepared.answers)

    def predict_proba(self, sequences: Any, *, sequence: str | None = None) -> Any:
        """Returns the probability of each class, ``(n, classes)``, in the order of ``preparation.answers.classes``.

        Args:
            sequences: As for `predict`.
            sequence: As for `predict`.

        Raises:
            DataError: As for `predict`.
            ChampionError: The model predicts no classes, or the champion has no preparation.
        """
        answers = self.prepared.answers
        if not isinstance(answers, ClassAnswers | LabelAnswers):
            raise ChampionError("the champion predicts numbers, which have no probabilities; call predict")
        return self._answers(sequences, sequence, answers.probabilities)

    def forecast(self, series: Any, *, every_level: bool = False) -> Any:
        """Returns the forecast after the end of each series, ``(n, horizon, targets)``.

        Args:
            series: A list of raw series, each with at least as many rows as the network reads, or one frame. Frames
                have the column of times that training had, and no gaps that training did not have.
            every_level: Whether a further axis holds the value of every quantile, instead of the median.

        Raises:
            DataError: As for `predict`.
            ChampionError: The model forecasts no series, or the champion has no preparation.
        """
        answers = self.prepared.answers
        if not isinstance(answers, NumberAnswers) or not answers.horizon:
            raise ChampionError("the champion forecasts no series; call predict")
        return self._answers(series, None, answers.every_level if every_level else answers)

    def generate(
        self, prompt: Any = None, *, length: int = 200, temperature: float = 1.0, seed: int = 0
    ) -> Any:
        """Returns what follows a prompt: a text, or frames of keys float32 ``(length, keys)``.

        Args:
            prompt: A text, or frames of 0 and 1 ``(time, keys)``. Without one a text begins with a line, and music
                after a silence.
            length: Tokens or frames that are drawn.
            temperature: Above 1 what is drawn is more varied, below 1 more likely; at 0 always the likeliest.
            seed: The same seed gives the same result.

        Raises:
            ChampionError: The model predicts nothing that follows, or the champion has no preparation.
            DataError: The prompt is of another kind.
        """
        inputs = self.prepared.inputs
        if length < 1 or temperature < 0:
            raise DataError(
                f"length is {length} and temperature {temperature:g}; must be at least 1 and at least 0"
            )
        if isinstance(inputs, KeyInputs):
            silence = np.zeros((1, inputs.keys), dtype=np.float32)
            frames = silence if prompt is None else inputs.padded([prompt])[0][0]
            return draw_frames(
                self.network, frames.astype(np.float32), length, temperature=temperature, seed=seed
            )
        if not isinstance(inputs, TokenInputs) or not self.model.signature.predicts_inputs:
            raise ChampionError("the champion continues neither texts nor music; call predict or forecast")
        begins = "\n" if "\n" in inputs.vocabulary else inputs.vocabulary[1]
        ids = inputs.padded([prompt or begins])[0][0].astype(np.int64)
        drawn = draw_tokens(self.network, ids, length, temperature=temperature, seed=seed)
        return inputs.text([inputs.vocabulary[token] for token in drawn])

    def predict_file(
        self,
        path: str | os.PathLike[str],
        *,
        scores: bool = False,
        rolling: bool = False,
        stride: int | None = None,
    ) -> Prediction:
        """Predicts a file in any format that the task reads; see `prediction.predict_file`."""
        return predict_file(self, Path(path), scores=scores, rolling=rolling, stride=stride)

    def outputs(
        self, inputs: npt.NDArray[np.generic], lengths: npt.NDArray[np.int64] | None = None
    ) -> Outputs:
        """Returns the outputs of the model for prepared inputs, batch by batch.

        Args:
            inputs: float32 ``(n, time, features)`` or int64 tokens ``(n, time)``, as the task prepares them.
            lengths: int64 ``(n,)`` where sequences are padded at their end.

        Raises:
            DataError: The inputs have another shape, or hold something else than numbers.
        """
        inputs = self._checked(inputs)
        # A baseline has no parameters, and computes on the CPU.
        device = next((each.device for each in self.model.parameters()), torch.device("cpu"))
        found = []
        with torch.inference_mode():
            for start in range(0, len(inputs), BATCH_SIZE):
                rows = slice(start, start + BATCH_SIZE)
                batch = torch.from_numpy(inputs[rows]).to(device)
                ends = None if lengths is None else torch.from_numpy(lengths[rows]).to(device)
                found.append(self.model(batch, ends).cpu().numpy())
        return np.concatenate(found)

    def _checked(self, inputs: Any) -> npt.NDArray[np.generic]:
        """Returns prepared inputs in the type that the model reads."""
        signature = self.model.signature
        given = np.asarray(inputs)
        if signature.vocabulary:
            fits, wanted = given.ndim == 2 and given.dtype.kind in "iu", "int64 tokens (n, time)"
        else:
            fits = given.ndim == 3 and given.shape[2] == signature.features and given.dtype.kind in "iuf"
            wanted = f"float32 (n, time, {signature.features})"
        if not fits:
            raise DataError(
                f"inputs are {given.dtype} {given.shape}; must be {wanted}, as the task prepares them: predict takes "
                "raw sequences"
            )
        return given.astype(np.int64 if signature.vocabulary else np.float32, copy=False)

    def _answers(self, sequences: Any, sequence: str | None, answer: Any) -> Any:
        inputs, lengths = self.prepared.inputs.raw(sequences, sequence=sequence)
        outputs = self.outputs(inputs, lengths)
        answers = answer(outputs)
        if isinstance(self.prepared.inputs, PanelInputs):
            # Each series is forecast in units of its own.
            sizes = self.prepared.inputs.units(list(sequences))
            answers = answers * sizes.reshape(-1, *[1] * (answers.ndim - 1))
        if not self.model.signature.per_step:
            return answers
        ends = [inputs.shape[1]] * len(inputs) if lengths is None else lengths.tolist()
        return [steps[:end] for steps, end in zip(answers, ends, strict=True)]


def load_champion(place: str | os.PathLike[str]) -> Champion:
    """Returns an exported champion, or the champion that a run keeps.

    It gives the same outputs as after its training. Nothing that is read is executed.

    Args:
        place: The directory of an export in the native format, or the directory or URI of a run.

    Raises:
        ChampionError: A file is missing, damaged, of a newer format, or does not fit the others.
    """
    with champion_folder(place) as folder:
        return Champion(read_model(folder), read_preparation(folder) if has_preparation(folder) else None)
