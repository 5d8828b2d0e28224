"""The file that holds the token of a service."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING

from evo_nas.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 1024


def token_in(path: Path) -> str:
    """Returns the token in the file at ``path``, which is made for its owner alone if it is not there.

    Raises:
        ConfigError: The file cannot be read or made, everyone can read it, or it holds no token.
    """
    try:
        # Made with its final mode and not through a link, so that there is no moment in which others can read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ConfigError(
            f"--token-file {path} cannot be made: {error.strerror}; name a file in a directory that is there"
        ) from None
    token = secrets.token_hex(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{token}\n")
    return token


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"--token-file {path} cannot be read: {error.strerror}") from None
    # A group may be needed to read a secret of Kubernetes; nobody needs everyone.
    if mode & stat.S_IRWXO:
        raise ConfigError(
            f"--token-file {path} can be read by every user of this machine; run `chmod 600 {path}`"
        )
    token = content.decode("ascii", "replace").strip()
    if (
        len(content) > _MOST_BYTES
        or not token.isprintable()
        or not token.isascii()
        or " " in token
        or not token
    ):
        raise ConfigError(
            f"--token-file {path} holds no token; it must be one line of letters, digits and signs, such as "
            "`openssl rand -hex 32` prints, or not be there: then it is made"
        )
    return token
