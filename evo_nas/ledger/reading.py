"""Reading runs without a claim: safe beside a live writer, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from evo_nas.ledger.contents import History, Totals, load_history, load_totals, read_contents
from evo_nas.ledger.epochs import read_settings
from evo_nas.ledger.local_store import open_store
from evo_nas.ledger.record import RUN_FILE, RunRecord, load_record
from evo_nas.ledger.store import Store, storage_errors

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import pyarrow as pa

_T = TypeVar("_T")


def holds_run(where: str | os.PathLike[str] | Store) -> bool:
    """Whether a run was ever started at ``where``; it may be damaged."""
    store = open_store(where)
    with storage_errors(store, "read"):
        try:
            store.read(RUN_FILE)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def read_record(where: str | os.PathLike[str] | Store) -> RunRecord:
    """Returns what run is at ``where``.

    Raises:
        RunError: There is none.
        FormatError: A newer version wrote it.
    """
    store = open_store(where)
    with storage_errors(store, "read"):
        return load_record(store)


def read_config(where: str | os.PathLike[str] | Store) -> dict[str, Any]:
    """Returns the configuration of the run at ``where`` with what was changed since; raises as `read_record` does.

    The record never changes; a session that is given more budget or other workers says so in its claim.
    """
    store = open_store(where)
    with storage_errors(store, "read"):
        return load_record(store).config | read_settings(store)


def read_history(where: str | os.PathLike[str] | Store) -> History:
    """Returns what was told and what was in flight at the last commit of the run at ``where``.

    Raises:
        RunError: There is no run.
        FormatError: A newer version wrote it.
        CorruptLedgerError: Committed evaluations are damaged or missing.
    """
    return _read(where, load_history)


def read_totals(where: str | os.PathLike[str] | Store) -> Totals:
    """Returns what of its budget the run at ``where`` has spent; raises as `read_history` does."""
    return _read(where, load_totals)


def read_table(where: str | os.PathLike[str] | Store) -> pa.Table:
    """Returns one row per evaluation of the run at ``where`` by ``seq``, with the columns of `SCHEMA`.

    Raises:
        RunError: There is no run.
        FormatError: A newer version wrote it.
        CorruptLedgerError: Committed evaluations are damaged or missing.
    """
    return _read(where, read_contents).table()


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
    return [place for place in places if holds_run(place)]


def _read(where: str | os.PathLike[str] | Store, read: Callable[[Store], _T]) -> _T:
    store = open_store(where)
    with storage_errors(store, "read"):
        load_record(store)
        return read(store)
