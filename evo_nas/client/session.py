"""`ServiceSession`: a search that a service runs, event by event."""

from __future__ import annotations

import json
import math
import shlex
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from evo_nas.client.connection import ServiceError
from evo_nas.client.event_stream import END
from evo_nas.config import SearchConfig, checked
from evo_nas.config.yaml_text import parse_yaml
from evo_nas.errors import ConfigChangedError, ConfigError, ExecutionError
from evo_nas.runs.identity import changed_keys
from evo_nas.sections import spelled_out_as_begun
from evo_nas.sessions.events import Failed, Judged, Stopped, event_from_json
from evo_nas.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from evo_nas.client.client import Client
    from evo_nas.client.event_stream import EventStream
    from evo_nas.client.models import RunDetail
    from evo_nas.sessions.events import Event

_AT_REST = frozenset({"stopped", "failed", "complete", "judged"})
"""States in which nothing is done for a run, so that it may go on - a judged one with a larger budget."""


class ServiceSession(Session):
    """Follows the search of one run of a service, which goes on when the session ends.

    Args:
        client: The service.
        name: Name of the run.
        accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
    """

    outlives = True

    def __init__(self, client: Client, name: str, *, accept_data_loss: bool = False) -> None:
        super().__init__(name)
        self._client = client
        self._run = client.run(name)
        self._accept_data_loss = accept_data_loss
        self._stream: EventStream | None = None
        self._after: str | None = None
        self._left = False

    def start(self, config: SearchConfig) -> None:
        """Submits the configuration, or goes on with the run of this name if it is that of the same search.

        Raises:
            ConfigChangedError: The run of this name was started with another configuration.
        """
        try:
            state = self._client.launch(config, name=self.place).state
        except ServiceError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            # Something has this name already: the budget may be another one now, but nothing else.
            detail = self._run.detail()
            self._require_same(config, detail)
            state = detail.state
        if state in _AT_REST:
            self._go_on(config)

    def resume(self, overrides: Sequence[str] = ()) -> None:
        """Has the service resume the run; of one that is judged and complete `events` has the verdict.

        Args:
            overrides: New totals of the budget and the exact number of workers, each ``dotted.key=value``.

        Raises:
            ConfigError: Something else is overridden.
            ServiceError: The run is being searched already, or is complete and not to be judged.
        """
        budget, workers = _changes(overrides)
        try:
            self._resume(budget, workers)
        except ServiceError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            detail = self._run.detail()
            if detail.state != "judged" or budget.get("evaluations", math.inf) < detail.evaluated:
                raise

    def judge(self, **options: Any) -> None:
        """Has the service judge the run; `events` has what that says, and no verdict of before.

        Args:
            options: Of the section ``verdict``; see `RemoteRun.judge`.
        """
        self._after = f"{self._run.judge(**options).launch}-0"

    def attach(self) -> None:
        """Checks that there is such a run; `events` follows whatever searches it."""
        self._run.detail()

    def events(self) -> Generator[Event, None, None]:
        """Yields the events of the search, also across restarts of the service.

        Raises:
            ExecutionError: The search has failed, or the service does not come back.
        """
        self._stream = self._run.stream(after=self._after)
        if self._left:
            return
        last: Event | None = None
        for message in self._stream.messages():
            if message.kind == END:
                yield from self._ending(json.loads(message.data), last)
                return
            event = event_from_json(message.data)
            if isinstance(event, Failed):
                raise ExecutionError(event.error)
            if event is not None:
                last = event
                yield event

    def stop(self, *, drain_s: float = 0.0) -> None:
        """Has the service stop the search; `events` says when it has."""
        self._run.stop(drain_s=drain_s)

    def leave(self) -> None:
        """Ends `events` soon; the search goes on."""
        self._left = True
        if self._stream is not None:
            self._stream.leave()

    def typed(self, command: str) -> str:
        """Returns a command for this run in backticks, ready to be typed."""
        return f"`evo-nas {command} {shlex.quote(self.place)} --service {shlex.quote(self._client.url)}`"

    def _go_on(self, config: SearchConfig) -> None:
        """Resumes the run, if its search has ended before its budget or before its verdict."""
        given = config.budget.model_dump(mode="json", exclude_unset=True)
        try:
            self._resume(given, config.workers.count)
        except ServiceError as error:
            # It is complete, or another one was quicker: `events` tells.
            if error.status != HTTPStatus.CONFLICT:
                raise

    def _resume(self, budget: dict[str, Any], workers: int | None) -> None:
        """Has the service resume the run; `events` has what that says, and no verdict of before."""
        resumed = self._run.resume(budget=budget, workers=workers, accept_data_loss=self._accept_data_loss)
        self._after = f"{resumed.launch}-0"

    def _require_same(self, config: SearchConfig, detail: RunDetail) -> None:
        recorded = checked(SearchConfig, detail.config)
        if changed := changed_keys(recorded, spelled_out_as_begun(config, recorded)):
            lines = "".join(f"\n  {each}" for each in changed)
            raise ConfigChangedError(
                f"run {self.place} of {self._client.url} was started with another configuration; undo these changes "
                f"or give another name with --run:{lines}"
            )

    def _ending(self, values: dict[str, Any], last: Event | None) -> Generator[Event, None, None]:
        """Yields how the search ended, where its own events have not said it."""
        if values.get("state") == "failed":
            raise ExecutionError(str(values.get("reason")) or f"the search of {self.place} has failed")
        if isinstance(last, Stopped | Judged):
            return
        detail = self._run.detail()
        if detail.verdict is not None:
            yield Judged(verdict=detail.verdict)
            return
        told, budget = detail.evaluated, detail.evaluations or detail.evaluated
        yield Stopped(run=self.place, told=told, evaluations=budget, complete=detail.complete)


def _changes(overrides: Sequence[str]) -> tuple[dict[str, Any], int | None]:
    budget: dict[str, Any] = {}
    workers: int | None = None
    for override in overrides:
        key, _, text = override.partition("=")
        value = parse_yaml(text, source=key)
        if key.startswith("budget."):
            budget[key.removeprefix("budget.")] = value
        elif key == "workers.count":
            workers = value
        # An exact number of workers comes with these, which it does away with.
        elif key not in {"workers.min", "workers.max"} or value is not None:
            raise ConfigError(
                f"{key} cannot be changed over a service; must be workers.count or one of budget.*, such as "
                "budget.evaluations=500"
            )
    return budget, workers
