"""Stand-in."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


class DamagedFileError(Exception):
    """x."""


def seal(values: Mapping[str, Any]) -> bytes:
    """X."""
    rest = json.dumps(values, sort_keys=True).encode()
    return json.dumps({**values, "sha256": hashlib.sha256(rest).hexdigest()}, indent=2).encode()


def unseal(content: bytes) -> dict[str, Any]:
    """X."""
    try:
        values = json.loads(content)
        digest = values.pop("sha256")
        rest = json.dumps(values, sort_keys=True).encode()
        if hashlib.sha256(rest).hexdigest() != digest:
            raise DamagedFileError("x")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedFileError(str(error)) from error
    return values
