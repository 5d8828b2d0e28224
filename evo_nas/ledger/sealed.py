"""JSON files that carry their own checksum, and the error for damaged files.

A segment has its checksum in its name. Every other file of a run is readable JSON with a SHA-256 under ``sha256``. It
is computed from the other values in canonical form, so that the layout of the text does not matter.
"""

from __future__ import annotations

import errno
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.ledger.store import Store

CHECKSUM = "sha256"
_UNREADABLE = (errno.EIO, errno.EISDIR)


class DamagedError(Exception):
    """A file is not what was written; the caller that catches this adds the path and what to do."""


def seal(values: Mapping[str, Any]) -> bytes:
    """Returns ``values`` as indented JSON that carries its checksum; `unseal` gives them back.

    Raises:
        ValueError: A value is infinite or not a number, or ``values`` has the key of the checksum.
    """
    if CHECKSUM in values:
        raise ValueError(f"the key {CHECKSUM} is kept for the checksum")
    # What is hashed is what will be read: JSON turns tuples into lists and all keys into text.
    plain = json.loads(json.dumps(values, allow_nan=False))
    return (json.dumps({**plain, CHECKSUM: _checksum(plain)}, indent=2) + "\n").encode()


def unseal(content: bytes) -> dict[str, Any]:
    """Returns the values from which `seal` made ``content``.

    Raises:
        DamagedError: The content has changed.
    """
    try:
        values = json.loads(content)
        written = values.pop(CHECKSUM)
        found = _checksum(values)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(f"it is no JSON with a checksum ({type(error).__name__}: {error})") from error
    if written != found:
        raise DamagedError(f"its values do not have the checksum in its {CHECKSUM}")
    return dict(values)


def read_bytes(store: Store, name: str) -> bytes:
    """Returns the content of the file ``name``.

    Raises:
        DamagedError: The file is missing, or the disk cannot read it; other failures of ``store`` stay an `OSError`.
    """
    try:
        return store.read(name)
    except FileNotFoundError as error:
        raise DamagedError("it has gone") from error
    except OSError as error:
        # A server that does not answer is no damage: the next attempt may succeed.
        if error.errno not in _UNREADABLE:
            raise
        raise DamagedError(f"it cannot be read: {error.strerror}") from error


def _checksum(values: Mapping[str, Any]) -> str:
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
