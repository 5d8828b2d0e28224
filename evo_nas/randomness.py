"""Random streams keyed by what they are for, never by when they are used.

A stream is a function of ``(run seed, purpose, key)``. Candidate 17 of a run draws the same numbers
whether it is asked first or last, before or after a crash, by one worker or by a thousand.
"""

from __future__ import annotations

import hashlib
import random


def derive_seed(run_seed: int, purpose: str, *key: int | str) -> int:
    """Returns the 63-bit seed of the stream ``(run_seed, purpose, *key)``."""
    text = "\x1f".join(str(part) for part in (run_seed, purpose, *key))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def stream(run_seed: int, purpose: str, *key: int | str) -> random.Random:
    """Returns a fresh generator for ``(run_seed, purpose, *key)``."""
    return random.Random(derive_seed(run_seed, purpose, *key))
