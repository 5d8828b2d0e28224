"""Removes what launches leave behind and nobody needs any more, also that of services which were killed."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from evo_nas.errors import EvoNasError

if TYPE_CHECKING:
    from evo_nas.server.launches import LaunchStore

TIDY_S = 60.0
_log = logging.getLogger(__name__)


async def keep_tidy(launches: LaunchStore) -> None:
    """Tidies up again and again until it is cancelled; see `tidy`."""
    while True:
        await asyncio.to_thread(tidy, launches)
        await asyncio.sleep(TIDY_S)


def tidy(launches: LaunchStore) -> None:
    """Forgets old idempotency keys, and removes the data that were posted for processes that have ended."""
    try:
        launches.claims.forget_old()
        for run in launches.runs():
            launches.remove_posted(run)
    except (OSError, EvoNasError) as error:
        _log.warning("what launches have left behind cannot be removed now: %s", error)
