"""The append-only record of every evaluation, on plain Parquet files that anyone can read.

A run is a directory of immutable segments; a commit adds one completely or not at all, and no file is ever changed.
The names of the segments and the fences decide which of them count: a writer claims a term when it opens the run,
and its fence fixes what counted before, so that a process that seemed dead cannot add rows later. Every file
carries a checksum, in its name or in its content. A search has no other state than its ledger.
"""

from __future__ import annotations

from evo_nas.ledger.committing import BackgroundCommitter, Committer, ImmediateCommitter
from evo_nas.ledger.contents import History, Totals
from evo_nas.ledger.ledger import Ledger, check_vacant
from evo_nas.ledger.local_store import LocalStore
from evo_nas.ledger.reader import LedgerReader, find_runs
from evo_nas.ledger.record import FORMAT, RecordedFounder, RunRecord
from evo_nas.ledger.schema import SCHEMA, Describe
from evo_nas.ledger.sealed import DamagedError, seal, unseal
from evo_nas.ledger.store import Store, storage_errors
from evo_nas.ledger.stores import Place, open_store

__all__ = [
    "FORMAT",
    "SCHEMA",
    "BackgroundCommitter",
    "Committer",
    "DamagedError",
    "Describe",
    "History",
    "ImmediateCommitter",
    "Ledger",
    "LedgerReader",
    "LocalStore",
    "Place",
    "RecordedFounder",
    "RunRecord",
    "Store",
    "Totals",
    "check_vacant",
    "find_runs",
    "open_store",
    "seal",
    "storage_errors",
    "unseal",
]
