"""The parts that all readers of files share: format, decompression, text, and one message for what cannot be read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SIGNATURES = (
    (b"\x1f\x8b", "compressed", ".gz"),
    (b"BZh91AY&SY", "compressed", ".bz2"),
    (b"\xfd7zXZ\x00", "compressed", ".xz"),
    (b"\x28\xb5\x2f\xfd", "compressed", ".zst"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", ".zip, or save the spreadsheet as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of Microsoft Office", ".csv after saving it as CSV"),
    (b"\x93NUMPY", "an array of NumPy", ".npy"),
    (b"ARROW1\x00\x00", "a table of Arrow", ".arrow"),
    (b"fLaC", "sound", ".flac"),
)
"""First bytes, what such a file is, and how its name should end."""
UNREADABLE = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), "a spreadsheet; save it as CSV"),
    **dict.fromkeys((".h5", ".hdf5", ".nc"), "HDF5, which is not read; save it as .npz or CSV"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth"), "a pickle, which may run any code; save it as .npz"),
    **dict.fromkeys((".sav", ".dta", ".sas7bdat", ".rds", ".rdata"), "of a statistics program; save it as CSV"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".tfrecord", ".orc", ".avro"), "not read; save it as CSV"),
    **dict.fromkeys((".pdf", ".docx", ".doc", ".odt", ".rtf", ".html"), "a document; save it as plain text"),
    **dict.fromkeys((".rar", ".7z", ".tar", ".tgz"), "an archive that is not read; unpack it"),
}  # fmt: skip
_BLOCK_BYTES = (1 << 20, 1 << 25, 1 << 30)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def format_of(path: Path) -> str:
    """Returns the suffix of ``path`` that names its format, in lower case: ``.csv`` for ``burner.csv.gz``."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".zip"]:
        # data.zip says nothing of what is in it.
        suffixes = [*suffixes, Path(_member_of(path)).suffix.lower()]
    return next((suffix for suffix in reversed(suffixes) if suffix and suffix not in _DECOMPRESS), "")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Runs the block that takes bytes from ``path``.

    Raises:
        DataError: The system does not let the file be read.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {in_one_line(error.strerror or error)}; check the path"
        ) from error


def in_one_line(reason: object) -> str:
    """Returns what a library says about an error in one line; Arrow puts line breaks between several reasons."""
    return " ".join(str(reason).split())


def content_of(path: Path) -> bytes:
    """Returns the bytes of a file, unpacked if its name says that it is compressed.

    Raises:
        DataError: The file cannot be read, is damaged, has a format that no reader knows, or is an archive of
            several files.
    """
    with reading(path):
        content = path.read_bytes()
    if reason := UNREADABLE.get(format_of(path)):
        raise DataError(f"{path} is {reason}")
    unpack = _DECOMPRESS.get(path.suffix.lower())
    if unpack is None or not content:
        return content
    try:
        return unpack(content)
    except DataError as error:
        raise DataError(f"{path} {error}") from None
    except _DAMAGES as error:
        raise DataError(
            f"{path} cannot be unpacked as {path.suffix.lower()}: {in_one_line(error)}; fetch or pack it again"
        ) from error


def text_of(path: Path, encoding: str | None = None) -> str:
    r"""Returns the text of a file, unpacked, without a mark of the order of bytes; its ends of lines are unchanged.

    Args:
        path: The file.
        encoding: Its encoding; None is UTF-8, where nobody can choose another.

    Raises:
        DataError: See `content_of`; or the file is not text in ``encoding``.
    """
    content = content_of(path)
    refuse_binary(path, content, encoding or "utf-8")
    try:
        return content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeError as error:
        remedy = "save it in UTF-8" if encoding is None else "give its encoding, such as latin-1"
        at = getattr(error, "start", 0)
        raise DataError(f"{path} is not {encoding or 'UTF-8'} text at byte {at}; {remedy}") from error
    except LookupError as error:
        raise DataError(f"encoding is {encoding!r}, which does not exist; must be such as utf-8") from error


def in_blocks(parse: Callable[[int], pa.Table]) -> pa.Table:
    """Returns the table that ``parse`` makes with blocks of so many bytes, larger ones where a row is longer than one.

    Raises:
        pa.ArrowInvalid: The content is no such table.
    """
    for size in _BLOCK_BYTES[:-1]:
        try:
            return parse(size)
        except pa.ArrowInvalid as error:
            # Arrow needs a whole row in one block.
            if "block" not in str(error):
                raise
    return parse(_BLOCK_BYTES[-1])


def refuse_binary(path: Path, content: bytes, encoding: str = "utf-8") -> None:
    """Refuses bytes that are no text, by their first ones; an encoding of one byte a character takes any for text.

    Raises:
        DataError: The bytes are those of another format.
    """
    for first, what, suffix in SIGNATURES:
        if content.startswith(first):
            raise DataError(f"{path} is {what}; let its name end in {suffix}")
    if content.startswith(b"PAR1") and content.endswith(b"PAR1"):
        raise DataError(f"{path} is a table of Parquet; let its name end in .parquet")
    if content.startswith(_UTF16_MARKS) and encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        raise DataError(f"{path} is UTF-16 text, not UTF-8; save it in UTF-8")


def _members(archive: zipfile.ZipFile) -> list[str]:
    # A Mac adds a shadow of every file.
    return [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX/" not in name]


def _member_of(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
    except (OSError, zipfile.BadZipFile):
        return ""  # what is wrong is said when the file is read
    return members[0] if len(members) == 1 else ""


def _unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = _members(archive)
        if len(members) != 1:
            raise DataError(f"is an archive of {len(members)} files; must hold one: unpack it")
        return archive.read(members[0])


def _unpacked_zst(content: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        unpacked: bytes = stream.read()
    return unpacked


_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": _unpacked_zst,
    ".zip": _unzipped,
}
# Each library has its own; RuntimeError is a zip with a password, ValueError a cut-off .bz2.
_DAMAGES = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
)
