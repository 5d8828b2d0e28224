"""Checks how large a posted zip is before it is unpacked, so that no small body fills the memory."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile

from evo_nas.errors import DataError

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

MOST_UNPACKED_BYTES = 2**28
UNREADABLE = (BadZipFile, zlib.error, struct.error, RuntimeError, OSError, EOFError, ValueError)
"""What `zipfile` raises for a damaged or forged zip, for one with a password, and for one of another version."""
_BOUNDED = frozenset({ZIP_STORED, ZIP_DEFLATED})
"""Ways of packing of which `zipfile` unpacks no more than it is asked for; of others it unpacks all that it reads."""


def check_unpacked(packed: ZipFile, *, called: str) -> None:
    """Checks how much ``packed``, which messages say is ``called`` so, unpacks to.

    Raises:
        DataError: It is too much, or is not known.
    """
    found = packed.infolist()
    if other := next((each.filename for each in found if each.compress_type not in _BOUNDED), None):
        raise DataError(
            f"{called} has {other[:80]!r} packed in a rare way; pack it with deflate, or not at all"
        )
    size = sum(each.file_size for each in found)
    if size > MOST_UNPACKED_BYTES:
        raise DataError(f"{called} unpacks to {size:,} bytes; must be at most {MOST_UNPACKED_BYTES:,}")


def unpacked(packed: ZipFile, each: ZipInfo) -> bytes:
    """Returns the content of a file of a zip that was checked, and never more than its directory says."""
    with packed.open(each) as file:
        # Without a size it would unpack 2 GiB of one that says it is small before it looks at that.
        return file.read(each.file_size)
