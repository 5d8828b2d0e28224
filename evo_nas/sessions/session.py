"""`Session`: the interface that every kind of session implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from evo_nas.cluster.names import typed
from evo_nas.config import configured
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from evo_nas.config import SearchConfig
    from evo_nas.sessions.events import Event, Stopped


class Session(ABC):
    """One search, in this process or in a cluster.

    A session is used by one thread, as a context manager::

        with open_session("runs/quickstart") as session:
            session.start(config)
            for event in session.events():
                show(event)

    `events` ends with `Judged`, or with `Stopped` if the search was stopped.

    Attributes:
        outlives: Whether the search goes on when this session ends.
        place: Directory or URI of the run, as the machine that keeps it names it.
        address: Address of the cluster; None for this machine.
    """

    outlives: ClassVar[bool]

    def __init__(self, place: str, *, address: str | None = None) -> None:
        self.place = place
        self.address = address

    @abstractmethod
    def start(self, config: SearchConfig) -> None:
        """Starts the search that ``config`` describes, resumes it, or finds it if it is already running.

        Raises:
            ConfigError: The configuration is wrong, or the machines lack something that it names.
            ExecutionError: The search cannot be started there.
        """

    def resume(self, overrides: Sequence[str] = ()) -> None:
        """Resumes the run with its recorded configuration and ``overrides``, each ``dotted.key=value``.

        Raises:
            RunError: There is no run.
        """
        recorded = Run.at(self.place).config.model_dump(mode="json")
        self.start(configured(recorded, overrides))

    @abstractmethod
    def attach(self) -> None:
        """Finds a search that is already running; starts nothing.

        Raises:
            ExecutionError: No search of this run is running there.
        """

    @abstractmethod
    def events(self) -> Generator[Event, None, None]:
        """Yields the events of the search from now on, until it was judged or stopped.

        Raises:
            EvoNasError: The search cannot continue.
        """

    @abstractmethod
    def stop(self, *, drain_s: float = 0.0) -> None:
        """Has the search commit what it has and end; `events` says when it has.

        Args:
            drain_s: Longest wait in seconds for candidates that are being trained.
        """

    @abstractmethod
    def leave(self) -> None:
        """Makes `events` end soon: the search goes on if it outlives this session, and stops if not.

        Safe to call from a signal handler.
        """

    def typed(self, command: str) -> str:
        """Returns a command for this run in backticks, ready to be typed."""
        return typed(command, self.place, str(self.address))

    def standing(self) -> Stopped | None:
        """Returns the state of an interrupted search; None if no run was started or the search continues."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the resources of the session; it may be called more than once."""
