"""Drafts for files of arrays and for ``.ts``, whose shapes say what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.array_files import are_numbers, arrays_by_part, read_arrays
from evo_nas.data.columns import SEQUENCES
from evo_nas.data.files import text_of
from evo_nas.data.guesses import LABELS, guessed
from evo_nas.data.ts_files import read_ts
from evo_nas.drafts.draft import LIKELY, SURE, Draft, Line
from evo_nas.drafts.labelled import metric_line, remedies, split_lines
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from evo_nas.drafts.parts import GivenFiles

    Arrays = Mapping[str, npt.NDArray[np.generic]]

RMSE = Line("metric", "rmse", "in the units of the target; or: mae, mse, r2")


def ts(files: GivenFiles) -> Draft:
    """Returns the draft for ``.ts`` files, whose header tells classes and numbers apart."""
    examples = read_ts(files.train[0])
    head = text_of(files.train[0])[:10_000].lower()
    count = len(examples) * len(files.train)
    steps = int(np.mean([len(item) for item in examples.items]))
    if "@targetlabel true" in head:
        lines = (*files.lines(), RMSE, *split_lines(files, count))
        return Draft(
            "regression", SURE, "the header says that every sequence has a number", lines, count, steps
        )
    labels = [str(label) for label in examples.labels]
    reason = f"every line is a sequence with its class last, {len(set(labels))} classes"
    lines = (*files.lines(), metric_line(labels), *split_lines(files, count))
    return Draft("classification", SURE, reason, lines, count, steps, remedies(files, count))


def nameless(files: GivenFiles, rows: int, columns: int) -> Draft:
    """Returns the draft for a table without names, as the UCR archive has them: the class first, then the values."""
    reason = f"columns have no names: the first of {columns} is the class, and the others are the steps"
    lines = (*files.lines(), Line("metric", "accuracy", "or: macro_f1, mcc, nll"), *split_lines(files, rows))
    return Draft("classification", SURE, reason, lines, rows, columns - 1, remedies(files, rows))


def arrays(files: GivenFiles) -> list[Draft]:
    """Returns what a file of arrays may be meant for.

    Raises:
        DataError: No names or shapes of arrays say what they are.
    """
    path = files.train[0]
    found = read_arrays(path)
    if (sets := _sets(path, files, found)) is not None:
        return [sets]
    parts = arrays_by_part(found)
    named: Arrays = parts["train"] if parts else found
    x, y = guessed(named, SEQUENCES), guessed(named, LABELS)
    # A single value has no length.
    if x not in named or y not in named or not named[x].shape[:1] == named[y].shape[:1] != ():
        held = ", ".join(f"{name!r} {np.shape(values)}" for name, values in found.items())
        raise DataError(
            f"{path} holds {held}; the sequences should be called x and their labels y, both of one length: rename them"
        )
    return _of_labels(files, named[x], named[y], has_test="test" in parts or files.has_test)


def _of_labels(
    files: GivenFiles, values: npt.NDArray[np.generic], labels: npt.NDArray[np.generic], *, has_test: bool
) -> list[Draft]:
    count, steps = len(values), int(values.shape[1]) if values.ndim > 1 else 1
    shape = f"the sequences have shape {np.shape(values)}, the labels {np.shape(labels)}"
    cut = () if has_test else split_lines(files, count)
    per_step = labels.ndim == 2 and labels.shape[1] == steps and 1 not in labels.shape
    if labels.dtype.kind == "f" and not np.equal(labels, np.floor(labels)).all():
        return [
            Draft("regression", SURE, f"{shape} and are numbers", (*files.lines(), RMSE, *cut), count, steps)
        ]
    metric = metric_line(map(str, np.ravel(labels).tolist()))
    kind = "labelling" if per_step else "classification"
    reason = f"{shape}: one for each {'step' if per_step else 'sequence'}"
    lines = (*files.lines(), metric, *cut)
    return [Draft(kind, LIKELY, reason, lines, count, steps, () if has_test else remedies(files, count))]


def _sets(path: Path, files: GivenFiles, found: Arrays) -> Draft | None:
    """Returns the draft for sequences of sets, which are arrays ``(time, keys)`` of 0 and 1; None for others."""
    names = [name for name, values in found.items() if _holds_sets(values)]
    train = next((name for name in names if "train" in name.lower()), names[0] if len(names) == 1 else None)
    if train is None:
        return None
    lines = [*files.lines(), Line("train", train, "its arrays hold 0 and 1 only")]
    for part, marks in {"validation": ("valid", "dev"), "test": ("test",)}.items():
        named = next((name for name in names if any(mark in name.lower() for mark in marks)), None)
        if named is not None:
            lines.append(Line(part, named, f"its name says that this is the {part} part"))
    lines.append(Line("metric", "nll_per_frame", "or: frame_accuracy, f1"))
    count = len(found[train])
    reason = f"{path.name} holds sequences of frames of 0 and 1: the next frame is predicted"
    return Draft("multi_label", SURE, reason, tuple(lines), count, 60)


def _holds_sets(values: npt.NDArray[np.generic]) -> bool:
    if values.ndim not in {1, 3} or not len(values):
        return False
    first: Sequence[object] = values[:1].tolist() if values.dtype == object else list(values[:1])
    frames = np.asarray(first[0])
    return frames.ndim == 2 and are_numbers(frames) and bool(np.isin(frames, (0, 1)).all())
