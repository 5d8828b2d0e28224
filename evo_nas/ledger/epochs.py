"""Who may write: an epoch is claimed once, and its fence fixes for ever what counts of the epochs before it.

A writer claims the next epoch by creating its claim file, which only one can. *After* that it lists the
segments and writes down, in its fence, those of earlier epochs that count. After publishing a segment and
before acknowledging it, a writer looks for a higher claim, and stops if there is one. So a segment is either
published before the next writer's claim, and then that writer's listing finds it; or its own writer sees the
claim and never acknowledges it. No clock is read. Listing before the claim, or looking for claims before
publishing, loses acknowledged segments.
"""

from __future__ import annotations

import json
import os
import re
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evo_nas.errors import CorruptLedgerError, FencedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.ledger.store import Store

FOLDER = "epochs"
_NAME = re.compile(r"(\d{8,})\.(claim|fence)\.json")


@dataclass(frozen=True, slots=True)
class Fence:
    """What counts of the epochs below ``epoch``.

    Attributes:
        epoch: Its writer's; segments of this and later epochs need no fence to count.
        segments: Names of the segments that count, and no other ones.
        lost: Ranges ``(first, last)`` of ``seq`` whose loss a person has accepted.
    """

    epoch: int
    segments: tuple[str, ...]
    lost: tuple[tuple[int, int], ...]


NO_FENCE = Fence(0, (), ())


def claim_epoch(store: Store, *, settings: Mapping[str, Any] | None = None) -> int:
    """Claims and returns the next epoch, for a writer with these ``settings``; see `read_settings`."""
    owner = {"owner": uuid4().hex, "host": socket.gethostname(), "pid": os.getpid(), "settings": settings}
    while True:
        epoch = _highest(store, "claim") + 1
        if store.create(_path(epoch, "claim"), json.dumps(owner).encode()):
            return epoch


def read_settings(store: Store) -> dict[str, Any]:
    """Returns what the last writer that said so changed of the run's configuration, by section.

    Claims decide nothing but this, so one that is damaged is passed over.
    """
    for epoch in reversed(_epochs(store, "claim")):
        with suppress(ValueError, TypeError, KeyError, RecursionError, OSError):
            settings = json.loads(store.read(_path(epoch, "claim")))["settings"]
            if isinstance(settings, dict):
                return settings
    return {}


def check_not_superseded(store: Store, epoch: int) -> None:
    """Raises `FencedError` if a later epoch than ``epoch`` has been claimed."""
    latest = _highest(store, "claim")
    if latest > epoch:
        raise FencedError(
            f"another process has taken over {store.location} (epoch {latest}, this one is {epoch}); "
            "nothing acknowledged is lost: let it go on, and start this one again only when it has ended"
        )


def write_fence(store: Store, fence: Fence) -> None:
    """Makes ``fence`` durable; its epoch has been claimed and never been fenced before."""
    created = store.create(_path(fence.epoch, "fence"), json.dumps(asdict(fence)).encode())
    assert created, f"epoch {fence.epoch} has two owners"


def read_fence(store: Store, *, below: int | None = None, accept_data_loss: bool = False) -> Fence:
    """Returns the highest fence, the only one that decides, among epochs less than ``below``.

    Raises:
        CorruptLedgerError: It is damaged; with ``accept_data_loss`` the one before it decides instead.
    """
    for epoch in reversed(_epochs(store, "fence")):
        if below is not None and epoch >= below:
            continue
        try:
            return _decode_fence(store.read(_path(epoch, "fence")))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if not accept_data_loss:
                raise CorruptLedgerError(
                    f"{store.location}/{_path(epoch, 'fence')} is damaged ({error!r}); restore it from "
                    "a copy, or accept the possible loss of evaluations with --accept-data-loss"
                ) from error
    return NO_FENCE


def _decode_fence(content: bytes) -> Fence:
    values = json.loads(content)
    lost = tuple((int(first), int(last)) for first, last in values["lost"])
    return Fence(int(values["epoch"]), tuple(map(str, values["segments"])), lost)


def _path(epoch: int, kind: str) -> str:
    return f"{FOLDER}/{epoch:08d}.{kind}.json"


def _epochs(store: Store, kind: str) -> list[int]:
    matches = map(_NAME.fullmatch, store.list(FOLDER))
    return sorted(int(match[1]) for match in matches if match and match[2] == kind)


def _highest(store: Store, kind: str) -> int:
    return max(_epochs(store, kind), default=0)
