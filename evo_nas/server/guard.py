"""`Guard`: checks every request before a route sees it.

Every request passes the same checks in this order: is the service called by one of its own names (DNS rebinding), does
the client ask too often, does a page of another site ask through a browser, is the token presented, and does the body
come in time and in bounds. Every answer gets the headers that keep a browser from running what others wrote.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from evo_nas.server.bodies import BodyError, Incoming, lingering, read_body, replayed
from evo_nas.server.origins import is_own_name, is_same_origin, name_in, own_names
from evo_nas.server.problems import answer
from evo_nas.server.rates import Rates, client_at

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from evo_nas.server.options import ServerOptions
    from evo_nas.server.tokens import Tokens

_log = logging.getLogger(__name__)

API = "/api/"
_OPEN = frozenset({"/api/v1/health", "/api/v1/ready", "/api/v1/session"})
"""Paths of the API that need no token: probes have none, and with the last one a browser presents it."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_STRANGER_BODY = 4096
"""Bytes of a body that is read without the token, as to sign in: no stranger shall fill the memory."""
_WRONG_TOKEN_COSTS = 20
"""Requests that one with a wrong token counts as, so that guessing is slow."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class _RefusedError(Exception):
    """A request that goes no further; its argument is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Guard:
    """Refuses the requests that its options do not permit.

    Args:
        app: The service.
        options: Names, token and limits.
        tokens: Who may ask.
    """

    def __init__(self, app: ASGIApp, *, options: ServerOptions, tokens: Tokens) -> None:
        self._app = app
        self._options = options
        self._tokens = tokens
        self._names = own_names(options)
        self._rates = Rates(options.limits.requests_per_s, options.limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection of ASGI; there is no WebSocket here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        answering, incoming = _Answering(scope, send), Incoming(receive)
        try:
            received = await self._checked(scope, incoming)
            await self._app(scope, received, answering)
        except _RefusedError as refused:
            if _has_body(scope):
                # What of it is still to come must not be taken for the next request.
                refused.response.headers["connection"] = "close"
                await refused.response(scope, incoming, lingering(answering, incoming, self._options.limits))
            else:
                await refused.response(scope, incoming, answering)
        except Exception:  # noqa: BLE001 - whatever a route failed at
            # A client learns nothing of how the service is made; the log of the service has all of it.
            _log.exception("%r %r failed", scope["method"], scope["path"])
            if not answering.has_begun:
                response = answer(
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                    "internal-error",
                    "the service failed at this request; its log says why",
                )
                await response(scope, incoming, answering)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """Returns what the routes receive from, with the whole body; raises where a check fails."""
        headers = Headers(scope=scope)
        self._check_name(headers)
        client = client_at((scope.get("client") or ("", 0))[0])
        self._check_rate(client)
        self._check_origin(scope, headers)
        self._check_token(scope, headers, client)
        limits = self._options.limits
        if not scope["state"]["signed_in"]:
            limits = replace(limits, body=min(limits.body, _STRANGER_BODY))
        try:
            body = await read_body(receive, headers=headers, limits=limits)
        except BodyError as error:
            raise _refused(error.status, str(error)) from None
        return replayed(body, receive)

    def _check_name(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) == 1 and is_own_name(hosts[0], self._names):
            return
        name = name_in(hosts[0]) if len(hosts) == 1 else None
        # Names beside those of loopback need a token.
        token = "" if self._tokens.required else " --token-file service.token"
        start = f"`evo-nas serve --name {name or 'HOST'}{token}`"
        raise _refused(
            HTTPStatus.MISDIRECTED_REQUEST,
            f"Host is {', '.join(hosts)[:200]!r}; must be an address or a name of this service "
            f"({', '.join(sorted(self._names))}): call it by one of them, or let whoever runs it permit this name with "
            f"{start}",
        )

    def _check_rate(self, client: str) -> None:
        wait_s = self._rates.wait_s(client)
        if wait_s:
            refusal = _refused(
                HTTPStatus.TOO_MANY_REQUESTS, f"too many requests; ask again in {wait_s:.0f} seconds"
            )
            refusal.response.headers["retry-after"] = f"{wait_s:.0f}"
            raise refusal

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """Refuses what a browser was made to ask by another site; programs send no Origin."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and not is_same_origin(origin, headers["host"]):
            raise _refused(
                HTTPStatus.FORBIDDEN, f"Origin is {origin[:200]!r}; only the page of this service may ask it"
            )
        # A link from elsewhere to the page or a report is no attack. Whatever changes something is, and so is a part
        # of another page that makes the service work.
        is_link = headers.get("sec-fetch-mode") == "navigate" or not scope["path"].startswith(API)
        if site in {"cross-site", "same-site"} and not (is_link and scope["method"] in _SAFE):
            raise _refused(
                HTTPStatus.FORBIDDEN, f"Sec-Fetch-Site is {site}; only the page of this service may ask it"
            )

    def _check_token(self, scope: Scope, headers: Headers, client: str) -> None:
        path = scope["path"]
        known = self._tokens.is_known(headers)
        # Signing in tries a token as well, so its route charges for a wrong one in the same way.
        charge = partial(self._rates.charge, client, _WRONG_TOKEN_COSTS)
        scope["state"] = {**scope.get("state", {}), "signed_in": known, "charge": charge}
        if not path.startswith(API) or path in _OPEN or not self._tokens.required:
            return
        if not known:
            if "authorization" in headers:
                charge()
            refusal = _refused(
                HTTPStatus.UNAUTHORIZED,
                "the token is missing or wrong; send the header `Authorization: Bearer TOKEN`, or sign in on the page",
            )
            refusal.response.headers["www-authenticate"] = "Bearer"
            raise refusal
        by_cookie = not self._tokens.has_bearer(headers)
        if by_cookie and scope["method"] not in _SAFE and "origin" not in headers:
            raise _refused(
                HTTPStatus.FORBIDDEN,
                "Origin is missing; with a cookie it must be that of this service, and a program sends the header "
                "`Authorization: Bearer TOKEN` instead",
            )


def _refused(status: HTTPStatus, detail: str) -> _RefusedError:
    return _RefusedError(answer(status, "request-error", detail))


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


class _Answering:
    """Sends an answer with the headers of every answer.

    Attributes:
        has_begun: Whether its status was sent.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._is_api = scope["path"].startswith(API)
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self._complete(MutableHeaders(scope=message))
        await self._send(message)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if "content-security-policy" not in headers:  # reports have one of their own
            headers["content-security-policy"] = ANSWER_POLICY if self._is_api else PAGE_POLICY
            # For browsers that do not know `frame-ancestors`; a report may be shown on the page.
            headers["x-frame-options"] = "DENY"
        if self._is_api:
            headers.setdefault("cache-control", "no-store")
