"""`Claims`: remembers for a week which request an idempotency key was sent with."""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from evo_nas.server.locks import locked
from evo_nas.server.problems import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEPT_S = 7 * 86_400.0
"""Seconds after which a key that was not sent again is forgotten."""
_NAME = re.compile(r"[0-9a-f]{64}")


class _Claim(BaseModel):
    """What was asked for under an idempotency key."""

    run: str
    body: str


class Claims:
    """The idempotency keys that clients have sent to the services of one root.

    Args:
        folder: The directory that they are kept in, a file each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def claimed(self, key: str, *, run: str, body: bytes) -> Iterator[None]:
        """Keeps ``key`` for one request, now and for every other one later.

        Raises:
            ServiceError: The key stands for another request.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / sha256(key.encode()).hexdigest()
        claim = _Claim(run=run, body=sha256(body).hexdigest())
        with locked(path, busy="a request with the same Idempotency-Key is being answered; try again"):
            known = None if _is_old(path) else _claim_in(path)
            if known not in (None, claim):
                raise ServiceError(
                    HTTPStatus.CONFLICT,
                    "this Idempotency-Key was sent with another body before; give every new request a new key",
                )
            # Before the launch: if the service ends between the two, the same request launches, and another is refused.
            if known is None:
                path.write_bytes(claim.model_dump_json().encode())
            else:
                # Not written again: a service that is killed meanwhile, or a full disk, would leave an empty file.
                os.utime(path)
            yield

    def forget_old(self) -> None:
        """Removes the keys that were not sent for so long that they are forgotten."""
        # Others may write to a shared root: no link and no other file may have this service remove something else.
        if self._folder.is_symlink() or not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if not _NAME.fullmatch(path.name) or path.is_symlink() or not path.is_file() or not _is_old(path):
                continue
            # One that is being answered is not old afterwards, and one that cannot be opened must not keep the others.
            with suppress(ServiceError, OSError), locked(path, busy="it is being answered"):
                if _is_old(path):
                    path.unlink()


def mark_of(key: str, body: bytes) -> str:
    """Returns the mark by which a launch knows the request with ``key`` and ``body``; empty without a key."""
    return sha256(sha256(key.encode()).digest() + body).hexdigest() if key else ""


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > KEPT_S
    except FileNotFoundError:
        return False


def _claim_in(path: Path) -> _Claim | None:
    """Returns the claim in a file; None if a service ended before it had written it."""
    try:
        return _Claim.model_validate_json(path.read_bytes())
    except ValidationError:
        return None
