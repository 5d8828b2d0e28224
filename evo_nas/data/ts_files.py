"""The ``.ts`` format of sktime and the UEA archive.

It is read here and not with sktime or aeon: one text format does not justify their few dozen dependencies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.examples import Examples, Places
from evo_nas.data.files import reading
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def read_ts(path: Path) -> Examples[npt.NDArray[np.float64]]:
    """Reads sequences of values: one in each line, dimensions separated by colons, the class label last.

    Raises:
        DataError: The file is missing, empty, has time stamps or no labels, or a line is malformed.
    """
    with reading(path):
        lines = path.read_text(encoding="utf-8").splitlines()
    header = {line.split()[0].lower(): line.split()[1:] for line in lines if line.startswith("@")}
    if header.get("@timestamps") == ["true"]:
        raise DataError(f"{path} has time stamps; only sequences without them are read: remove them")
    if header.get("@classlabel", ["true"])[0].lower() != "true":
        raise DataError(f"{path} has no class labels; nothing could be learnt from it")
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and line.lstrip()[0] not in "#@"
    ]
    if not numbered:
        raise DataError(f"{path} is empty; must hold one sequence in each line")
    items, labels = zip(*(_parsed(path, number, line) for number, line in numbered), strict=True)
    return Examples(
        str(path),
        items=items,
        labels=labels,
        remarks=("every line is a sequence, its label last",),
        places=Places.of(str(path), "line", [number for number, _ in numbered]),
    )


def _parsed(path: Path, number: int, line: str) -> tuple[npt.NDArray[np.float64], str]:
    *dimensions, label = line.strip().split(":")
    try:
        columns = [np.array(dimension.split(","), dtype=np.float64) for dimension in dimensions]
        values = np.stack(columns, axis=1)
    except ValueError:
        raise DataError(
            f"{path}, line {number}: must be numbers in dimensions of one length, and a label; "
            "fill in missing values"
        ) from None
    if not np.isfinite(values).all():
        raise DataError(f"{path}, line {number} has a missing or infinite value; mend it or drop the line")
    return values, label.strip()
