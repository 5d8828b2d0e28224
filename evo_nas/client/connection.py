"""`Connection`: requests to one service, whose problems become the errors of evo-nas."""

from __future__ import annotations

import inspect
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests

from evo_nas import errors
from evo_nas.errors import ConfigError, EvoNasError, ExecutionError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "/api/v1"
READ_S = 300.0
"""Longest wait for an answer: an export or a report may take minutes to be made."""
_AWAY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What a proxy answers while the service behind it does not, as during a restart."""


class ServiceError(EvoNasError):
    """A service refused a request, and the reason is not a wrong configuration, unsuitable data or a damaged run.

    Args:
        message: What the service says.
        status: The status code of its answer.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _Bearer(requests.auth.AuthBase):
    """Sends the token; as an object, since requests would let a password of ``.netrc`` replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Connection:
    """Requests to one service.

    Args:
        url: Where it is, such as ``http://127.0.0.1:8765``.
        token: What it wants to be shown; None if it wants nothing.
        timeout_s: Longest wait until it accepts a connection.

    Raises:
        ConfigError: ``url`` is no URL of HTTP, or ``token`` cannot be one.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_s: float = 10.0) -> None:
        if not re.match(r"https?://[^/\s]+", url):
            raise ConfigError(f"service is {url!r}; must be a URL such as http://127.0.0.1:8765")
        token = (token or "").strip()  # a file that it was read from ends with a line break
        if not re.fullmatch(r"[!-~]*", token):
            # Without the token itself, which would stand in a log.
            raise ConfigError(
                "the token has blanks, line breaks or characters beyond ASCII; give it as it stands in the file of "
                "the service, by --token-file or EVO_NAS_TOKEN"
            )
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._requests = requests.Session()
        self._requests.auth = _Bearer(token)

    def send(
        self,
        method: str,
        path: str,
        *,
        streams: bool = False,
        read_s: float = READ_S,
        **arguments: Any,
    ) -> requests.Response:
        """Returns the answer to a request.

        Args:
            method: Such as ``GET``.
            path: The path after the prefix of the API, with a slash before it.
            streams: Whether the body of the answer is left to be read bit by bit; the caller closes it.
            read_s: Longest wait for the next bytes.
            arguments: As for `requests.request`: params, json, data, headers.

        Raises:
            ExecutionError: No service answers.
            EvoNasError: The service refuses, with what it says.
        """
        try:
            response = self._requests.request(
                method,
                f"{self.url}{PREFIX}{path}",
                stream=streams,
                timeout=(self._timeout_s, read_s),
                **arguments,
            )
        except requests.RequestException as error:
            raise self.lost(error) from None
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            with response:
                raise self._error_of(response)
        return response

    def values(self, method: str, path: str, **arguments: Any) -> Any:
        """Returns the JSON of an answer; raises as `send` does."""
        response = self.send(method, path, **arguments)
        try:
            return response.json()
        except ValueError:
            raise ExecutionError(
                f"{self.url} answers with something else than JSON; is it the URL of a service of evo-nas?"
            ) from None

    def lost(self, error: Exception) -> ExecutionError:
        """Returns the error for a service that does not answer."""
        if isinstance(error, requests.exceptions.SSLError):
            return ExecutionError(
                f"no secure connection to {self.url} ({_innermost(error)}); where the certificate is of an authority "
                "of your own, name the authority's file in the environment variable REQUESTS_CA_BUNDLE"
            )
        return self._unanswered(_innermost(error))

    def close(self) -> None:
        """Closes what is open."""
        self._requests.close()

    def _error_of(self, response: requests.Response) -> EvoNasError:
        problem, status = _problem_of(response), response.status_code
        answered = f"{status} {response.reason}".strip()
        if not problem and status in _AWAY:
            return self._unanswered(f"what stands before it says {answered}")
        # A service says in a problem what is wrong.
        foreign = f"{self.url} answers {answered}, which is of a proxy before a service, or of something else"
        text = str(problem.get("detail") or foreign)
        if status == HTTPStatus.UNAUTHORIZED:
            text = f"{text}; give the token of the service by --token-file or EVO_NAS_TOKEN"
        kind = _KINDS.get(str(problem.get("type", "")))
        if kind is None and status == HTTPStatus.UNPROCESSABLE_ENTITY:
            kind = ConfigError  # a wrong option, whatever found it
        return ServiceError(text, status) if kind is None else kind(text)

    def _unanswered(self, reason: str) -> ExecutionError:
        return ExecutionError(
            f"no service answers at {self.url} ({reason}); check the URL, or start one with `evo-nas serve`"
        )


def _innermost(error: BaseException) -> str:
    """Returns what was wrong in the end, without the objects that libraries name on the way."""
    while isinstance(inner := error.__cause__ or error.__context__, Exception):
        error = inner
    text = str(error) or type(error).__name__
    return re.sub(r"^\[Errno -?\d+\] ", "", text)


def _problem_of(response: requests.Response) -> Mapping[str, Any]:
    try:
        values = response.json()
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _kinds() -> dict[str, type[EvoNasError]]:
    """Returns the errors of evo-nas by the names that problems give them, such as ``config-error``."""
    found = [
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, EvoNasError) and each is not EvoNasError
    ]
    return {re.sub(r"(?<!^)(?=[A-Z])", "-", each.__name__).lower(): each for each in found}


_KINDS = _kinds()
