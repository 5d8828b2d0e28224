"""Nobody gets in without the token or a cookie that it signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from evo_nas.errors import ConfigError
from evo_nas.server.app import create_app
from evo_nas.server.options import Limits
from evo_nas.server.tokens import COOKIE_LIFE_S, Tokens
from tests.server.attacking import CHECK, HOME, TOKEN, options


def test_without_the_token_only_probes_and_signing_in_are_answered(locked: TestClient) -> None:
    for path in ("/api/v1/health", "/api/v1/ready", "/api/v1/session"):
        assert locked.get(path).status_code == 200
    for path in (
        "/api/v1/service",
        "/api/v1/metrics",
        "/api/v1/openapi.json",
        "/api/v1/runs/a",
        "/api/v1/no",
    ):
        answered = locked.get(path)
        assert (answered.status_code, answered.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        TOKEN,
        "Bearer \xff",
    ],
)
def test_a_wrong_token_is_refused(locked: TestClient, value: str) -> None:
    headers = {"authorization": value.encode("latin-1")}
    assert locked.get("/api/v1/service", headers=headers).status_code == 401


def test_a_token_is_presented_once(locked: TestClient) -> None:
    twice = [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer other")]
    assert locked.get("/api/v1/service", headers=twice).status_code == 401
    assert locked.get("/api/v1/service", headers=twice[:1]).status_code == 200


def test_guessing_tokens_is_slow(folder: Path) -> None:
    locked = TestClient(
        create_app(options(folder, token=TOKEN, limits=Limits(burst=60, requests_per_s=1e-3))), base_url=HOME
    )
    answers = [locked.post("/api/v1/session", json={"token": "guess"}).status_code for _ in range(5)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_a_cookie_stands_for_the_token(locked: TestClient) -> None:
    assert locked.post("/api/v1/session", json={"token": "wrong"}).status_code == 401
    signed_in = locked.post("/api/v1/session", json={"token": TOKEN})
    cookie = signed_in.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", f"Max-Age={COOKIE_LIFE_S}"))
    assert TOKEN not in cookie
    assert locked.get("/api/v1/service").status_code == 200
    assert locked.get("/api/v1/session").json() == {"required": True, "signed_in": True}
    locked.delete("/api/v1/session", headers={"origin": HOME})
    assert locked.get("/api/v1/service").status_code == 401


@pytest.mark.parametrize("others", ['a={"b": [1, 2]}', "a b=1", "=", ";;", 'a="'])
def test_cookies_of_other_programs_of_the_host_do_no_harm(locked: TestClient, others: str) -> None:
    ours = locked.post("/api/v1/session", json={"token": TOKEN}).headers["set-cookie"].partition(";")[0]
    locked.cookies.clear()
    answered = locked.get("/api/v1/service", headers={"cookie": f"{others}; {ours}"})
    assert answered.status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/session", "/api/v1/health"])
def test_a_stranger_may_send_no_large_body(locked: TestClient, path: str) -> None:
    headers = {"content-type": "application/json"}
    assert locked.post(path, content=b" " * 5000, headers=headers).status_code == 413
    bearer = headers | {"authorization": f"Bearer {TOKEN}"}
    assert locked.post(path, content=b" " * 5000, headers=bearer).status_code != 413


def test_a_cookie_changes_something_only_from_the_page_itself(locked: TestClient) -> None:
    locked.post("/api/v1/session", json={"token": TOKEN})
    body = {"config": {}}
    assert locked.post(CHECK, json=body).status_code == 403
    for origin in ("http://evil.example.org", "null", f"{HOME}:81", "http://127.0.0.1.evil.example.org", "x"):
        assert locked.post(CHECK, json=body, headers={"origin": origin}).status_code == 403
    assert locked.post(CHECK, json=body, headers={"origin": HOME}).status_code == 200


@pytest.mark.parametrize("forged", ["", ".", "9999999999.x.", "9999999999.x.0", "x.y.z", "9" * 5000, '"'])
def test_a_forged_cookie_is_refused(locked: TestClient, forged: str) -> None:
    name = Tokens(TOKEN, now=lambda: 0.0).cookie_name
    answered = locked.get("/api/v1/service", headers={"cookie": f"{name}={forged}"})
    assert answered.status_code == 401


def test_a_cookie_ends_with_its_time_and_with_the_token() -> None:
    clock = [1000.0]
    tokens = Tokens(TOKEN, now=lambda: clock[0])
    headers = {"cookie": f"{tokens.cookie_name}={tokens.cookie()}"}
    assert tokens.is_known(Headers(headers))
    assert not Tokens(TOKEN[::-1], now=lambda: clock[0]).is_known(Headers(headers))
    clock[0] += COOKIE_LIFE_S + 1
    assert not tokens.is_known(Headers(headers))


@pytest.mark.parametrize(
    "changes", [{"host": "0.0.0.0"}, {"names": ("evo.example.org",)}, {"proxies": ("10.0.0.1",)}]
)
def test_nothing_others_could_reach_starts_without_a_token(folder: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--token-file"):
        options(folder, **changes)


def test_a_short_token_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="at least 16"):
        options(folder, token="guess")
