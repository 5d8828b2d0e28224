"""Fencing decides which process may write: a term is claimed once, and its fence fixes what counts before it.

The number of a term is a fencing token. A writer claims the next term by creating its claim file, which only
one writer can do. *After* that it lists the segments and writes down, in the fence of its term, those of earlier
terms that count. After it has published a segment and before it acknowledges it, a writer looks for a later
claim, and stops if there is one. So there are two cases. A segment is published before the next writer's claim: then
that writer's listing finds it. Or it is published later: then its own writer sees the claim and never acknowledges
it. No clock is read. Listing before the claim, or looking for claims before publishing, would lose acknowledged
segments.

Claims and fences are sealed and never removed, so that a term without a claim is damaged.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evo_nas.errors import CorruptLedgerError, FencedError
from evo_nas.ledger.sealed import DamagedError, read_bytes, seal, unseal
from evo_nas.ledger.segments import SegmentName
from evo_nas.ledger.store import storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from evo_nas.ledger.store import Store

FOLDER = "fencing"
_NAME = re.compile(r"(\d{8,})\.(claim|fence)\.json")
_CLAIM, _FENCE = "claim", "fence"


@dataclass(frozen=True, slots=True)
class Fence:
    """Fixes which segments of earlier terms count.

    Attributes:
        term: The term of its writer; segments of this term count without being listed.
        segments: Names of all segments of earlier terms that count.
        lost: Ranges ``(first, last)`` of ``seq`` whose loss was accepted.
    """

    term: int
    segments: tuple[str, ...]
    lost: tuple[tuple[int, int], ...]


NO_FENCE = Fence(0, (), ())


@contextmanager
def as_writer(store: Store, term: int, action: str) -> Iterator[None]:
    """Runs its body as the writer of ``term``; raises an error afterwards if that writer was superseded.

    Raises:
        FencedError: A later term has been claimed.
        RunError: The store failed.
    """
    with storage_errors(store, action):
        try:
            yield
        finally:
            # After the body: a writer that checks before could publish after its successor has listed.
            check_not_superseded(store, term)


def claim_term(store: Store, *, above: int = 0, settings: Mapping[str, Any] | None = None) -> int:
    """Claims and returns the next term, at least ``above + 1``, for a writer with these ``settings``."""
    owner = {"owner": uuid4().hex, "host": socket.gethostname(), "pid": os.getpid(), "settings": settings}
    while True:
        term = 1 + max(above, _highest(store))
        # Only one writer can create this file; the others try the next term.
        if store.create(_path(term, _CLAIM), seal({"term": term, **owner})):
            return term


def read_settings(store: Store) -> dict[str, Any]:
    """Returns the latest settings that a writer has claimed the run with, by section of the configuration.

    Earlier claims are not read, since nothing depends on them.

    Raises:
        CorruptLedgerError: The deciding claim is damaged or missing.
    """
    files = _list_files(store)
    # Terms of fences count, too: if a claim is lost and only its fence is left, its settings must not vanish silently.
    for term in sorted(files.keys(), reverse=True):
        try:
            settings = _read(store, term, _CLAIM)["settings"]
        except DamagedError as error:
            raise CorruptLedgerError(
                f"{store.location}/{_path(term, _CLAIM)} is damaged ({error}), and it may say with which budget "
                "and workers the run was last continued; restore it from a copy, or state them again: "
                "evo-nas search CONFIG with the run's own configuration"
            ) from error
        if settings is not None:
            return dict(settings)
    return {}


def check_not_superseded(store: Store, term: int) -> None:
    """Raises `FencedError` if a later term than ``term`` has been claimed."""
    latest = _highest(store)
    if latest > term:
        raise FencedError(
            f"another process has taken over {store.location} (term {latest}, this one is {term}); "
            "nothing acknowledged is lost: let it go on, and start this one again only when it has ended"
        )


def write_fence(store: Store, fence: Fence) -> None:
    """Writes ``fence`` durably; its term must be claimed and not fenced yet."""
    created = store.create(_path(fence.term, _FENCE), seal(asdict(fence)))
    assert created, f"term {fence.term} has two owners"


def read_fence(
    store: Store, *, below: int | None = None, accept_data_loss: bool = False
) -> tuple[Fence, list[str]]:
    """Returns the highest fence, which alone decides, and the damaged ones above it.

    Args:
        store: The place of the run.
        below: Only fences of lower terms are read.
        accept_data_loss: Whether a damaged fence may be skipped in favour of the one before it.

    Raises:
        CorruptLedgerError: The highest fence is damaged.
    """
    damaged: list[str] = []
    fences = (term for term, kinds in _list_files(store).items() if _FENCE in kinds)
    for term in sorted(fences, reverse=True):
        if below is not None and term >= below:
            continue
        try:
            return _decode_fence(_read(store, term, _FENCE)), damaged
        except DamagedError as error:
            path = _path(term, _FENCE)
            if not accept_data_loss:
                raise CorruptLedgerError(_explain_fence(store, path, f"is damaged ({error})")) from error
            damaged.append(path)
    return NO_FENCE, damaged


def refuse_unfenced(store: Store, term: int) -> None:
    """Raises `CorruptLedgerError` for segments of a ``term`` whose fence is missing."""
    path = _path(term, _FENCE)
    # A writer publishes nothing before its fence is durable, so the fence was there.
    raise CorruptLedgerError(
        _explain_fence(store, path, f"is missing, but segments of term {term} are there")
    )


def find_damage(store: Store) -> dict[str, str]:
    """Reads every claim and fence and returns their problems by path."""
    problems = {f"{FOLDER}/{name}": "not a claim or fence" for name in _list_foreign(store)}
    for term, kinds in sorted(_list_files(store).items()):
        # A fence without its claim is damage; a claim without its fence is left by a writer that died while opening.
        for kind in sorted(kinds | {_CLAIM}):
            try:
                values = _read(store, term, kind)
                if kind == _FENCE:
                    _decode_fence(values)
            except DamagedError as error:
                problems[_path(term, kind)] = f"damaged: {error}"
    return problems


def find_unusable(store: Store, *, below: int) -> dict[str, str]:
    """Returns the useless files of terms below ``below``, with the reason by path."""
    damage = find_damage(store)
    unusable = {f"{FOLDER}/{name}": "not a claim or fence" for name in _list_foreign(store)}
    for term, kinds in _list_files(store).items():
        if term >= below:
            continue
        paths = [_path(term, kind) for kind in kinds]
        # A fence is useless without its claim: alone, it would always look as if a claim with settings were missing.
        claimed = _path(term, _CLAIM) not in damage
        unusable |= {
            path: damage.get(path, "its term has no whole claim")
            for path in paths
            if path in damage or not claimed
        }
    return unusable


def find_files(store: Store) -> list[str]:
    """Returns the paths of all claims and fences."""
    return [_path(term, kind) for term, kinds in sorted(_list_files(store).items()) for kind in sorted(kinds)]


def _explain_fence(store: Store, path: str, problem: str) -> str:
    return (
        f"{store.location}/{path} {problem}, so that it is unknown which segments count; restore it from a copy, "
        "or accept the possible loss of evaluations with --accept-data-loss"
    )


def _read(store: Store, term: int, kind: str) -> dict[str, Any]:
    values = unseal(read_bytes(store, _path(term, kind)))
    if values.get("term") != term:
        raise DamagedError(f"it is of term {values.get('term')}")
    return values


def _decode_fence(values: Mapping[str, Any]) -> Fence:
    try:
        lost = tuple((int(first), int(last)) for first, last in values["lost"])
        fence = Fence(int(values["term"]), tuple(map(str, values["segments"])), lost)
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"it is no fence: {error!r}") from error
    names = map(SegmentName.parse, fence.segments)
    # No writer can have listed segments of its own or a later term.
    if not all(name is not None and name.term < fence.term for name in names):
        raise DamagedError("it counts segments that are not of an earlier term")
    return fence


def _path(term: int, kind: str) -> str:
    return f"{FOLDER}/{term:08d}.{kind}.json"


def _list_files(store: Store) -> dict[int, set[str]]:
    """Returns the kinds of files (claim, fence) of each term."""
    files: dict[int, set[str]] = {}
    for match in map(_NAME.fullmatch, store.list(FOLDER)):
        if match is not None:
            files.setdefault(int(match[1]), set()).add(match[2])
    return files


def _list_foreign(store: Store) -> list[str]:
    names = store.list(FOLDER)
    return [name for name in names if not name.startswith(".") and _NAME.fullmatch(name) is None]


def _highest(store: Store) -> int:
    return max(_list_files(store), default=0)
