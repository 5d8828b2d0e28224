"""NumPy ``.npz`` and MATLAB ``.mat`` files: arrays by name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from evo_nas.data.files import format_of, reading
from evo_nas.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


def is_arrays(path: Path) -> bool:
    """Whether `read_arrays` knows the format of ``path`` by its name."""
    return format_of(path) in {".npz", ".mat"}


def read_arrays(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    """Reads all arrays; a MATLAB cell array is an array of objects ``(n,)``.

    Raises:
        DataError: The file is missing or damaged, or holds pickled objects.
    """
    with reading(path):
        try:
            return _read_mat(path) if format_of(path) == ".mat" else _read_npz(path)
        except (ValueError, BadZipFile, EOFError, NotImplementedError, TypeError) as error:
            raise DataError(
                f"{path} cannot be read: {error}; must be an .npz of plain arrays, or a .mat of version 7 or older"
            ) from error


def _read_npz(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    # A pickle could run any code, and a data file may come from anywhere.
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _read_mat(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    from scipy.io import loadmat  # noqa: PLC0415 - paid only where there is such a file
    from scipy.io.matlab import MatReadError  # noqa: PLC0415

    try:
        arrays = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    except MatReadError as error:
        raise ValueError(str(error)) from error
    # MATLAB has no vectors: a row or column of cells has two dimensions.
    return {name: value.ravel() if value.dtype == object else value for name, value in arrays.items()}
