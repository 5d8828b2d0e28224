"""The append-only record of every evaluation, on plain Parquet files that anyone can read.

A run is a directory of immutable segments; a commit adds one, whole or not at all, and nothing is ever
changed. Which segments count is decided by their names and by epochs: a writer claims an epoch when it opens
the run and fixes what counted before it, so that a process thought dead cannot add rows later. The state of a
search is what its ledger says; there is no other.
"""

from __future__ import annotations

from evo_nas.ledger.contents import History, Totals
from evo_nas.ledger.ledger import Ledger, check_vacant
from evo_nas.ledger.local_store import LocalStore, open_store
from evo_nas.ledger.reader import LedgerReader
from evo_nas.ledger.reading import (
    find_runs,
    holds_run,
    read_config,
    read_history,
    read_record,
    read_table,
    read_totals,
)
from evo_nas.ledger.record import FORMAT, RunRecord, hash_config
from evo_nas.ledger.schema import SCHEMA, Describe
from evo_nas.ledger.sealed import DamagedFileError, seal, unseal
from evo_nas.ledger.store import Store, storage_errors

__all__ = [
    "FORMAT",
    "SCHEMA",
    "DamagedFileError",
    "Describe",
    "History",
    "Ledger",
    "LedgerReader",
    "LocalStore",
    "RunRecord",
    "Store",
    "Totals",
    "check_vacant",
    "find_runs",
    "hash_config",
    "holds_run",
    "open_store",
    "read_config",
    "read_history",
    "read_record",
    "read_table",
    "read_totals",
    "seal",
    "storage_errors",
    "unseal",
]
