"""What a champion says of a person's file, as a table: one row for each sequence, step or forecast."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evo_nas.champion.generation import next_tokens
from evo_nas.champion.scoring import Score, score_of
from evo_nas.errors import ChampionError, DataError
from evo_nas.tasks.answers import ClassAnswers, LabelAnswers, NumberAnswers
from evo_nas.tasks.metrics import LANGUAGE
from evo_nas.tasks.raw_files import RawFile, read_raw_file
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.champion.champion import Champion
    from evo_nas.tasks.preparation import Preparation

    Outputs = npt.NDArray[np.float32]
    Columns = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The predictions of a file.

    Attributes:
        table: One row for each sequence, or for each step of each, with what was predicted.
        remarks: How the file was understood, one sentence each.
        score: How good they are, if that was asked for.
    """

    table: pa.Table
    remarks: tuple[str, ...] = ()
    score: Score | None = None


def predict_file(
    champion: Champion, path: Path, *, scores: bool = False, rolling: bool = False, stride: int | None = None
) -> Prediction:
    """Predicts a file in any format that the task of a champion reads.

    Columns of the table: what a sequence is called in the file, its step or time if it has one, the prediction; beside
    a class the probability of each, ``p_<class>``; beside a forecast its quantiles, ``<target>_q<level>``. Forecasts of
    rows that the file has come with their ``origin``, the last row that was read, and with ``<target>_truth``.

    Args:
        champion: A champion with a preparation.
        path: The file; what is predicted need not be in it.
        scores: Whether predictions are compared with what the file says. Of series the last rows are forecast then, as
            if they were not known.
        rolling: Whether the rows of series are forecast again and again, as if those after an origin were not known.
        stride: Rows between the origins of rolling forecasts; as many as a forecast has if not given.

    Raises:
        ChampionError: The champion has no preparation, or continues a text, which `generate` does; ``rolling`` is asked
            of one that forecasts nothing.
        DataError: The file is not of the kind that the network learnt from, or lacks what it is judged by.
    """
    preparation = champion.prepared
    is_text = champion.model.signature.predicts_inputs
    if is_text and not scores:
        raise _continues_texts()
    if stride is not None and not rolling:
        raise DataError(f"stride is {stride} without rolling; give both, or none")
    every = _stride(preparation, stride) if rolling else None
    read = read_raw_file(path, preparation, scores=scores, every=every)
    if scores and not is_text and not len(read.truths):
        raise DataError(f"{path} does not have what is predicted for every sequence; leave the score out")
    if is_text:
        return _text_score(champion, read)
    outputs = champion.outputs(read.inputs, read.lengths)
    score = (
        score_of(preparation, read, outputs, per_step=champion.model.signature.per_step) if scores else None
    )
    return Prediction(_table(champion, read, outputs), read.remarks, score)


def _stride(preparation: Preparation, given: int | None) -> int:
    answers = preparation.answers
    if not isinstance(answers, NumberAnswers) or not answers.horizon:
        raise ChampionError("the champion forecasts no series; rolling and stride are for those that do")
    if given is not None and given < 1:
        raise DataError(f"stride is {given}; must be at least 1 row")
    return given or answers.horizon


def predict_sequences(champion: Champion, sequences: Sequence[Any]) -> Prediction:
    """Predicts raw sequences in memory and answers with the columns of `predict_file`.

    Args:
        champion: A champion with a preparation.
        sequences: As for `Champion.predict`; they are named by their numbers, from 1.

    Raises:
        ChampionError: As `predict_file`.
        DataError: The sequences are not of the kind that the network learnt from.
    """
    inputs = champion.prepared.inputs
    if champion.model.signature.predicts_inputs:
        raise _continues_texts()
    arrays, lengths = inputs.raw(sequences)
    is_series = isinstance(inputs, PanelInputs | WindowInputs)
    read = RawFile(
        arrays,
        lengths,
        "series" if is_series else "sequence",
        range(1, len(arrays) + 1),
        sizes=inputs.units(sequences) if isinstance(inputs, PanelInputs) else None,
    )
    return Prediction(_table(champion, read, champion.outputs(arrays, lengths)))


def _continues_texts() -> ChampionError:
    return ChampionError("the champion continues texts; generate does that, from a prompt")


def _table(champion: Champion, read: RawFile, outputs: Outputs) -> pa.Table:
    return pa.table(_columns(champion.prepared, read, outputs, per_step=champion.model.signature.per_step))


def _columns(preparation: Preparation, read: RawFile, outputs: Outputs, *, per_step: bool) -> Columns:
    answers = preparation.answers
    if isinstance(answers, NumberAnswers):
        return _forecasts(answers, read, outputs) if answers.horizon else _numbers(preparation, read, outputs)
    if per_step:
        steps = [range(1, read.steps(at) + 1) for at in range(len(read))]
        valid = np.concatenate([outputs[at, : len(each)] for at, each in enumerate(steps)])
        names = list(
            chain.from_iterable([name] * len(each) for name, each in zip(read.names, steps, strict=True))
        )
        ahead = 1 if isinstance(answers, LabelAnswers) and answers.ahead else 0
        columns: Columns = {read.unit: names, "step": [step + ahead for each in steps for step in each]}
        if isinstance(preparation.inputs, TokenInputs):
            vocabulary = preparation.inputs.vocabulary
            columns["token"] = [
                vocabulary[token]
                for at, each in enumerate(steps)
                for token in read.inputs[at, : len(each)].tolist()
            ]
    else:
        valid, columns = outputs, {read.unit: list(read.names)}
    if isinstance(answers, ClassAnswers):
        columns["prediction"] = answers(valid).tolist()
    kinds = answers.classes if isinstance(answers, ClassAnswers) else answers.labels
    return columns | _named_columns("p_", kinds, answers.probabilities(valid))


def _numbers(preparation: Preparation, read: RawFile, outputs: Outputs) -> Columns:
    answers = preparation.answers
    assert isinstance(answers, NumberAnswers)
    numbers = answers(outputs)
    inputs = preparation.inputs
    names: Sequence[str] = inputs.layout.outputs if isinstance(inputs, NumericInputs) else ()
    if len(names) != numbers.shape[1]:
        names = (
            ["prediction"]
            if numbers.shape[1] == 1
            else [f"prediction {n + 1}" for n in range(numbers.shape[1])]
        )
    return {read.unit: list(read.names)} | _named_columns("", names, numbers)


def _forecasts(answers: NumberAnswers, read: RawFile, outputs: Outputs) -> Columns:
    levels = answers.every_level(outputs)  # (n, horizon, targets, levels)
    if read.sizes is not None:
        levels = levels * read.sizes[:, None, None, None]
    horizon = answers.horizon
    columns: Columns = {read.unit: [name for name in read.names for _ in range(horizon)]}
    if len(read.origins):
        columns["origin"] = np.repeat(np.array(read.origins), horizon)
    if any(each is not None for each in read.stamps):
        empty = np.full(horizon, np.datetime64("NaT", "ns"))
        columns["time"] = np.concatenate([empty if each is None else each for each in read.stamps])
    columns["step"] = list(range(1, horizon + 1)) * len(read)
    flat = levels.reshape(-1, *levels.shape[2:])
    truths = np.concatenate(list(read.truths)) if len(read.origins) and len(read.truths) else None
    for at, target in enumerate(answers.columns or ("value",)):
        columns[target] = flat[:, at, answers.middle]
        columns |= {
            f"{target}_q{level:g}": flat[:, at, place] for place, level in enumerate(answers.quantiles)
        }
        if truths is not None:
            columns[f"{target}_truth"] = truths[:, at]
    return columns


def _named_columns(prefix: str, names: Sequence[str], values: npt.NDArray[Any]) -> Columns:
    return {f"{prefix}{name}": column for name, column in zip(names, values.T, strict=True)}


def _text_score(champion: Champion, read: RawFile) -> Prediction:
    ids = read.inputs[0].astype(np.int64)
    if len(ids) < 2:
        raise DataError("the text has a single token; each is predicted from those before it: give more")
    metric = LANGUAGE.get(champion.prepared.options.get("metric", ""), LANGUAGE["nll"])
    value = metric.value(
        np.sum([metric.statistic(*pair) for pair in next_tokens(champion.network, ids)], axis=0)
    )
    table = pa.table({"tokens": [len(ids) - 1], metric.name: [value]})
    return Prediction(table, read.remarks, Score(metric.name, value, 1))
