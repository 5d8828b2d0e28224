"""`Ledger`: the only writer of a run."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evo_nas.errors import CorruptLedgerError, FencedError, RunError
from evo_nas.ledger.compaction import find_small_tail, merge_segments
from evo_nas.ledger.contents import Contents, History, load_history, read_contents
from evo_nas.ledger.epochs import Fence, check_not_superseded, claim_epoch, write_fence
from evo_nas.ledger.local_store import LOCK, TEMPORARY, open_store
from evo_nas.ledger.record import RUN_FILE, RunRecord, encode_record, load_record
from evo_nas.ledger.schema import Describe, to_table
from evo_nas.ledger.segments import FOLDER, encode_segment
from evo_nas.ledger.store import Store, storage_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Self

    from evo_nas.evaluation import Candidate, Evaluation
    from evo_nas.ledger.survey import Survey

_log = logging.getLogger(__name__)


class Ledger:
    """Commits evaluations to a run, one segment a call; `create` or `open` makes one.

    A context manager. Of the rows it keeps nothing in memory: one byte for every candidate id, and the names
    of the segments.

    Attributes:
        record: What run it is.
    """

    def __init__(
        self,
        store: Store,
        record: RunRecord,
        *,
        accept_data_loss: bool,
        settings: Mapping[str, Any] | None,
        describe: Describe | None,
    ) -> None:
        self.record = record
        self._store = store
        self._describe = describe
        self._closed = False
        self._unacknowledged: list[int] = []
        self._told = _Flags()
        self._epoch = claim_epoch(store, settings=settings)
        with self._as_writer("open"):
            contents = read_contents(
                store, columns=["id"], below=self._epoch, accept_data_loss=accept_data_loss
            )
            self._write_fence(contents.survey)
        for segment in contents.segments:
            self._told.add(segment.table["id"].to_pylist())
        self._live = contents.survey.live.copy()
        self._next_seq = contents.survey.next_seq
        with self._as_writer("tidy up"):
            self._tidy_up(contents)

    @classmethod
    def create(
        cls, where: str | os.PathLike[str] | Store, record: RunRecord, *, describe: Describe | None = None
    ) -> Self:
        """Starts a run in an empty or missing directory.

        Raises:
            RunError: It is a file, has something in it, or cannot be written.
        """
        store = open_store(where)
        with storage_errors(store, "start a run in"):
            _refuse_occupied(store)
            with _locked(store):
                _write_record(store, record)
                return cls(store, record, accept_data_loss=False, settings=None, describe=describe)

    @classmethod
    def open(
        cls,
        where: str | os.PathLike[str] | Store,
        *,
        accept_data_loss: bool = False,
        settings: Mapping[str, Any] | None = None,
        describe: Describe | None = None,
    ) -> Self:
        """Takes over a run: what its last writer acknowledged counts, what that may still write does not.

        Args:
            where: Directory of the run.
            accept_data_loss: Whether to go on without committed evaluations that are damaged or missing.
            settings: Sections of the configuration that hold from now on in the place of the recorded ones.
            describe: Gives the JSON of the ``architecture`` column.

        Raises:
            RunError: There is no run, or another process on this host is searching it.
            FormatError: A newer version wrote it.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        store = getattr(where, "store", None) or open_store(where)
        with storage_errors(store, "open the run in"):
            record = load_record(store)
            with _locked(store):
                return cls(
                    store, record, accept_data_loss=accept_data_loss, settings=settings, describe=describe
                )

    def history(self) -> History:
        """Reads back everything told and what was in flight at the last commit.

        Raises:
            FencedError: Another process has taken the run over; the ledger is closed.
        """
        with self._as_writer("read"):
            return load_history(self._store)

    def append(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        """Commits ``evaluations`` as the next ones told; they are durable and counted when it returns.

        When it raises they may or may not be on the disk. They count from the next `open` on if they are; to
        go on in this process, append them again, in the same order, before any other.

        Args:
            evaluations: In the order in which they will be told; without any nothing is written.
            born: Candidates asked since the last commit; those told here may be among them.

        Raises:
            ValueError: A candidate was told before.
            RunError: The disk is full or failing, or the ledger is closed.
            FencedError: Another process has taken the run over; the ledger is closed.
        """
        ids = [evaluation.candidate.id for evaluation in evaluations]
        self._check(ids)
        if not ids:
            return
        table = to_table(evaluations, first_seq=self._next_seq, describe=self._describe)
        in_flight = {candidate.id: candidate for candidate in born}
        for key in ids:
            in_flight.pop(key, None)
        name, content = encode_segment(table, in_flight.values(), epoch=self._epoch)
        self._unacknowledged = ids
        with self._as_writer("write to"):
            self._store.create(name.path, content)
        self._unacknowledged = []
        self._told.add(ids)
        self._live.append(name)
        self._next_seq = name.last + 1
        self._compact()

    def close(self) -> None:
        """Gives the run back. May be called twice."""
        self._closed = True
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _check(self, ids: Sequence[int]) -> None:
        if self._closed:
            raise RunError(f"the ledger of {self._store.location} is closed; open it again to append")
        repeated = {key for key in ids if key in self._told}
        if repeated or len(set(ids)) < len(ids):
            raise ValueError(
                f"candidates {sorted(repeated or ids)} are told a second time; each is told once"
            )
        if ids[: len(self._unacknowledged)] != self._unacknowledged:
            raise ValueError(
                f"evaluations of candidates {self._unacknowledged} may be on the disk already; "
                "append them again first"
            )

    @contextmanager
    def _as_writer(self, action: str) -> Iterator[None]:
        """Looks after its body, not before, whether this is still the writer; if not, its work is void."""
        try:
            with storage_errors(self._store, action):
                try:
                    yield
                finally:
                    check_not_superseded(self._store, self._epoch)
        except FencedError:
            self.close()
            raise

    def _compact(self) -> None:
        tail = find_small_tail(self._live)
        if not tail:
            return
        try:
            with self._as_writer("compact"):
                merged, content = merge_segments(self._store, tail, epoch=self._epoch, told=self._told)
                self._store.create(merged.path, content)
            self._live[-len(tail) :] = [merged]
            for name in tail:
                self._store.delete(name.path)
        except (FencedError, CorruptLedgerError):
            raise
        except (RunError, OSError) as error:
            _log.warning("small segments stay apart for now: %s", error)

    def _write_fence(self, survey: Survey) -> None:
        lost = (*survey.fence.lost, *survey.missing)
        write_fence(self._store, Fence(self._epoch, tuple(map(str, survey.live)), lost))
        for first, last in survey.missing:
            _log.warning("evaluations %d to %d are lost; the run goes on without them", first, last)

    def _tidy_up(self, contents: Contents) -> None:
        """Removes what does not count from the sight of readers that know no fences."""
        survey = contents.survey
        aside = {name.path: f"damaged: {reason}" for name, reason in contents.damage.items()}
        aside |= {name.path: "not part of the run when it was taken over before" for name in survey.stale}
        aside |= {f"{FOLDER}/{text}": "not a segment of this ledger" for text in survey.foreign}
        for path, reason in aside.items():
            _log.warning(
                "%s set aside as %s (%s); it does not count", path, self._store.set_aside(path), reason
            )
        for name in survey.redundant:
            self._store.delete(name.path)
        self._store.discard_leftovers()


class _Flags:
    """A set of small integers, one byte for each up to the largest."""

    def __init__(self) -> None:
        self._flags = bytearray()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, int) and 0 <= key < len(self._flags) and bool(self._flags[key])

    def add(self, keys: Sequence[int]) -> None:
        self._flags.extend(bytes(max(0, max(keys, default=-1) + 1 - len(self._flags))))
        for key in keys:
            self._flags[key] = 1


@contextmanager
def _locked(store: Store) -> Iterator[None]:
    """Locks ``store``, and leaves it locked unless its body fails."""
    store.lock()
    try:
        yield
    except BaseException:
        store.close()
        raise


def check_vacant(where: str | os.PathLike[str] | Store) -> None:
    """Checks that a run can be started at ``where`` as far as that needs no writing.

    Raises:
        RunError: It is a file, has something in it, or cannot be read.
    """
    store = open_store(where)
    with storage_errors(store, "start a run in"):
        _refuse_occupied(store)


def _refuse_occupied(store: Store) -> None:
    present = [name for name in store.list("") if name not in (LOCK, TEMPORARY)]
    if RUN_FILE in present:
        raise RunError(f"{store.location} holds a run already; resume it or choose another directory")
    if present:
        raise RunError(
            f"{store.location} holds no run and is not empty ({', '.join(present[:3])}); "
            "choose an empty or missing directory"
        )


def _write_record(store: Store, record: RunRecord) -> None:
    if not store.create(RUN_FILE, encode_record(record)):
        raise RunError(f"{store.location} was taken by another process just now; choose another directory")
