"""The secret of a cluster is made once, and only its owner can read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evo_nas.cluster.token import ensure_token, require_token
from evo_nas.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_token_is_made_once_and_for_its_owner_alone(home: Path) -> None:
    path = ensure_token()
    assert path == home / ".ray" / "auth_token"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    token = path.read_text()
    assert len(token) == 64
    assert ensure_token().read_text() == token


def test_a_token_that_others_can_read_is_mended(home: Path) -> None:
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text("secret")
    (home / ".ray" / "auth_token").chmod(0o644)
    assert ensure_token().stat().st_mode & 0o777 == 0o600
    assert ensure_token().read_text() == "secret"


def test_authentication_is_on_and_wants_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(ConfigError, match=r"no token for Ray at .*auth_token; .*`evo-nas token`"):
        require_token()
    ensure_token()
    require_token()


def test_who_turns_authentication_off_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    require_token()
