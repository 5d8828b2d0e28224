"""`Tokens`: checks who may ask, by a token in a header or by the cookie that a browser got for it.

A cookie is signed with the token and says until when it holds. So the service remembers no sessions, every service with
the same token takes it, and another token ends all of them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from starlette.requests import cookie_parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers

COOKIE_LIFE_S = 12 * 3600


class Tokens:
    """Checks requests against the one token of a service.

    Args:
        token: The token; None where nobody needs one.
        now: The time in seconds since 1970.
    """

    def __init__(self, token: str | None, *, now: Callable[[], float]) -> None:
        self._key = None if token is None else token.encode()
        self._now = now

    @property
    def required(self) -> bool:
        """Whether a request needs the token."""
        return self._key is not None

    @property
    def cookie_name(self) -> str:
        """The name of the cookie, another one for each token: browsers do not tell the ports of a host apart."""
        return f"evo-nas-{self._signed('cookie')[:8]}"

    def is_token(self, presented: str) -> bool:
        """Whether ``presented`` is the token; how long that takes says nothing about it."""
        return self._key is None or _equal(presented.encode("utf-8", "replace"), self._key)

    def cookie(self) -> str:
        """Returns a new cookie."""
        claim = f"{int(self._now()) + COOKIE_LIFE_S}.{secrets.token_urlsafe(16)}"
        return f"{claim}.{self._signed(claim)}"

    def is_known(self, headers: Headers) -> bool:
        """Whether a request with these headers may pass."""
        return not self.required or self.has_bearer(headers) or self._has_cookie(headers)

    def has_bearer(self, headers: Headers) -> bool:
        """Whether the token itself is presented."""
        given = headers.getlist("authorization")
        if len(given) != 1 or not self.required:
            return False
        scheme, _, presented = given[0].partition(" ")
        return scheme.lower() == "bearer" and self.is_token(presented.strip())

    def _has_cookie(self, headers: Headers) -> bool:
        # Not `http.cookies`, which drops all cookies if another program of the host has set one that it cannot read.
        cookies = cookie_parser("; ".join(headers.getlist("cookie")))
        claim, _, signature = cookies.get(self.cookie_name, "").rpartition(".")
        expires = claim.partition(".")[0]
        if not _equal(signature.encode("utf-8", "replace"), self._signed(claim).encode()):
            return False
        return int(expires) > self._now()

    def _signed(self, text: str) -> str:
        return hmac.new(self._key or b"", text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _equal(presented: bytes, known: bytes) -> bool:
    # Digests are of one length, so that not even the length of the token shows.
    return hmac.compare_digest(hashlib.sha256(presented).digest(), hashlib.sha256(known).digest())
