"""Chooses among the drafts for a person's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.data.array_files import is_arrays
from evo_nas.data.audio_files import is_sound
from evo_nas.data.files import format_of
from evo_nas.data.table_files import is_table, read_table
from evo_nas.data.text_files import FASTA
from evo_nas.drafts import arrays, rows, series, sounds, texts
from evo_nas.drafts.look import TableLook
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from evo_nas.drafts.draft import Draft
    from evo_nas.drafts.parts import GivenFiles

_OF_TABLES = (
    sounds.named_in_table,
    texts.tagged_table,
    texts.text_table,
    rows.labelling,
    rows.classification,
    rows.regression,
    series.forecast,
    series.panel,
)
_CONLL = (".conll", ".conllu", ".bio", ".iob", ".iob2")


def draft_of(files: GivenFiles, *, task: str | None = None) -> Draft:
    """Returns the likeliest draft for ``files``.

    Args:
        files: The files, told apart by parts.
        task: The kind of task, if it is known.

    Raises:
        DataError: A file cannot be read, no kind of task is likely, two are equally likely, or the files do not suit
            ``task``.
    """
    path = files.train[0]
    drafts = sorted(_drafts(path, files), key=lambda draft: -draft.certainty)
    if task is not None:
        return _chosen(path, drafts, task)
    if not drafts:
        raise DataError(
            f"{path}: nothing says what is to be learnt from it: no labels, texts, times or numbers were found; write "
            "a configuration by hand, with the keys that `evo-nas explain-config task` lists"
        )
    best = [draft for draft in drafts if draft.certainty == drafts[0].certainty]
    if len(best) > 1:
        likely = ", or ".join(f"{draft.kind} ({draft.reason})" for draft in best)
        raise DataError(f"{path} may be for {likely}; say which with --task {best[0].kind}")
    return best[0]


def _chosen(path: Path, drafts: list[Draft], task: str) -> Draft:
    fitting = [draft for draft in drafts if draft.kind == task]
    if not fitting:
        others = f"; it may be for {', '.join(draft.kind for draft in drafts)}" if drafts else ""
        raise DataError(
            f"{path} has nothing that a {task} needs{others}: choose another --task or other files"
        )
    return fitting[0]


def _drafts(path: Path, files: GivenFiles) -> list[Draft]:
    kind = format_of(path)
    if kind == ".ts":
        return [arrays.ts(files)]
    if is_sound(path):
        return [sounds.folders(files)]
    if is_arrays(path):
        return arrays.arrays(files)
    if kind in FASTA:
        return _only(texts.class_files(files, level="character"), path)
    if kind in _CONLL or not is_table(path):
        drafts = texts.plain_text(files)
        by_class = texts.class_files(files, level="word")
        return [*drafts, *([by_class] if by_class and kind not in _CONLL else [])]
    return _of_table(path, files)


def _of_table(path: Path, files: GivenFiles) -> list[Draft]:
    table = read_table(path, nameless=True)
    if not table.has_names:
        return [arrays.nameless(files, len(table) * len(files.train), len(table.columns))]
    look = TableLook(files, table)
    drafts: dict[str, Draft] = {}
    for guess in _OF_TABLES:
        if (draft := guess(look)) is not None:
            drafts.setdefault(draft.kind, draft)
    return list(drafts.values())


def _only(draft: Draft | None, path: Path) -> list[Draft]:
    if draft is None:
        raise DataError(
            f"{path} is FASTA, which has no labels; give a file for each class, all of them together"
        )
    return [draft]
