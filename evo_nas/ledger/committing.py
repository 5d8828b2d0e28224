"""Commits in the loop that searches, or in a thread beside it.

Evaluations are believed only when their commit is acknowledged, in both cases. Beside the loop, results go on arriving
and candidates go on being sent while a commit is encoded and synced; what arrives in the meantime goes into the next
commit. A single thread makes all commits, one after another, and merges small segments between them.
"""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.ledger.ledger import Ledger

PACE_S = 0.1
"""Seconds from the start of one commit to that of the next, if results keep coming: as long as a lease of short
trainings holds results back. The first result after a quiet time is committed at once."""
LOOK_S = 0.005
"""Seconds for which the loop waits for anything else before it looks at the commit that is under way."""
MOST_AHEAD = 64
"""Most candidates that are asked ahead: each knows less than it would if it were asked when a worker is free."""
_NEGLIGIBLE = 0.05
"""Candidates that a commit would keep from workers; with fewer, none is asked ahead: all know the latest results."""
_SLACK = 2.0
"""Results arrive in bursts, so more than their mean number is asked ahead."""


class Committer(ABC):
    """Makes evaluations durable, one commit after another; a context manager that finishes what was begun.

    Attributes:
        commit_s: Seconds that the last commit took.
    """

    commit_s: float = 0.0

    @abstractmethod
    def start(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        """Begins a commit; the one before it must be acknowledged. Arguments are those of `Ledger.append`."""

    @abstractmethod
    def is_acknowledged(self, *, timeout_s: float = 0.0) -> bool:
        """Whether the commit that was begun last is durable and counts; waits at most ``timeout_s`` for it.

        Raises:
            RunError: The disk is full or failing.
            FencedError: Another process has taken the run over.
        """

    def pause_s(self) -> float:
        """Returns the seconds until the next commit should start, so that more can go into it."""
        return 0.0

    def ahead(self, evaluations: int) -> int:  # noqa: ARG002 - the contract's signature
        """Returns how many candidates workers may need while a commit of ``evaluations`` is under way."""
        return 0

    def close(self) -> None:
        """Finishes the commit that is under way, if any; it may be called more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self.close()


class ImmediateCommitter(Committer):
    """Commits inside `start`; so what is asked depends on no clock.

    Args:
        ledger: The ledger, open for writing.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def start(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        """Commits; raises what `Ledger.append` raises."""
        began = time.monotonic()
        self._ledger.append(evaluations, born=born)
        self.commit_s = time.monotonic() - began

    def is_acknowledged(self, *, timeout_s: float = 0.0) -> bool:  # noqa: ARG002 - the contract's signature
        """Returns True, since what was begun is done."""
        return True


class BackgroundCommitter(Committer):
    """Commits in a thread beside the loop.

    A failure of the thread is raised in the loop, by `is_acknowledged`; the thread makes no further commit.

    Args:
        ledger: The ledger, open for writing; from now on only this thread writes to it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._requests: SimpleQueue[tuple[Sequence[Evaluation], Sequence[Candidate]] | None] = SimpleQueue()
        self._answered = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._failure: BaseException | None = None
        self._started_at = -math.inf
        # A daemon, so that a process that fails before `close` can end; an unfinished commit is a crash as any other.
        self._thread = threading.Thread(target=self._live, name="commits", daemon=True)
        self._thread.start()

    def start(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        """Hands a commit to the thread."""
        self._started_at = time.monotonic()
        self._answered.clear()
        self._idle.clear()
        self._requests.put((evaluations, born))

    def is_acknowledged(self, *, timeout_s: float = 0.0) -> bool:
        """Whether the thread has made the commit that was begun last; raises what failed in it."""
        answered = self._answered.wait(timeout_s)
        if self._failure is not None:
            raise self._failure
        return answered

    def pause_s(self) -> float:
        """Returns the rest of `PACE_S`; while the thread merges segments, the seconds until the next look."""
        if not self._idle.is_set():
            return LOOK_S
        return max(0.0, self._started_at + PACE_S - time.monotonic())

    def ahead(self, evaluations: int) -> int:
        """Returns what will probably be needed, from the last commit and how fast ``evaluations`` have come."""
        between_s = max(time.monotonic() - self._started_at, PACE_S)
        expected = evaluations * self.commit_s / between_s
        return min(MOST_AHEAD, math.ceil(_SLACK * expected)) if expected > _NEGLIGIBLE else 0

    def close(self) -> None:
        """Lets the thread finish and ends it."""
        self._requests.put(None)
        self._thread.join()

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        self.close()
        # What failed after the last look must not pass unseen; but it must not hide what ended the search either.
        if kind is None and self._failure is not None:
            raise self._failure

    def _live(self) -> None:
        while (request := self._requests.get()) is not None:
            evaluations, born = request
            try:
                began = time.monotonic()
                self._ledger.commit(evaluations, born=born)
                self.commit_s = time.monotonic() - began
                self._answered.set()
                # Only now: nobody has to wait for it but the next commit.
                self._ledger.compact()
            except BaseException as error:  # noqa: BLE001 - raised again in the loop
                self._failure = error
                self._answered.set()
                return
            finally:
                self._idle.set()
