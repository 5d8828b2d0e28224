"""Reads a person's file as the inputs of a trained network, by what its preparation and its recipe say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_nas.data.array_files import array_named, is_arrays, read_arrays
from evo_nas.data.examples import Places, enumerated
from evo_nas.data.panel_files import read_panel
from evo_nas.data.table_files import frame_of, read_table
from evo_nas.data.text_files import TextRoles, joined_texts
from evo_nas.data.token_files import TokenRoles
from evo_nas.data.unlabelled import unlabelled_sequences, unlabelled_texts, unlabelled_tokens
from evo_nas.errors import DataError
from evo_nas.tasks.answers import ClassAnswers, NumberAnswers
from evo_nas.tasks.numeric_files import ColumnOptions
from evo_nas.tasks.raw_inputs import NumericInputs, TokenInputs
from evo_nas.tasks.raw_keys import KeyInputs
from evo_nas.tasks.raw_panels import PanelInputs
from evo_nas.tasks.raw_windows import WindowInputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.data.examples import Examples
    from evo_nas.data.text_files import Corpus
    from evo_nas.tasks.preparation import Preparation

    Array = npt.NDArray[np.generic]


MOST_FORECASTS = 20_000
"""Rolling forecasts of one file: each has a window of its own in memory."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """The sequences of a file, prepared for a network.

    Attributes:
        inputs: float32 ``(n, time, features)`` or int64 tokens ``(n, time)``.
        lengths: Steps of each sequence, int64 ``(n,)``; None if all are full.
        unit: What a sequence is called in the file: ``row``, ``line``, ``sequence``, ``series`` or ``file``.
        names: The number or the name of each.
        truths: What is predicted of each, where the file has it; empty otherwise.
        remarks: How the file was understood, one sentence each.
        stamps: The times of each forecast, None where they are not known.
        sizes: By what the forecast of each series is multiplied; None for 1.
        origins: The time of the last row that each forecast has read, or its number; empty if it is the last of all.
    """

    inputs: Array
    lengths: npt.NDArray[np.int64] | None
    unit: str
    names: Sequence[int | str]
    truths: Sequence[Any] = ()
    remarks: tuple[str, ...] = ()
    stamps: Sequence[npt.NDArray[np.datetime64] | None] = ()
    sizes: npt.NDArray[np.float64] | None = None
    origins: Sequence[np.datetime64 | int] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def steps(self, at: int) -> int:
        """Returns the steps of one sequence."""
        return self.inputs.shape[1] if self.lengths is None else int(self.lengths[at])


def read_raw_file(
    path: Path, preparation: Preparation, *, scores: bool = False, every: int | None = None
) -> RawFile:
    """Reads a file in any format that the task reads; what is predicted need not be in it.

    Args:
        path: The file, or a folder of sounds.
        preparation: What a champion keeps of its training.
        scores: Whether the last rows of series are forecast and kept as truths, instead of those after them.
        every: Of series, rows between the origins from which rows that are known are forecast again and again.

    Raises:
        DataError: The file cannot be read, or is not of the kind that the network learnt from.
    """
    match preparation.inputs:
        case NumericInputs() as inputs:
            return _numeric(path, inputs, preparation)
        case TokenInputs() as inputs:
            return _tokens(path, inputs, preparation)
        case WindowInputs() as inputs:
            return _windows(path, inputs, preparation, scores=scores, every=every)
        case PanelInputs() as inputs:
            return _panel(path, inputs, preparation, scores=scores, every=every)
        case KeyInputs() as inputs:
            return _keys(path, inputs, preparation)


def _chosen(preparation: Preparation, *names: str) -> dict[str, Any]:
    """Returns the options of the task of these names that were given."""
    options = preparation.options
    return {name: options[name] for name in names if options.get(name) is not None}


def _numeric(path: Path, inputs: NumericInputs, preparation: Preparation) -> RawFile:
    known = _chosen(preparation, *ColumnOptions.model_fields)
    roles = ColumnOptions(**known).roles(group=None, label=preparation.options.get("label"))
    examples = unlabelled_sequences(path, roles, inputs.layout, inputs.columns)
    if inputs.window is not None:
        # Training saw no longer pieces, each with the answer at its end.
        examples = replace(examples, items=[item[-inputs.window :] for item in examples.items])
    arrays, lengths = inputs.padded(examples.items, places=examples.where)
    return _of_examples(examples, arrays, lengths, _truths(examples, preparation))


def _truths(examples: Examples[Any], preparation: Preparation) -> Sequence[Any]:
    """Returns one target for each sequence, where that of training is one and a file has one for each step."""
    labels = examples.labels
    is_per_step = preparation.recipe is not None and preparation.recipe.kind in {"labelling", "tagging"}
    if not len(labels) or is_per_step:
        return labels
    # The last step has the target of a sequence whose rows are steps, be it constant or not.
    last = [
        label[-1] if np.ndim(label) and np.asarray(label).dtype.kind == "U" else label for label in labels
    ]
    if isinstance(preparation.answers, ClassAnswers):
        return [str(label) for label in last]
    try:
        return [np.atleast_1d(np.asarray(label, dtype=np.float64)) for label in last]
    except ValueError:
        return ()  # something else than numbers: nothing that the file could be judged by


def _of_examples(
    examples: Examples[Any], arrays: Array, lengths: npt.NDArray[np.int64] | None, truths: Sequence[Any]
) -> RawFile:
    units = [unit.rpartition(", ")[2] for unit in examples.where.units]
    return RawFile(
        arrays,
        lengths,
        units[0] if units else "sequence",
        list(examples.where.numbers),
        truths,
        examples.remarks,
    )


def corpus_of(path: Path, preparation: Preparation) -> Corpus:
    """Reads a text as the task of a language model does.

    Raises:
        DataError: The file cannot be read.
    """
    options = preparation.options
    return joined_texts([path], options.get("encoding", "utf-8"), column=options.get("text"))


def _tokens(path: Path, inputs: TokenInputs, preparation: Preparation) -> RawFile:
    kind = "text_classification" if preparation.recipe is None else preparation.recipe.kind
    if kind == "tagging":
        names = ("tokens", "tags", "sequence", "separator", "delimiter", "encoding", "level")
        examples: Examples[Any] = unlabelled_tokens(
            path, TokenRoles(**_chosen(preparation, *names)), inputs.layout
        )
        truths: Sequence[Any] = examples.labels
    elif kind == "language_model":
        corpus = corpus_of(path, preparation)
        ids, _ = inputs.padded([corpus.text])
        return RawFile(ids, None, "text", [1], remarks=(*corpus.remarks, *unknown_tokens(inputs, ids, None)))
    else:
        roles = TextRoles(**_chosen(preparation, "text", "label", "delimiter", "encoding"))
        classes = preparation.answers.classes if isinstance(preparation.answers, ClassAnswers) else ()
        examples = unlabelled_texts(path, roles, inputs.layout, classes)
        truths = _truths(examples, preparation)
    ids, lengths = inputs.padded(examples.items, places=examples.where)
    read = _of_examples(examples, ids, lengths, truths)
    return replace(read, remarks=(*read.remarks, *unknown_tokens(inputs, ids, lengths)))


def unknown_tokens(inputs: TokenInputs, ids: Array, lengths: npt.NDArray[np.int64] | None) -> tuple[str, ...]:
    """Returns a remark on how many tokens the network does not know; none if it knows all.

    Args:
        inputs: What gave the ids.
        ids: ``(n, time)``.
        lengths: ``(n,)`` where sequences are padded at their end.
    """
    if inputs.is_closed:
        return ()
    ends = np.full(len(ids), ids.shape[1]) if lengths is None else lengths
    there = np.arange(ids.shape[1]) < ends[:, None]
    unknown, count = int(((ids == 0) & there).sum()), int(there.sum())
    return (f"{unknown:,} of {count:,} tokens are unknown to the network",) if unknown else ()


def _windows(
    path: Path, inputs: WindowInputs, preparation: Preparation, *, scores: bool, every: int | None
) -> RawFile:
    answers, table = preparation.answers, read_table(path, delimiter=preparation.options.get("delimiter"))
    rolling = inputs.ends(str(path), frame_of(table), holds_out=scores, every=every)
    ends = list(islice(rolling, MOST_FORECASTS + 1 if every else None))
    _check_count(path, len(ends), every)
    targets = answers.columns if isinstance(answers, NumberAnswers) else ()
    truths: Sequence[Any] = ()
    if set(targets) <= set(inputs.columns):
        at = list(map(inputs.columns.index, targets))
        truths = [end.truth[:, at] for end in ends if end.truth is not None]
    return RawFile(
        np.stack([end.inputs for end in ends]),
        None,
        "series",
        [end.name or (1 if every else number) for number, end in enumerate(ends, start=1)],
        truths,
        table.remarks,
        stamps=[end.stamps for end in ends],
        origins=[end.origin for end in ends] if every else (),
    )


def _panel(
    path: Path, inputs: PanelInputs, preparation: Preparation, *, scores: bool, every: int | None
) -> RawFile:
    series, remarks = read_panel([path], inputs.table, delimiter=preparation.options.get("delimiter"))
    horizon, holds_out = inputs.horizon, scores or every is not None
    timed = [(each, each.times if holds_out else None) for each in series]
    has_times = all(times is not None for _, times in timed)
    origins = [
        inputs.origins(each.values, every=every) if holds_out else [len(each.values)] for each in series
    ]
    rolled = [(*each, ends) for each, ends in zip(timed, origins, strict=True) if len(ends)]
    forecasts = [(each, times, origin) for each, times, ends in rolled for origin in ends]
    _check_count(path, len(forecasts), every)
    if missing := [each.name for each, ends in zip(series, origins, strict=True) if not len(ends)]:
        named = f"{len(missing):,} series ({enumerated(missing)})"
        remarks = (
            *remarks,
            f"{named}: left out, since no known rows of them can be forecast from a season before",
        )
    (arrays, lengths), sizes = inputs.before(
        [each.values for each, _, _ in rolled],
        [ends for _, _, ends in rolled],
        places=Places(["series"] * len(rolled), [each.name for each, _, _ in rolled]),
    )
    return RawFile(
        arrays,
        lengths,
        "series",
        [each.name for each, _, _ in forecasts],
        [each.values[origin : origin + horizon, None] for each, _, origin in forecasts] if holds_out else (),
        remarks,
        stamps=[
            (None if times is None else times[origin : origin + horizon])
            if holds_out
            else each.after(horizon)
            for each, times, origin in forecasts
        ],
        sizes=sizes,
        # A column holds times or numbers, so that one series without times leaves all with numbers.
        origins=[
            times[origin - 1] if times is not None and has_times else origin for _, times, origin in forecasts
        ]
        if every
        else (),
    )


def _check_count(path: Path, count: int, every: int | None) -> None:
    if not count:
        raise DataError(
            f"{path} has no series that is long enough for a forecast of rows that it has; give more"
        )
    if every and count > MOST_FORECASTS:
        raise DataError(
            f"{path} has more than {MOST_FORECASTS:,} origins with a stride of {every}; give a longer one"
        )


def _keys(path: Path, inputs: KeyInputs, preparation: Preparation) -> RawFile:
    if not is_arrays(path):
        raise DataError(
            f"{path} is no file of arrays; must be .npz, .npy or .mat with sequences (time, keys)"
        )
    arrays = read_arrays(path)
    known = preparation.options
    # What nothing was learnt from comes first.
    likely = [known[name] for name in ("test", "validation", "train") if known.get(name)]
    name = next((each for each in likely if each in arrays), None)
    name = next(iter(arrays)) if name is None and len(arrays) == 1 else name
    given = array_named(path, arrays, name or (likely or ["train"])[0])
    # One piece alone may stand for itself.
    songs = [given] if given.ndim == 2 and given.dtype != object else [np.asarray(each) for each in given]
    padded, lengths = inputs.padded(songs)
    return RawFile(
        padded, lengths, "sequence", range(1, len(songs) + 1), [each[1:] for each in songs],
        (f"array {name} holds the sequences",),
    )  # fmt: skip
