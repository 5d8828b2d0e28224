"""Random streams that are keyed by their purpose, never by the time of their use.

A stream is a function of ``(run seed, purpose, key)``. Candidate 17 of a run draws the same numbers
whether it is asked first or last, before or after a crash, by one worker or by a thousand.
"""

from __future__ import annotations

import hashlib
import random


def derive_seed(run_seed: int, purpose: str, *key: int | str) -> int:
    """Returns the 63-bit seed of the stream ``(run_seed, purpose, *key)``."""
    # A separator that no key contains: joined without one, the keys (1, 23) and (12, 3) would share a stream.
    text = "\x1f".join(str(part) for part in (run_seed, purpose, *key))
    # Not `hash`, whose values for text differ from process to process.
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def stream(run_seed: int, purpose: str, *key: int | str) -> random.Random:
    """Returns a fresh generator for ``(run_seed, purpose, *key)``."""
    return random.Random(derive_seed(run_seed, purpose, *key))
