"""The contract of every session."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

from evo_nas.config import configured
from evo_nas.runs import Run

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from evo_nas.config import SearchConfig
    from evo_nas.sessions.events import Event, Stopped


class Session(ABC):
    """One search, wherever it is run.

    Used by one thread, as a context manager::

        with open_session("runs/quickstart") as session:
            session.start(config)
            for event in session.events():
                show(event)

    `events` ends with `Judged`, or with `Stopped` if somebody stopped the search.

    Attributes:
        outlives: Whether the search goes on when this session ends.
        place: Where the run is kept, in the words of the machine that keeps it.
        address: Address of the cluster; None for this machine.
    """

    outlives: ClassVar[bool]

    def __init__(self, place: str, *, address: str | None = None) -> None:
        self.place = place
        self.address = address

    @abstractmethod
    def start(self, config: SearchConfig) -> None:
        """Begins the search that ``config`` describes, goes on with it, or finds it where it is run already.

        Raises:
            ConfigError: Something in the configuration is wrong, or the machines lack what it names.
            ExecutionError: The search cannot be started there.
        """

    def resume(self, overrides: Sequence[str] = ()) -> None:
        """Goes on with the run as its record says, but for ``overrides``, each ``dotted.key=value``.

        Raises:
            RunError: There is no run.
        """
        recorded = Run.at(self.place).config.model_dump(mode="json")
        self.start(configured(recorded, overrides))

    @abstractmethod
    def attach(self) -> None:
        """Finds the search where it is run, and starts nothing.

        Raises:
            ExecutionError: Nothing searches this run there.
        """

    @abstractmethod
    def events(self) -> Generator[Event, None, None]:
        """Yields what the search says, from its start or from where it stands, until it has ended and been judged.

        Raises:
            EvoNasError: The search cannot go on.
        """

    @abstractmethod
    def stop(self, *, drain_s: float = 0.0) -> None:
        """Has the search commit what it has and end; `events` says when it has.

        Args:
            drain_s: Seconds to wait at most for candidates that are being trained.
        """

    @abstractmethod
    def leave(self) -> None:
        """Makes `events` end soon: the search goes on if it outlives this session, and stops if not.

        Safe to call from a signal handler.
        """

    def standing(self) -> Stopped | None:
        """Returns where a search that was broken off stands; None if no run was started, or the search goes on."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back what the session holds. May be called twice."""
