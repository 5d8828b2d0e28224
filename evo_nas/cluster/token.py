"""The token that Ray requires, in a file that only its owner can read.

Without a token, any machine that reaches a cluster's ports can run code there. Ray uses tokens only if it is told to,
and would itself write the token to a file that every user of the machine can read.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from evo_nas.errors import ConfigError

OTHERS = 0o077


def token_path() -> Path:
    """Returns the file in which Ray looks for the token."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return Path(named) if named else Path("~/.ray/auth_token").expanduser()


def ensure_token() -> Path:
    """Makes a token if there is none, keeps others from reading it, and returns its file."""
    path = token_path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Created with its final mode and not through a link, so that there is no moment in which others can read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        if is_readable_by_others(path):
            path.chmod(0o600)
        return path
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path


def is_readable_by_others(path: Path) -> bool:
    """Whether other users than its owner have any permission for the file at ``path``."""
    return bool(path.stat().st_mode & OTHERS)


def require_token() -> None:
    """Turns token authentication on for this process and its children, unless the environment turns it off.

    Raises:
        ConfigError: Authentication is on and there is no token.
    """
    mode = os.environ.setdefault("RAY_AUTH_MODE", "token")
    if mode.lower() != "token" or os.environ.get("RAY_AUTH_TOKEN"):
        return
    if not token_path().is_file():
        raise ConfigError(
            f"there is no token for Ray at {token_path()}; copy that of the cluster there, make one with "
            "`evo-nas token` before the cluster is started, or go without (RAY_AUTH_MODE=disabled) where "
            "nobody else can reach the cluster"
        )
