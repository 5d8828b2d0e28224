"""Drafts for sounds: a folder for each class, or a table that names the files."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from evo_nas.data.audio_files import column_of_sounds
from evo_nas.drafts.draft import SURE, Draft, Line
from evo_nas.drafts.labelled import metric_line, remedies, split_lines
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from evo_nas.drafts.look import TableLook
    from evo_nas.drafts.parts import GivenFiles

STEPS = 100
"""Steps of a sound of a second."""


def folders(files: GivenFiles) -> Draft:
    """Returns the draft for sounds whose folders are their classes.

    Raises:
        DataError: All of them are in one folder.
    """
    sounds = [file for some in files.by_key.values() for file in some]
    labels = Counter(file.parent.name for file in sounds)
    if len(labels) < 2:
        raise DataError(
            f"{sounds[0].parent} holds sounds without labels; put those of each class into a folder of its name, or "
            "give a table that names a file and a label in each row"
        )
    parents = sorted({file.parent for file in sounds})
    # The folder above says it shorter, if it holds no other folders.
    above = Path(os.path.commonpath(parents))
    is_whole = sorted(each for each in above.iterdir() if each.is_dir()) == parents
    path = [files.written(folder) for folder in ([above] if is_whole else parents)]
    lines = (
        Line("path", path[0] if len(path) == 1 else path, "the folders are the classes"),
        metric_line(labels.elements()),
        *split_lines(files, len(sounds)),
    )
    reason = f"there are {len(sounds):,} sounds in {len(labels)} folders, each of them a class"
    return Draft("classification", SURE, reason, lines, len(sounds), STEPS, remedies(files, len(sounds)))


def named_in_table(look: TableLook) -> Draft | None:
    """Returns the draft for a table that names files of sounds; None for another one, or one without labels."""
    column = column_of_sounds(look.table)
    if column is None or look.label is None:
        return None
    metric = metric_line(look.table.texts(look.label, empty=True))
    lines = (*look.files.lines(), Line("label", look.label), metric, *split_lines(look.files, len(look)))
    reason = (
        f"column {column} names sounds, and column {look.label} has {len(look.counts(look.label))} classes"
    )
    return Draft("classification", SURE, reason, lines, len(look), STEPS, remedies(look.files, len(look)))
