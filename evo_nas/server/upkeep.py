"""The background tasks of a service: they start lost watchers again, and remove files that nobody needs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from evo_nas.errors import EvoNasError
from evo_nas.server.launcher import ATTACH_S

if TYPE_CHECKING:
    from evo_nas.server.launcher import Launcher
    from evo_nas.server.launches import LaunchStore

TIDY_S = 60.0
_log = logging.getLogger(__name__)


async def keep_attached(launcher: Launcher) -> None:
    """Looks for watchers that were lost until it is cancelled; see `Launcher.attach_again`."""
    while True:
        try:
            await asyncio.to_thread(launcher.attach_again)
        except (OSError, EvoNasError) as error:
            _log.warning("searches in the cluster cannot be watched again now: %s", error)
        await asyncio.sleep(ATTACH_S)


async def keep_tidy(launches: LaunchStore) -> None:
    """Tidies up again and again until it is cancelled; see `tidy`."""
    while True:
        try:
            await asyncio.to_thread(tidy, launches)
        except OSError as error:
            _log.warning("what launches have left behind cannot be looked through now: %s", error)
        await asyncio.sleep(TIDY_S)


def tidy(launches: LaunchStore) -> None:
    """Forgets old idempotency keys, and removes the data that were posted for processes that have ended.

    Raises:
        OSError: The folder of the launches cannot be read or written.
    """
    launches.claims.forget_old()
    for run in launches.runs():
        try:
            launches.remove_posted(run)
        # That of one run must not keep that of others.
        except (OSError, EvoNasError) as error:
            _log.warning("the data that were posted for %s cannot be removed now: %s", run, error)
