"""Checks every file of a run that the ledger wrote, including those that no search would read any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_nas.errors import CorruptLedgerError
from evo_nas.ledger import fencing
from evo_nas.ledger.sealed import DamagedError
from evo_nas.ledger.segments import FOLDER, read_segment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evo_nas.ledger.contents import Contents, VerifiedSegments
    from evo_nas.ledger.store import Store


def verify_files(segments: VerifiedSegments) -> int:
    """Verifies all claims, fences and segments, and returns their number.

    Raises:
        CorruptLedgerError: Some are damaged or missing, or nothing counts them; the message names each.
        FormatError: A newer version wrote some of them.
    """
    store = segments.store
    problems = [f"{path} is {problem}" for path, problem in fencing.find_damage(store).items()]
    try:
        contents = segments.read()
    except CorruptLedgerError as error:
        raise CorruptLedgerError(
            "\n".join([str(error), *(f"  {problem}" for problem in problems)])
        ) from error
    problems += [*_find_uncounted(contents), *_find_damaged(store, contents)]
    if problems:
        raise CorruptLedgerError(
            f"{store.location} has files that are damaged or that nothing counts:\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + "\nRestore them from a copy, or go on with `evo-nas resume --accept-data-loss`, which sets them aside"
        )
    manifest = contents.manifest
    return len(fencing.find_files(store)) + len(manifest.live) + len(manifest.redundant)


def _find_uncounted(contents: Contents) -> Iterator[str]:
    for name in contents.manifest.stale:
        yield (
            f"{name.path} is counted by no fence: its writer had been superseded, or its loss was accepted before"
        )
    for text in contents.manifest.foreign:
        yield f"{FOLDER}/{text} is not a segment of this ledger"


def _find_damaged(store: Store, contents: Contents) -> Iterator[str]:
    """Yields damage that loses no row, since another segment has the same rows."""
    for name in contents.manifest.unreadable:
        yield f"{name.path} is damaged: {contents.damage[name]}"
    for name in contents.manifest.redundant:
        try:
            read_segment(store, name)
        except DamagedError as error:
            # A live writer removes a segment once it was merged into another.
            if str(name) in store.list(FOLDER):
                yield f"{name.path} is damaged: {error}"
