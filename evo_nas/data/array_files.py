"""NumPy ``.npz`` and ``.npy`` and MATLAB ``.mat`` files: arrays by name."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np

from evo_nas.data.files import content_of, format_of, in_one_line
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Arrays = dict[str, npt.NDArray[np.generic]]

ONLY_ARRAY = "x"
"""The name of the array in an ``.npy`` file, which has none."""
_OF_PART = re.compile(r"(.+)_(train|valid|validation|val|test)", re.IGNORECASE)
_PARTS = {
    "train": "train",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}


def is_arrays(path: Path) -> bool:
    """Whether `read_arrays` knows the format of ``path`` by its name."""
    return format_of(path) in {".npz", ".npy", ".mat"}


def read_arrays(path: Path, *, beside: str | None = None) -> Arrays:
    """Reads all arrays; a MATLAB cell array is an array of objects ``(n,)``.

    Args:
        path: The file. An ``.npy`` file holds one array, which is called `ONLY_ARRAY`.
        beside: Name of another ``.npy`` file in the same folder, whose array is added under that name.

    Raises:
        DataError: A file is missing or damaged, or holds pickled objects.
    """
    arrays = _read(path)
    if beside is not None and (other := file_beside(path, beside)):
        arrays[beside] = _read(other)[ONLY_ARRAY]
    return arrays


def file_beside(path: Path, name: str) -> Path | None:
    """Returns the other ``.npy`` file that ``name`` means for the one at ``path``; None if it means something else."""
    is_file = format_of(path) == ".npy" and name.lower().endswith(".npy")
    return path.parent / name if is_file else None


def array_named(source: Path | str, arrays: Arrays, name: str) -> npt.NDArray[np.generic]:
    """Returns the array of that name, which has at least one dimension.

    Raises:
        DataError: There is no such array, or it is a single value.
    """
    if name not in arrays:
        raise DataError(f"{source} has no array {name!r}; it has {', '.join(map(repr, arrays))}")
    if not arrays[name].ndim:
        raise DataError(f"{source}: {name} has shape (), a single value; must have one for each sequence")
    return arrays[name]


def are_numbers(values: npt.NDArray[np.generic]) -> bool:
    """Whether the type of an array is one of real numbers; times, texts and objects would become some unasked."""
    return values.dtype.kind in "biuf"


def as_numbers(values: object) -> npt.NDArray[np.float64] | None:
    """Returns an array, or lists that may have holes, as float64; None if some of it is no real number."""
    try:
        given = np.asarray(values)
        # Lists with a hole, decimals and MATLAB's cells are objects.
        if given.dtype == object and not any(isinstance(each, str) for each in given.ravel().tolist()):
            return given.astype(np.float64)
    except (TypeError, ValueError):
        return None
    return given.astype(np.float64) if are_numbers(given) else None


def arrays_by_part(arrays: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Arrays]:
    """Returns the arrays of each part where their names say it: ``x`` and ``y`` of the part test for ``y_test``.

    It is empty unless there are arrays of the training part, and of another one.
    """
    parts: dict[str, Arrays] = {}
    for name, values in arrays.items():
        if match := _OF_PART.fullmatch(name):
            parts.setdefault(_PARTS[match[2].lower()], {})[match[1]] = values
    return parts if "train" in parts and len(parts) > 1 else {}


def _read(path: Path) -> Arrays:
    kind = format_of(path)
    content = io.BytesIO(content_of(path))
    try:
        return {".mat": _read_mat, ".npy": _read_npy}.get(kind, _read_npz)(content)
    except Exception as error:  # a damaged file lets NumPy and SciPy run into anything
        raise DataError(
            f"{path} cannot be read: {in_one_line(error)}; must be an .npz of plain arrays, an .npy of one, or a .mat "
            "of version 7 or older"
        ) from error


def _read_npz(content: io.BytesIO) -> Arrays:
    # A pickle could run any code, and a data file may come from anywhere.
    with np.load(content, allow_pickle=False) as arrays:
        return dict(arrays)


def _read_npy(content: io.BytesIO) -> Arrays:
    return {ONLY_ARRAY: np.lib.format.read_array(content, allow_pickle=False)}


def _read_mat(content: io.BytesIO) -> Arrays:
    from scipy.io import loadmat  # noqa: PLC0415 - paid only where there is such a file

    arrays = {name: value for name, value in loadmat(content).items() if not name.startswith("__")}
    # MATLAB has no vectors: a row or column of cells has two dimensions.
    return {name: value.ravel() if value.dtype == object else value for name, value in arrays.items()}
