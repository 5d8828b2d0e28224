"""Random streams keyed by what they are for, never by when they are used.

A stream is a function of ``(run seed, purpose, key)``. Candidate 17 of a run draws the same numbers
whether it is asked first or last, before or after a crash, by one worker or by a thousand.
"""

from __future__ import annotations

import hashlib
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def derive_seed(run_seed: int, purpose: str, *key: int | str) -> int:
    """Returns the 63-bit seed of the stream ``(run_seed, purpose, *key)``."""
    text = "\x1f".join(str(part) for part in (run_seed, purpose, *key))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def stream(run_seed: int, purpose: str, *key: int | str) -> random.Random:
    """Returns a fresh generator for ``(run_seed, purpose, *key)``."""
    return random.Random(derive_seed(run_seed, purpose, *key))


@contextmanager
def lent_to_global(rng: random.Random) -> Iterator[None]:
    """Lends ``rng`` to the module-level functions of :mod:`random` and gives their state back.

    DEAP's operators draw from the global generator. Inside this context they draw from ``rng``, which
    advances as if it had been passed to them; whatever the host program seeded is untouched.
    """
    theirs = random.getstate()
    random.setstate(rng.getstate())
    try:
        yield
    finally:
        rng.setstate(random.getstate())
        random.setstate(theirs)
