"""Takes over a run for a new writer: claims a term, reads what counts, writes the fence, and tidies up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evo_nas.ledger.fencing import Fence, as_writer, claim_term, find_unusable, write_fence
from evo_nas.ledger.manifest import highest_term
from evo_nas.ledger.segments import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evo_nas.ledger.contents import Contents, VerifiedSegments
    from evo_nas.ledger.manifest import Manifest
    from evo_nas.ledger.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Takeover:
    """A term that has begun.

    Attributes:
        term: The number of the term.
        contents: What counted when it began; the tables have only the ids of the candidates.
    """

    term: int
    contents: Contents


def take_over(
    segments: VerifiedSegments, *, settings: Mapping[str, Any] | None = None, accept_data_loss: bool = False
) -> Takeover:
    """Begins a new term on the run that has these ``segments``.

    Args:
        segments: The segments of the run; those verified before are not read again.
        settings: Sections of the configuration that replace the recorded ones from now on.
        accept_data_loss: Whether to resume although committed evaluations are damaged or missing.

    Raises:
        FencedError: Another process took the run over at the same time.
        CorruptLedgerError: Committed evaluations are damaged or missing.
    """
    store = segments.store
    # Segments of a term whose claim and fence are gone must not be taken for this writer's own.
    term = claim_term(store, above=highest_term(store), settings=settings)
    # Listed after the claim: the last writer has either published a segment by now, or it will see the claim.
    with as_writer(store, term, "open"):
        contents = segments.read(columns=["id"], below=term, accept_data_loss=accept_data_loss)
        _write_fence(store, term, contents.manifest)
    with as_writer(store, term, "tidy up"):
        aside = _find_uncounted(contents)
        if accept_data_loss:
            # A damaged claim or fence stays until its loss is accepted: it may be restored, and it decides what counts.
            aside |= find_unusable(store, below=term)
        _set_aside(store, aside)
        if not contents.manifest.guessed:
            for name in contents.manifest.redundant:
                store.delete(name.path)
        store.discard_leftovers()
    return Takeover(term, contents)


def _write_fence(store: Store, term: int, manifest: Manifest) -> None:
    lost = (*manifest.fence.lost, *manifest.missing)
    write_fence(store, Fence(term, tuple(map(str, manifest.live)), lost))
    for first, last in manifest.missing:
        _log.warning("evaluations %d to %d are lost; the run goes on without them", first, last)


def _find_uncounted(contents: Contents) -> dict[str, str]:
    """Returns the files that do not count, with the reason, by path."""
    manifest = contents.manifest
    aside = {name.path: f"damaged: {reason}" for name, reason in contents.damage.items()}
    aside |= {name.path: "not part of the run when it was taken over before" for name in manifest.stale}
    aside |= {f"{FOLDER}/{text}": "not a segment of this ledger" for text in manifest.foreign}
    if manifest.guessed:
        # Without the fence that decided, two segments with the same places may hold different rows.
        aside |= {name.path: "another segment has its places" for name in manifest.redundant}
    return aside


def _set_aside(store: Store, aside: Mapping[str, str]) -> None:
    """Moves files away, so that readers that do not know fences, such as DuckDB, do not read them."""
    for path, reason in aside.items():
        _log.warning("%s set aside as %s (%s); it does not count", path, store.set_aside(path), reason)
