"""Notes that a run was ended by something that its evaluations alone do not tell, such as the time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import uuid4

from evo_nas.budgets import Ending
from evo_nas.errors import RunError
from evo_nas.ledger import DamagedError, seal, storage_errors, unseal
from evo_nas.ledger.sealed import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.config import BudgetOptions
    from evo_nas.ledger import Store

FOLDER = "endings"
_log = logging.getLogger(__name__)


def keep_ending(store: Store, ending: Ending, *, told: int, budget: BudgetOptions) -> None:
    """Notes that ``ending`` was reached after ``told`` evaluations; a failure only makes a later resume search on."""
    content = seal({"ending": ending, "told": told, "budget": budget.model_dump(mode="json")})
    try:
        with storage_errors(store, "write the end of"):
            store.create(f"{FOLDER}/{told:010d}-{uuid4().hex[:8]}.json", content)
    except RunError as error:
        _log.warning("%s; the same command searches on", error)


def read_ending(store: Store, *, told: int, budget: BudgetOptions) -> Ending | None:
    """Returns what ended a run of ``told`` evaluations under ``budget``; None if it may go on."""
    with storage_errors(store, "read the end of"):
        for name in store.list(FOLDER):
            if not name.startswith(f"{told:010d}-"):
                continue
            try:
                values = unseal(read_bytes(store, f"{FOLDER}/{name}"))
                if values["told"] == told and values["budget"] == budget.model_dump(mode="json"):
                    return Ending(values["ending"])
            except (DamagedError, KeyError, ValueError):
                continue  # as if it had not been noted: the search goes on a little
    return None


def ending_damage(store: Store) -> Iterator[str]:
    """Yields one line for each note that is damaged."""
    for name in store.list(FOLDER):
        try:
            unseal(read_bytes(store, f"{FOLDER}/{name}"))
        except DamagedError as error:
            yield f"{FOLDER}/{name} is damaged; remove it, and the run may go on a little: {error}"
