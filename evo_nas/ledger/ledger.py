"""`Ledger`: the only writer of a run."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evo_nas.errors import CorruptLedgerError, FencedError, RunError
from evo_nas.ledger.compaction import find_small_tail, merge_segments
from evo_nas.ledger.contents import History, VerifiedSegments
from evo_nas.ledger.fencing import as_writer
from evo_nas.ledger.reader import LedgerReader
from evo_nas.ledger.record import RUN_FILE, RunRecord, encode_record
from evo_nas.ledger.schema import Describe, to_table
from evo_nas.ledger.segments import Segment, SegmentName, encode_segment
from evo_nas.ledger.store import LOCK, TEMPORARY, WEIGHTS, Store, storage_errors
from evo_nas.ledger.stores import Place, open_store
from evo_nas.ledger.takeover import Takeover, take_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Self

    from evo_nas.evaluation import Candidate, Evaluation

_log = logging.getLogger(__name__)


class Ledger:
    """Commits evaluations to a run, one segment per call; `create` or `open` makes one.

    A context manager. It keeps no rows in memory, only one byte for every candidate id and the names of the segments.

    Args:
        segments: The segments of the run; `history` uses again what was read to open it.
        record: The record of the run.
        taken: The term that this writer has begun.
        keep: Whether `history` keeps what it reads for other readers of the same segments.
        describe: Returns the JSON of the ``architecture`` column for a genome.

    Attributes:
        record: The record of the run.
    """

    def __init__(
        self,
        segments: VerifiedSegments,
        record: RunRecord,
        taken: Takeover,
        *,
        keep: bool = False,
        describe: Describe | None,
    ) -> None:
        self.record = record
        self._segments = segments
        self._store = segments.store
        self._keep = keep
        self._describe = describe
        self._closed = False
        self._unacknowledged: list[int] = []
        self._told = _Flags()
        for segment in taken.contents.segments:
            self._told.add(segment.table["id"].to_pylist())
        self._term = taken.term
        self._live = taken.contents.manifest.live.copy()
        # The small segments that this writer has added since the last merge: decoding them takes as long as writing.
        self._small: dict[SegmentName, Segment] = {}
        self._next_seq = taken.contents.manifest.next_seq

    @classmethod
    def create(
        cls,
        place: Place,
        record: RunRecord,
        *,
        describe: Describe | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> Self:
        """Starts a run in an empty or missing directory.

        Args:
            place: Where the run will be kept.
            record: Its record.
            describe: Returns the JSON of the ``architecture`` column for a genome.
            before: Writes what the record refers to; called when the place is known to be vacant.

        Raises:
            RunError: It is a file, has something in it, or cannot be written.
        """
        store = open_store(place)
        with storage_errors(store, "start a run in"):
            _refuse_occupied(store)
            with _locked(store):
                before()
                _write_record(store, record)
                segments = VerifiedSegments(store)
                return cls(segments, record, take_over(segments), describe=describe)

    @classmethod
    def open(
        cls,
        place: Place | LedgerReader,
        *,
        accept_data_loss: bool = False,
        settings: Mapping[str, Any] | None = None,
        keep: bool = False,
        describe: Describe | None = None,
    ) -> Self:
        """Takes over a run: everything that its last writer acknowledged counts, and nothing that it may write later.

        Args:
            place: The place of the run, or its reader, whose verified segments are not read again.
            accept_data_loss: Whether to resume although committed evaluations are damaged or missing.
            settings: Sections of the configuration that replace the recorded ones from now on.
            keep: Whether the reader keeps the compressed segments in memory for later questions.
            describe: Returns the JSON of the ``architecture`` column for a genome.

        Raises:
            RunError: There is no run, or another process on this host is searching it.
            FormatError: A newer version wrote it.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        reader = place if isinstance(place, LedgerReader) else LedgerReader(open_store(place))
        with storage_errors(reader.store, "open the run in"):
            record = reader.record
            with _locked(reader.store):
                taken = take_over(reader.segments, settings=settings, accept_data_loss=accept_data_loss)
                return cls(reader.segments, record, taken, keep=keep, describe=describe)

    def history(self) -> History:
        """Returns the told evaluations and the candidates in flight, as of the last commit.

        Raises:
            FencedError: Another process has taken the run over; the ledger is closed.
        """
        with self._writing("read"):
            # The search remembers what it gets here, so the files are kept in memory only on request.
            return self._segments.history(keep=self._keep)

    def append(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        """Commits, then compacts; arguments and errors are those of `commit`."""
        self.commit(evaluations, born=born)
        self.compact()

    def commit(self, evaluations: Sequence[Evaluation], *, born: Sequence[Candidate]) -> None:
        """Commits ``evaluations`` as the next ones told; they are durable and counted when it returns.

        When it raises, they may or may not be on the disk. If they are, they count from the next `open` on; to
        go on in this process, append them again, in the same order, before any other.

        Args:
            evaluations: In the order in which they will be told; nothing is written if there are none.
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
        segment = Segment(table, list(in_flight.values()))
        name, content = encode_segment(segment.table, segment.born, term=self._term)
        # If the next step fails, the rows may exist nevertheless, so no other rows may take their places.
        self._unacknowledged = ids
        with self._writing("write to"):
            self._store.create(name.path, content)
        self._unacknowledged = []
        self._told.add(ids)
        self._live.append(name)
        self._small[name] = segment
        self._next_seq = name.last + 1

    def compact(self) -> None:
        """Merges small segments if there are many; without that, only reading would become slower.

        Raises:
            CorruptLedgerError: A segment was damaged since it was written.
            FencedError: Another process has taken the run over; the ledger is closed.
        """
        tail = find_small_tail(self._live)
        if not tail:
            return
        try:
            with self._writing("compact"):
                merged, content = merge_segments(
                    self._store, tail, term=self._term, told=self._told, kept=self._small
                )
                self._store.create(merged.path, content)
            self._live[-len(tail) :] = [merged]
            # The sources may go only now that the merged rows are durable and counted.
            for name in tail:
                self._store.delete(name.path)
        except (FencedError, CorruptLedgerError):
            raise
        except (RunError, OSError) as error:
            # Compaction only makes reading faster, so its failure must not stop a search.
            _log.warning("small segments stay apart for now: %s", error)
        finally:
            self._small.clear()

    def check_owned(self) -> None:
        """Checks that this is still the only writer of the run.

        Raises:
            FencedError: Another process has taken the run over; the ledger is closed.
        """
        with self._writing("read"):
            pass

    def close(self) -> None:
        """Unlocks the run; it may be called more than once."""
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
    def _writing(self, action: str) -> Iterator[None]:
        """Runs its body as the writer of this term, and closes the ledger if another one has taken over."""
        try:
            with as_writer(self._store, self._term, action):
                yield
        except FencedError:
            self.close()
            raise


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
    """Locks ``store``; it stays locked unless the body fails."""
    store.lock()
    try:
        yield
    except BaseException:
        store.close()
        raise


def check_vacant(place: Place) -> None:
    """Checks, without writing anything, that a run can be started at ``place``.

    Raises:
        RunError: It is a file, has something in it, or cannot be read.
    """
    store = open_store(place)
    with storage_errors(store, "start a run in"):
        _refuse_occupied(store)


def _refuse_occupied(store: Store) -> None:
    # Weights without a record are what a start left that was interrupted: the record comes last.
    present = [name for name in store.list("") if name not in (LOCK, TEMPORARY, WEIGHTS)]
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
