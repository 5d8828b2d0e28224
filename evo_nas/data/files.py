"""The parts that all readers of files share: the format by the name, and one message for unreadable files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPRESSED = (".gz", ".bz2", ".zst")


def format_of(path: Path) -> str:
    """Returns the suffix of ``path`` that names its format, in lower case: ``.csv`` for ``burner.csv.gz``."""
    return next((suffix.lower() for suffix in reversed(path.suffixes) if suffix not in COMPRESSED), "")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Runs the block that reads ``path``; every reader enters it once for each file that it parses.

    Raises:
        DataError: The system does not let the file be read, or its text is not UTF-8.
    """
    try:
        path.open("rb").close()  # gives the system's own reason, which Arrow, NumPy and SciPy leave out
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it in UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; check the path") from error
