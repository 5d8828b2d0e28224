"""`LedgerReader`: reads a run without a claim, safely beside a live writer."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_nas.errors import RunError
from evo_nas.ledger.contents import TOTALS_COLUMNS, History, Totals, VerifiedSegments
from evo_nas.ledger.fencing import read_fence, read_settings
from evo_nas.ledger.inspection import verify_files
from evo_nas.ledger.manifest import read_manifest
from evo_nas.ledger.record import RUN_FILE, RunRecord, decode_record
from evo_nas.ledger.store import Store, storage_errors
from evo_nas.ledger.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Sequence

    import pyarrow as pa

    from evo_nas.ledger.segments import Segment


class LedgerReader:
    """Reads one run; every answer comes from the same verified segments.

    A verified segment is not read again. Each call lists the directory again, so that it sees what a live writer has
    committed since.

    Args:
        store: The place of the run; it may be empty.

    Attributes:
        store: The place of the run.
        segments: Its segments; `Ledger.open` uses again what was verified here.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.segments = VerifiedSegments(store)
        self._run_file: bytes | None = None
        self._record: RunRecord | None = None

    @property
    def record(self) -> RunRecord:
        """The record of the run.

        Raises:
            RunError: There is no run.
            FormatError: A newer version wrote it.
            CorruptLedgerError: The record is damaged, or was changed by hand.
        """
        # Not a cached_property, since in Python 3.11 its lock makes all readers of this process wait for each other.
        if self._record is None:
            self._record = self._read_record()
        return self._record

    def exists(self) -> bool:
        """Whether a run was started here, even if it is damaged now."""
        # Only a run that exists is remembered; if there is none yet, one may be started later.
        if self._run_file is None:
            with storage_errors(self.store, "read"):
                try:
                    self._run_file = self.store.read(RUN_FILE)
                except (FileNotFoundError, NotADirectoryError):
                    return False
        return True

    def settings(self) -> dict[str, Any]:
        """Returns the sections of the recorded configuration that have changed since.

        The record never changes; a writer with another budget or other workers notes these in its claim.

        Raises:
            CorruptLedgerError: The claim that says so is damaged or missing.
        """
        with storage_errors(self.store, "read"):
            return read_settings(self.store)

    def history(self) -> History:
        """Returns the told evaluations and the candidates in flight, as of the last commit.

        Raises:
            RunError: There is no run.
            FormatError: A newer version wrote it.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        with self._reading() as segments:
            return segments.history()

    def totals(self) -> Totals:
        """Returns how much of its budget the run has spent; raises as `history` does."""
        with self._reading() as segments:
            return segments.read(columns=TOTALS_COLUMNS).totals()

    def told(self) -> int:
        """Returns the number of evaluations, by the names of the files alone; raises as `history` does."""
        _ = self.record
        with storage_errors(self.store, "read"):
            return read_manifest(self.store).told

    def table(self) -> pa.Table:
        """Returns one row per evaluation by ``seq``, with the columns of `SCHEMA`; raises as `history` does."""
        with self._reading() as segments:
            return segments.read().table()

    def find(self, ids: Collection[int]) -> pa.Table:
        """Returns the rows of candidates ``ids`` by ``seq``, of those that were told; raises as `history` does."""
        with self._reading() as segments:
            return segments.find(ids)

    def scan(self, columns: Sequence[str], *, first: int = 0, last: int | None = None) -> Iterator[Segment]:
        """Yields rows in the order of telling, file by file, without keeping them; see `VerifiedSegments.scan`.

        Raises:
            RunError: There is no run.
            FormatError: A newer version wrote it.
            CorruptLedgerError: Committed evaluations are damaged or missing.
        """
        with self._reading() as segments:
            yield from segments.scan(columns, first=first, last=last)

    def lost(self) -> tuple[tuple[int, int], ...]:
        """Returns the ranges ``(first, last)`` of places whose loss was accepted; raises as `history` does."""
        with self._reading() as segments:
            return read_fence(segments.store)[0].lost

    def check(self) -> int:
        """Verifies every file of the run that the ledger wrote, and returns their number.

        Raises:
            RunError: There is no run.
            FormatError: A newer version wrote it.
            CorruptLedgerError: Files are damaged or missing, or nothing counts them; the message names each.
        """
        with self._reading() as segments:
            return 1 + verify_files(segments)

    def _read_record(self) -> RunRecord:
        if not self.exists():
            raise RunError(
                f"{self.store.location} holds no run: {RUN_FILE} is missing; give the directory of a run, "
                "or start one with `evo-nas search`"
            )
        return decode_record(self._run_file or b"", where=f"{self.store.location}/{RUN_FILE}")

    @contextmanager
    def _reading(self) -> Iterator[VerifiedSegments]:
        """Yields the segments; raises an error unless there is a run in a format that this version reads."""
        _ = self.record
        with storage_errors(self.store, "read"):
            yield self.segments


def find_runs(root: str | os.PathLike[str]) -> list[Path] | list[str]:
    """Returns the runs at and directly under ``root``, sorted: directories, or URIs under a URI.

    Raises:
        RunError: The bucket cannot be listed.
    """
    if "://" not in str(root):
        top = Path(root)
        return sorted(path.parent for path in (*top.glob(RUN_FILE), *top.glob(f"*/{RUN_FILE}")))
    store = open_store(root)
    with storage_errors(store, "list"):
        places = [store.location, *(f"{store.location}/{name}" for name in store.list(""))]
    return [place for place in places if LedgerReader(open_store(place)).exists()]
