"""Stand-in."""

from functools import cached_property
from typing import Any

from evo_nas.ledger.contents import load_history, load_totals, read_contents
from evo_nas.ledger.epochs import read_settings
from evo_nas.ledger.reading import holds_run
from evo_nas.ledger.record import load_record
from evo_nas.ledger.store import Store, storage_errors


class LedgerReader:
    def __init__(self, store: Store) -> None:
        self.store = store

    @cached_property
    def record(self) -> Any:
        with storage_errors(self.store, "read"):
            return load_record(self.store)

    def exists(self) -> bool:
        return holds_run(self.store)

    def settings(self) -> Any:
        return read_settings(self.store)

    def _read(self, read: Any) -> Any:
        with storage_errors(self.store, "read"):
            load_record(self.store)
            return read(self.store)

    def history(self) -> Any:
        return self._read(load_history)

    def totals(self) -> Any:
        return self._read(load_totals)

    def table(self) -> Any:
        return self._read(read_contents).table()

    def check(self) -> None:
        self.history()
